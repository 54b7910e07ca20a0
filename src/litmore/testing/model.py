"""`check_model`: the rules that each of litmore's models keeps, asked of another."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from functools import partial
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from torch import Tensor
from torch.optim import SGD, Optimizer

from litmore.cli.commands import command, more_commands
from litmore.data.datamodule import NamesDataModule
from litmore.data.entropy import entropy_floor
from litmore.data.served import SplitsDataModule
from litmore.data.text import TextDataModule
from litmore.data.views import PAD, AnyBatch, Batch, CountBatch
from litmore.models.base import CharLM, as_batch
from litmore.models.hyperparameters import plain, remember
from litmore.runs import checkpoint as checkpoints
from litmore.sampling import sample
from litmore.testing.rules import asked, require
from litmore.testing.training import (
    Recorded,
    Stops,
    different,
    saving,
    trainer,
    undisturbed,
)

WORDS = ("emil", "zoya", "rut")
"""No letter stands twice: what came last says what follows, to the simplest of models."""

LETTERS = "".join(sorted(set("".join(WORDS))))
STEPS = 1500
"""Within so many they are to be learnt."""

NEAR = 0.1
"""Nats a character above the lowest loss there is, at which they are."""


def check_model(
    cls: type[LightningModule],
    data: Callable[[], LightningDataModule] | None = None,
    *,
    formats: Sequence[str] | None = None,
    processes: int = 1,
    **init_args: Any,
) -> None:
    """Ask of a model what litmore's commands rely on; docs/testing.md has each rule.

    A `CharLM` is given its vocabulary, and three words to learn: choose small sizes. Of any other
    LightningModule what concerns characters is not asked.

    Args:
        cls: the model's class, of a module that can be imported by its name.
        data: makes the data that a model is trained on which is no `CharLM`; a few batches.
        formats: of `export`; none asks for safetensors, where that is installed.
        processes: 2 trains on as many, too, which takes some ten seconds.
        init_args: its constructor's.

    Raises:
        AssertionError: a rule is broken; the message says which, and where it stands.

    """
    with undisturbed() as folder:
        checked = (_CharModel if issubclass(cls, CharLM) else _AnyModel)(cls, init_args, folder)
        checked.make_data = data
        checked.ask()
        if formats is None:
            formats = ("safetensors",) if find_spec("safetensors") else ()
        checked.exports(formats)
        if processes > 1:
            checked.processes(processes)


class _AnyModel:
    """What is asked of every LightningModule."""

    def __init__(self, cls: type[Any], init_args: Mapping[str, Any], folder: Path) -> None:
        self.cls = cls
        self.init_args = dict(init_args)
        self.folder = folder
        self.name = cls.__name__
        self.make_data: Callable[[], LightningDataModule] | None = None
        self.kept = folder / "kept.ckpt"
        """The checkpoint of the trained model."""

    def ask(self) -> None:
        self.is_made()
        self.trains()
        self.rebuilds()
        self.resumes()

    def made(self, seed: int = 0) -> Any:
        """The model, with the weights that a seed gives it."""
        torch.manual_seed(seed)
        model = self.cls(**self.init_args)
        if self.init_args:
            remember(model, plain(self.cls, self.init_args))
        if self.cls.configure_optimizers is LightningModule.configure_optimizers:
            model.configure_optimizers = partial(_plain_steps, model)  # a config names one
        return model

    def data(self, **settings: Any) -> LightningDataModule:
        assert self.make_data is not None
        torch.manual_seed(0)
        return self.make_data()

    def is_made(self) -> None:
        with asked("made", f"{self.name} is made of its arguments"):
            self.made()
        require(
            self.make_data is not None,
            "made",
            f"{self.name} is no CharLM: give check_model data=, which makes its data module",
        )

    def trains(self) -> None:
        model = self.made()
        before = copy.deepcopy(model.state_dict())
        with asked("trains", f"{self.name} trains for an epoch"):
            fitting = trainer(self.folder, Recorded(), max_epochs=1)
            fitting.fit(model, datamodule=self.data())
            fitting.save_checkpoint(self.kept)
        changed = different(before, model.state_dict())
        require(changed, "trains", f"{self.name}: an epoch's training changes no weight of it")
        self._is_finite(model)

    def _is_finite(self, model: LightningModule) -> None:
        for name, weight in model.named_parameters():
            require(
                weight.isfinite().all(), "trains", f"{self.name}: training makes {name} infinite"
            )

    def resumes(self) -> None:
        """To the bit, if the loader knows its place; torch's begins the epoch anew."""
        loader = self._loader()
        epochs, batches = 2, len(loader)
        knows_place = hasattr(loader, "load_state_dict")
        after = {batches, batches + 1} if knows_place else {batches}
        straight = self.made()
        keeps, last = saving(self.folder)
        stops = Stops(last, after)
        with asked("resumes", f"{self.name} trains for {epochs} epochs, saved at each batch"):
            trainer(self.folder, keeps, stops, max_epochs=epochs).fit(
                straight, datamodule=self.data(times=4)
            )
        for done, path in stops.kept.items():
            resumed = self.made(seed=1)
            torch.manual_seed(2)
            with asked("resumes", f"{self.name} goes on after batch {done}"):
                keeps, _ = saving(self.folder)
                trainer(self.folder, keeps, max_epochs=epochs).fit(
                    resumed, datamodule=self.data(times=4), ckpt_path=path, weights_only=True
                )
            others = different(straight.state_dict(), resumed.state_dict())
            require(
                not others or not knows_place,
                "resumes",
                f"{self.name}: stopped after batch {done} and gone on with, it ends in other"
                f" weights than if it had not been stopped ({', '.join(others[:3])})",
            )

    def _loader(self) -> Any:
        data = self.data(times=4)
        data.prepare_data()
        data.setup("fit")
        return data.train_dataloader()

    def rebuilds(self) -> None:
        """From the checkpoint that training has left."""
        with asked("checkpoint", f"{self.name}'s checkpoint is read with weights_only=True"):
            content = checkpoints.read(self.kept)
        with asked("checkpoint", f"{self.name} is made again of its checkpoint alone"):
            again = checkpoints.rebuild(content, LightningModule, trust_config=True)
            self.cls.load_from_checkpoint(self.kept, weights_only=True)
        others = different(content["state_dict"], again.state_dict())
        require(
            not others,
            "checkpoint",
            f"{self.name}: made again of its checkpoint, it has other weights"
            f" ({', '.join(others[:3])})",
        )

    def exports(self, formats: Sequence[str]) -> None:
        """By the command, where that wing is there."""
        if not formats or "export" not in more_commands():
            return
        says = f"{self.name} is exported as {', '.join(formats)}"
        with asked("exports", says), redirect_stdout(StringIO()):
            command("export").run(
                False,
                ckpt_path=str(self.kept),
                output=str(self.folder / "exported"),
                format=formats,
                trust_config=True,
            )

    def processes(self, number: int) -> None:
        """They are kept alike; what they come to together hangs on how the data are shared out."""
        model = self.made()
        with asked("processes", f"{self.name} trains on {number} processes"):
            _on(number, self.folder, max_epochs=1).fit(model, datamodule=self.data())
        self._is_finite(model)


