"""`check_data`: the rules that litmore's views and loaders keep, asked of others."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import torch
from lightning.pytorch import LightningDataModule, Trainer
from torch import Tensor

from litmore.data.loader import BatchLoader
from litmore.data.served import SplitsDataModule
from litmore.data.views import PAD, AnyBatch, Batch, View
from litmore.testing.rules import asked, require
from litmore.testing.training import undisturbed

LOOKED_AT = 1000
"""Examples of a view that are gathered one by one."""


def check_data(make: Callable[[], View | LightningDataModule], batch_size: int = 4) -> None:
    """Ask of data what litmore's commands rely on; docs/testing.md has each rule.

    Of a `View`: what it gathers, and its order of training as `BatchLoader` serves it. Of a data
    module of litmore's: its views, and its loaders. Of any other: its loaders; where they are
    torch's, sharing them out and going on in them is Lightning's part.

    Args:
        make: makes the view, or the data module; more than once.
        batch_size: examples a process and batch, of a view.

    Raises:
        AssertionError: a rule is broken; the message says which, and where it stands.

    """
    with undisturbed():
        made = _made(make, 0)
        if isinstance(made, View):
            _check_view(made, type(made).__name__, batch_size)
            return
        name = type(made).__name__
        if isinstance(made, SplitsDataModule):
            for split in ("train", "val", "test"):
                if len(made.splits[split]):
                    view = made.split_view(split)
                    _check_gathers(view, f"{name}, its {split} split")
                    require(len(view), "gathers", f"{name}: nothing is seen of its {split} split")
            _check_view(made.training_view(made.batch_size), name, made.batch_size)
        _check_loaders(make, name, isinstance(made, SplitsDataModule))


def _made(make: Callable[[], Any], seed: int, rank: int = 0, world_size: int = 1) -> Any:
    """View or data, as a process of a run with that seed makes it."""
    torch.manual_seed(seed)
    made = make()
    if isinstance(made, LightningDataModule):
        made.trainer = _OneOf(rank, world_size)
        name = type(made).__name__
        with asked("made", f"{name} prepares and sets up what fit needs"):
            made.prepare_data()
            made.setup("fit")
    else:
        require(
            isinstance(made, View),
            "made",
            f"check_data is for a View or a LightningDataModule, not a {type(made).__name__}",
        )
    return made


class _OneOf(Trainer):
    """What data ask of the Trainer of a process, which trains nothing."""

    def __init__(self, rank: int, world_size: int) -> None:
        self._rank = rank
        self._world_size = world_size
        self.overfit_batches = 0

    @property
    def global_rank(self) -> int:
        return self._rank

    @property
    def world_size(self) -> int:
        return self._world_size


# Views


def _check_view(view: View, name: str, batch_size: int) -> None:
    _check_gathers(view, name)
    _check_order(view, name, batch_size)

    def served(seed: int, epoch: int, rank: int = 0, world_size: int = 1, state: Any = None) -> Any:
        alone = batch_size * 6 // world_size  # of 6 processes or fewer the same global batch
        order = view.training_order(seed, batch_size * 6)
        loader = BatchLoader(view, alone, order=order, rank=rank, world_size=world_size)
        loader.sampler.set_epoch(epoch)
        if state is not None:
            loader.load_state_dict(state)
        return loader

    _check_shards(served, name)
    _check_resumes(served, name)


def _check_gathers(view: View, name: str) -> None:
    """A batch holds the examples asked for, in that order, whatever stands beside them."""
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randperm(len(view), generator=generator)[:LOOKED_AT]
    with asked("gathers", f"{name}: view[examples] gathers any of its {len(view)} examples"):
        alone = [_examples(view[chosen[i : i + 1]]) for i in range(len(chosen))]
        for size in (1, 7, len(chosen)):
            together = [_examples(view[part]) for part in chosen.split(max(size, 1))]
            require(
                list(chain(*together)) == list(chain(*alone)),
                "gathers",
                f"{name}: gathered {size} at a time, its examples are others than one by one",
            )
        twice = _examples(view[chosen[:1].repeat(2)]) if len(chosen) else []
    require(
        twice == 2 * alone[0] if alone else True,
        "gathers",
        f"{name}: an example that is asked for twice comes otherwise the second time",
    )


def _check_order(view: View, name: str, batch_size: int) -> None:
    def order(seed: int, epoch: int) -> list[int]:
        made = view.training_order(seed, batch_size)
        made.set_epoch(epoch)
        found: list[int] = made.order()[0 : len(made)].tolist()
        require(
            len(found) == len(made),
            "once",
            f"{name}: its order says that it has {len(made)} examples, and serves {len(found)}",
        )
        return found

    with asked("order", f"{name}.training_order gives an order of its examples"):
        first = order(0, 0)
        torch.rand(3)  # a draw of another's
        again, later, other = order(0, 0), order(0, 1), order(1, 0)
    twice = [example for example, times in Counter(first).items() if times > 1]
    require(not twice, "once", f"{name}: example {twice[:1]} comes more than once an epoch")
    missing = set(range(len(view))) - set(first)
    # An order may serve fewer, such as windows side by side; one of all serves all.
    require(
        len(first) < len(view) or not missing,
        "once",
        f"{name}: example {sorted(missing)[:1]} does not come in an epoch",
    )
    require(
        first == again,
        "order",
        f"{name}: its order is none of seed and epoch alone: asked again, it is another",
    )
    if len(first) > 8:
        require(first != later, "order", f"{name}: the second epoch has the order of the first")
        require(first != other, "order", f"{name}: another seed gives the same order")


# Loaders


def _check_loaders(make: Callable[[], Any], name: str, is_ours: bool) -> None:
    def served(seed: int, epoch: int, rank: int = 0, world_size: int = 1, state: Any = None) -> Any:
        loader = _made(make, seed, rank, world_size).train_dataloader()
        if hasattr(getattr(loader, "sampler", None), "set_epoch"):
            loader.sampler.set_epoch(epoch)
        elif epoch:
            for _ in range(epoch):
                list(loader)
        if state is not None:
            loader.load_state_dict(state)
        return loader

    with asked("made", f"{name}.train_dataloader gives batches"):
        first = _in_a_row(served(0, 0))
        torch.rand(3)
        again, later = _in_a_row(served(0, 0)), _in_a_row(served(0, 1))
    require(first, "once", f"{name}.train_dataloader: no batch comes")
    require(
        first == again,
        "order",
        f"{name}: the same seed and epoch give other examples, or another order, each time",
    )
    if not is_ours:  # else the view's have been looked at, and an epoch may have some of all
        others = Counter(first) - Counter(later)
        require(
            not others and len(first) == len(later),
            "once",
            f"{name}: the second epoch has not the examples of the first, each as often:"
            f" {others.total()} of {len(first)} are missing",
        )
    for stage in ("val", "test"):
        _check_judged(make, name, stage)
    loader = served(0, 0)
    if is_ours:
        _check_shards(served, name, of_one_size=False)
    if hasattr(loader, "load_state_dict") and hasattr(loader, "state_dict"):
        _check_resumes(served, name)


def _check_judged(make: Callable[[], Any], name: str, stage: str) -> None:
    """Where the model is judged, all comes in the same order each time."""
    kind = {"val": "validate", "test": "test"}[stage]
    made = _made(make, 0)
    if getattr(type(made), f"{stage}_dataloader") is getattr(
        LightningDataModule, f"{stage}_dataloader"
    ):
        return
    with asked("made", f"{name}.{stage}_dataloader gives batches"):
        made.setup(kind)
        loaders = getattr(made, f"{stage}_dataloader")()
        for loader in loaders if isinstance(loaders, Sequence) else [loaders]:
            require(
                _in_a_row(loader) == _in_a_row(loader),
                "order",
                f"{name}.{stage}_dataloader: another order each time; judge in a fixed one",
            )


def _check_shards(served: Callable[..., Any], name: str, of_one_size: bool = True) -> None:
    """Processes together see each example once; where batches add up to one's, in its order."""
    alone = Counter(_in_a_row(served(0, 1)))
    for world_size in (2, 3):
        with asked("sharding", f"{name} is shared out to {world_size} processes"):
            ranks = [served(0, 1, rank, world_size) for rank in range(world_size)]
            shares = [[_examples(batch) for batch in rank] for rank in ranks]
        require(
            len({len(share) for share in shares}) == 1,
            "sharding",
            f"{name}: of {world_size} processes each has another number of batches",
        )
        together = Counter(example for share in shares for batch in share for example in batch)
        if of_one_size:
            steps = [list(chain(*step)) for step in zip(*shares, strict=True)]
            require(
                steps == [_examples(batch) for batch in served(0, 1)],
                "sharding",
                f"{name}: {world_size} processes together have other batches than one has",
            )
            require(
                together == alone,
                "sharding",
                f"{name}: {world_size} processes together do not see each example once",
            )
        else:
            most = max(together.values(), default=0)
            require(
                most <= max(alone.values(), default=0) or together.total() <= alone.total(),
                "sharding",
                f"{name}: {world_size} processes together see an example more often than one does",
            )


def _check_resumes(served: Callable[..., Any], name: str) -> None:
    """From a state that a checkpoint can hold, after any batch."""
    whole = [_examples(batch) for batch in served(0, 1)]
    for after in sorted({1, len(whole) // 2, len(whole) - 1} - {0}):
        stopped = served(0, 1)
        list(islice(stopped, after))
        with asked("position", f"{name}: the state of its loader goes through JSON"):
            state = json.loads(json.dumps(stopped.state_dict()))
        with asked("position", f"{name} goes on after {after} batches"):
            rest = [_examples(batch) for batch in served(0, 1, state=state)]
        require(
            rest == whole[after:],
            "position",
            f"{name}: gone on with after {after} batches of {len(whole)}, it serves others than"
            " were left",
        )


def _in_a_row(batches: Iterable[Any]) -> list[Any]:
    return [example for batch in batches for example in _examples(batch)]


def _examples(batch: Any) -> list[Any]:
    """Each as what can be compared, without what fills it up to the length of the longest."""
    if isinstance(batch, AnyBatch):
        x, y = batch
        require(
            len(x) == len(y),
            "gathers",
            f"a batch of {len(x)} contexts has targets for {len(y)}",
        )
        if isinstance(batch, Batch) and x.shape == y.shape and y.dim() > 1:
            lengths = ((y != PAD).long() * torch.arange(1, y.shape[1] + 1)).amax(1).tolist()
            pairs = zip(x.tolist(), y.tolist(), lengths, strict=True)
            return [(tuple(a[:n]), tuple(b[:n])) for a, b, n in pairs]
        return [
            (tuple(a.flatten().tolist()), tuple(b.flatten().tolist()))
            for a, b in zip(x, y, strict=True)
        ]
    parts = _tensors(batch)
    length = min((len(part) for part in parts if part.dim()), default=0)
    rows = [part for part in parts if part.dim() and len(part) == length]
    return [tuple(part[i].numpy().tobytes() for part in rows) for i in range(length)]


def _tensors(batch: Any) -> list[Tensor]:
    if isinstance(batch, Tensor):
        return [batch.detach().cpu()]
    if isinstance(batch, Mapping):
        batch = list(batch.values())
    if isinstance(batch, list | tuple):
        return [tensor for each in batch for tensor in _tensors(each)]
    return []