class _CharModel(_AnyModel):
    """What is asked of a `CharLM`, beside that."""

    def ask(self) -> None:
        self.is_made()
        self.gives_logits()
        self.is_causal()
        self.counts_characters()
        self.learns()
        self.rebuilds()
        self.draws()
        self.resumes()

    def made(self, seed: int = 0) -> Any:
        torch.manual_seed(seed)
        return self.cls(self._vocabulary(), **self.init_args)

    def _vocabulary(self) -> str:
        return ("\n" if self._is_of_text() else "") + LETTERS

    def _is_of_text(self) -> bool:
        return self.cls.views[0] == "stream"

    def data(self, **settings: Any) -> SplitsDataModule:
        """The words, some of each a batch, as the model's first view has them."""
        model = self.made()
        path = self.folder / "words.txt"
        times = settings.pop("times", 16)
        words = WORDS * times
        path.write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
        settings = {
            "path": str(path),
            "vocabulary": LETTERS,
            "view": model.views[0],
            "batch_size": 24 if model.views[0] == "windows" else 5,
            "split": (1.0, 0.0, 0.0),
        } | settings
        torch.manual_seed(0)
        if self._is_of_text():
            length = min(model.longest_input or 8, 8)
            return TextDataModule(block_size=length, **settings)
        return NamesDataModule(block_size=model.block_size, **settings)

    def _batch(self, model: CharLM) -> AnyBatch:
        """The three words, or their contexts, once each."""
        view = self.data(times=1, batch_size=1).split_view("train")
        return view[torch.arange(len(view))]

    def is_made(self) -> None:
        with asked("made", f"{self.name}(vocabulary, …) is made of its arguments"):
            model = self.made()
            again = self.made()
            model.check_data(self.data())
        require(
            not different(model.state_dict(), again.state_dict()),
            "made",
            f"{self.name}: the same seed gives it other weights each time",
        )

    def gives_logits(self) -> None:
        model = self.made().eval()
        batch = self._batch(model)
        shape = (*batch.y.shape, model.vocab_size) if isinstance(batch, Batch) else batch.y.shape
        with asked("logits", f"{self.name}.forward takes a batch of {model.views[0]}"):
            logits = self._logits(model, batch.x)
            alone = torch.cat([self._logits(model, row[None]) for row in batch.x])
        require(
            logits.shape == shape and logits.is_floating_point(),
            "logits",
            f"{self.name}.forward gives {tuple(logits.shape)}, where a logit for each of"
            f" {model.vocab_size} tokens is due: {tuple(shape)}",
        )
        require(not logits.isnan().any(), "logits", f"{self.name}.forward gives NaN")
        require(
            _close(logits, alone),
            "alone",
            f"{self.name}: what it says of a word hangs on the others in the batch, in eval mode",
        )

    @staticmethod
    def _logits(model: CharLM, x: Tensor) -> Tensor:
        with torch.no_grad():
            logits: Tensor = model(x)
        return logits

    def is_causal(self) -> None:
        """What comes later, or lies too far back, says nothing; a state says all that came."""
        model = self._with_weights_that_matter()
        length = (model.longest_input or 4) + 3
        tokens = torch.randint(1, model.vocab_size, (3, length))
        tokens[:, 0] = 0
        if "windows" in model.views:
            with asked("state", f"{self.name}.next_logits takes words of any length"):
                after = [model.next_logits(tokens[:, : t + 1]).detach() for t in range(length)]
            logits = torch.stack(after, dim=1)
        else:
            with asked("longest", f"{self.name} takes words longer than its longest input"):
                logits = self._logits(model, tokens)
            self._sees_no_later(model, tokens, logits)
            self._slides(model, tokens, logits)
        self._goes_on(model, tokens, logits)

    def _sees_no_later(self, model: CharLM, tokens: Tensor, logits: Tensor) -> None:
        for t in range(1, tokens.shape[1]):
            other = tokens.clone()
            other[:, t:] = tokens[:, t:] % (model.vocab_size - 1) + 1  # each another character
            require(
                _close(self._logits(model, other)[:, :t], logits[:, :t]),
                "causal",
                f"{self.name}: what it predicts after {t} tokens hangs on token {t + 1},"
                " which it is yet to predict",
            )

    def _slides(self, model: CharLM, tokens: Tensor, logits: Tensor) -> None:
        limit = model.longest_input or tokens.shape[1]
        for t in range(limit, tokens.shape[1]):
            last = self._logits(model, tokens[:, t - limit + 1 : t + 1])[:, -1]
            require(
                _close(last, logits[:, t]),
                "longest",
                f"{self.name}: beyond its longest input, {limit}, it is to see the last {limit}",
            )

    def _goes_on(self, model: CharLM, tokens: Tensor, logits: Tensor) -> None:
        """Rows change their places on the way, as they do where names are drawn."""
        state: tuple[Tensor, ...] = ()
        for t in range(tokens.shape[1]):
            with asked("state", f"{self.name}.advance goes on"), torch.no_grad():
                said, state = model.advance(tokens[:, t], state)
                of_each = [len(part) for part in state]
            require(
                set(of_each) <= {len(tokens)},
                "state",
                f"{self.name}.advance: each tensor of a state begins with the batch,"
                f" {len(tokens)}, not {of_each}",
            )
            require(
                _close(said, logits[:, t])
                and _close(model.next_logits(tokens[:, : t + 1]), logits[:, t]),
                "state",
                f"{self.name}.advance: after {t + 1} tokens it says something else than forward",
            )
            state = tuple(part.flip(0) for part in state)
            tokens, logits = tokens.flip(0), logits.flip(0)

    def _with_weights_that_matter(self) -> CharLM:
        """A model at its start may say the same of everything."""
        model: CharLM = self.made().eval().requires_grad_(False)
        for weight in model.parameters():
            weight.add_(0.3 * torch.randn(weight.shape))
        return model

    def counts_characters(self) -> None:
        """What is logged is the total negative log-likelihood by the characters predicted."""
        model = self.made().eval()  # as it is when it is judged: without dropout
        losses = _Losses(self.name)
        with asked("loss", f"{self.name} takes training steps"):
            trainer(self.folder, losses, max_epochs=1).fit(
                model, datamodule=self.data(times=2, batch_size=4)
            )
        model.eval()
        for size in (1, 4096):
            data = self.data(times=2, split=(0.5, 0.5, 0.0), eval_batch_size=size)
            with asked("loss", f"{self.name} is validated"):
                (found,) = trainer(self.folder).validate(model, datamodule=data, verbose=False)
            view = data.split_view("val")
            nll, count = _likelihood(model, view[torch.arange(len(view))])
            require(
                _near(found.get("val/loss", math.nan), nll / count),
                "loss",
                f"{self.name}: val/loss in batches of {size} is {found.get('val/loss')}, not the"
                f" {nll / count:.6f} nats a character that its logits give",
            )

    def learns(self) -> None:
        model = self.made()
        batch = self._batch(model)
        floor, before = entropy_floor(batch), copy.deepcopy(model.state_dict())
        if model.configure_optimizers() is None:  # it counts, and may keep something for what else
            floor = math.log(model.vocab_size) - 2 * NEAR
        until = _Until(batch, floor + NEAR)
        with asked("learns", f"{self.name} trains"):
            steps = {"max_steps": STEPS} if model.automatic_optimization else {}
            fitting = trainer(
                self.folder, until, max_epochs=STEPS, log_every_n_steps=STEPS, **steps
            )
            fitting.fit(model, datamodule=self.data())
            fitting.save_checkpoint(self.kept)
        require(
            until.loss <= floor + NEAR,
            "learns",
            f"{self.name} does not learn {', '.join(WORDS)} by heart: after"
            f" {fitting.global_step} steps its loss is {until.loss:.3f} nats a character, and"
            f" {floor:.3f} can be had",
        )
        require(
            different(before, model.state_dict()),
            "trains",
            f"{self.name}: training changes nothing",
        )
        self._is_finite(model)
        unused = sorted(until.unused)
        require(
            not unused or not model.automatic_optimization,
            "trains",
            f"{self.name}: no gradient reaches {', '.join(unused[:3])}; several processes wait for"
            " it: take it out, or set requires_grad=False",
        )

    def rebuilds(self) -> None:
        super().rebuilds()
        content = checkpoints.read(self.kept)
        again: CharLM = checkpoints.rebuild(content, CharLM, trust_config=True)
        require(
            str(again.vocabulary) == self._vocabulary(),
            "checkpoint",
            f"{self.name}: its checkpoint holds another vocabulary",
        )
        model = self.made().eval()
        model.load_state_dict(content["state_dict"])
        x = self._batch(model).x
        require(
            torch.equal(self._logits(model, x), self._logits(again, x)),
            "checkpoint",
            f"{self.name}: made again of its checkpoint, it says something else: which of its"
            " arguments does save_hyperparameters() leave out?",
        )

    def draws(self) -> None:
        """Up to the longest input and beyond, from no prompt and from the longest."""
        content = checkpoints.read(self.kept)
        model: CharLM = checkpoints.rebuild(content, CharLM, trust_config=True)
        longest = (model.longest_input or 8) + 4
        prompt = (LETTERS * longest)[: longest - 1]
        drawn = []
        with asked("samples", f"{self.name} draws names of up to {longest} characters"):
            for given in ("", "", prompt):
                generator = torch.Generator().manual_seed(0)
                options = {"prompt": given, "max_length": longest}
                drawn.append(list(sample(model, 7, generator=generator, **options)))  # type: ignore[arg-type]
            (likeliest,) = sample(
                model, 1, generator=generator, temperature=0.0, max_length=longest
            )
        require(
            drawn[0] == drawn[1],
            "samples",
            f"{self.name}: the same seed draws other names each time",
        )
        require(
            all(name.startswith(prompt) for name in drawn[2]),
            "samples",
            f"{self.name}: names do not begin with the prompt",
        )
        if model.automatic_optimization and not self._is_of_text():
            require(
                likeliest in WORDS,
                "samples",
                f"{self.name} knows {', '.join(WORDS)} by heart, and yet the likeliest name that"
                f" it draws is {likeliest!r}",
            )

    def processes(self, number: int) -> None:
        """They take together the steps of one with batches so many times as large."""
        logits: list[Tensor] = []
        size = 4
        for devices in (1, number):
            model = self.made().eval()  # what is drawn for dropout is each process's own
            if model.automatic_optimization:
                model.configure_optimizers = partial(
                    _plain_steps, model
                )  # it does not enlarge roundings
            data = self.data(times=4, batch_size=size * number // devices)
            with asked("processes", f"{self.name} trains on {devices} processes"):
                _on(devices, self.folder, max_epochs=2).fit(model, datamodule=data)
            logits.append(self._logits(model.eval(), self._batch(model).x))
        require(
            _close(logits[0], logits[1], within=1e-3),
            "processes",
            f"{self.name}: {number} processes come to something else than one with batches"
            f" {number} times as large",
        )


def _on(processes: int, folder: Path, **flags: Any) -> Trainer:
    """A Trainer of so many; each imports the model's module anew."""
    several = {"devices": processes, "strategy": "ddp_spawn"} if processes > 1 else {}
    return trainer(folder, **several, **flags)


def _plain_steps(model: LightningModule) -> Optimizer:
    """`configure_optimizers`, of a module: another process can be given it."""
    return SGD(model.parameters(), lr=0.1)


class _Losses(Callback):
    """Hold the loss of each training step against the model's logits, as they were before it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.expected = 0.0

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        nll, count = _likelihood(pl_module, as_batch(batch))
        self.expected = nll / count

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if not pl_module.automatic_optimization:
            return  # it steps, or counts, by itself
        logged = trainer.callback_metrics.get("train/loss", torch.tensor(math.nan))
        require(
            _near(float(logged), self.expected),
            "loss",
            f"{self.name}: train/loss is {float(logged):.6f}, not the {self.expected:.6f} nats a"
            " character that its logits give",
        )


class _Until(Callback):
    """Train until a batch's loss is low enough.

    Args:
        batch: what is to be learnt.
        enough: nats a character.

    """

    def __init__(self, batch: AnyBatch, enough: float) -> None:
        self.batch = batch
        self.enough = enough
        self.loss = math.inf
        self.unused: set[str] = set()
        """What no gradient reaches, several processes cannot agree on."""

    def on_after_backward(self, trainer: Trainer, pl_module: Any) -> None:
        if not trainer.global_step:
            weights = pl_module.named_parameters()
            self.unused = {
                name for name, each in weights if each.requires_grad and each.grad is None
            }

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        was_training = pl_module.training
        nll, count = _likelihood(pl_module.eval(), self.batch)
        pl_module.train(was_training)
        self.loss = nll / count
        trainer.should_stop = self.loss <= self.enough


def _likelihood(model: CharLM, batch: AnyBatch) -> tuple[float, float]:
    """The negative log-likelihood, one prediction after the other in double, and their number."""
    with torch.no_grad():
        log_p = model(batch.x).double().log_softmax(-1)
    if isinstance(batch, CountBatch):
        seen = batch.y > 0
        times = batch.y.double()[seen]
        return -float((log_p[seen] * times).sum()), float(times.sum())
    at = (batch.y != PAD).nonzero(as_tuple=True)
    nll = -log_p[(*at, batch.y[at])]
    return float(nll.sum()), float(len(nll))


def _near(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-5)


def _close(one: Tensor, other: Tensor, within: float = 1e-4) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, rtol=within, atol=within)
