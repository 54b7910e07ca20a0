"""What does the Trainer cost a step?

A plain loop over the same module and optimizer, on the same examples, against `fit` with its
progress bar, TensorBoard and checkpoints. Then, at batch 32, what each way of saving buys: the
step's time without it.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from unittest import mock

import torch
from torch.nn import functional as F

import litmore.data.loader
from litmore.data import NamesDataModule
from litmore.models import MLP
from litmore.training.lightning import CheapSteps
from side_by_side import ratio, spread
from stopwatch import Row, shown, train

CONFIG = ["--model=MLP", "--model.init=lecture", "--optimizer=SGD", "--optimizer.lr=0.1"]
CONFIG += ["--trainer.log_every_n_steps=1000", "--run_name=mlp"]
BOUNDS = {32: "≤ 2.2", 4096: "≤ 1.05"}


def plain_loop(
    batch_size: int,
    path: str | None = None,
    make: Callable[..., torch.optim.Optimizer] = torch.optim.SGD,
    lr: float = 0.1,
    warm_up: int = 50,
) -> Callable[[int], float]:
    """Seconds a step of a loop of one's own."""
    data = NamesDataModule(path)
    view = data.view_of(data.splits["train"])
    x, y = view[torch.arange(len(view))]
    model = MLP(data.vocabulary.characters)
    optimizer = make(model.parameters(), lr=lr)

    def run(steps: int) -> float:
        began = time.perf_counter()
        for _ in range(steps):
            index = torch.randint(0, len(x), (batch_size,))
            loss = F.cross_entropy(model(x[index]), y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return (time.perf_counter() - began) / steps

    run(warm_up)
    return run


def fit(batch_size: int, steps: int) -> float:
    """Seconds a step of `fit`; without its validations, which are no part of a step."""
    flags = [f"--data.batch_size={batch_size}"]
    flags += [f"--trainer.max_steps={2 * steps}", "--trainer.check_val_every_n_epoch=1000"]
    flags += ["--tensorboard.every_n_steps=0"]  # pictures are drawn a run, not a step
    return train(*CONFIG, *flags).a_step


@contextlib.contextmanager
def without(name: str) -> Iterator[None]:
    """One of the savings undone."""
    patches = {
        "whole blocks gathered at once": mock.patch.object(litmore.data.loader, "_BLOCK", 1),
        "empty hooks skipped": mock.patch.object(CheapSteps, "_skip_empty_hooks"),
        "batches left where they are": mock.patch.object(CheapSteps, "_skip_transfer"),
        "what is asked at every step answered once": mock.patch.object(CheapSteps, "_answer_once"),
        "the hook's name set at once": mock.patch.object(CheapSteps, "_set_at_once"),
        "logging when due alone": mock.patch("litmore.models.base.is_log_due", return_value=True),
    }
    with patches[name]:
        yield


SAVINGS = (
    "whole blocks gathered at once",
    "empty hooks skipped",
    "batches left where they are",
    "what is asked at every step answered once",
    "the hook's name set at once",
    "logging when due alone",
)


def measure(quick: bool = False) -> list[Row]:
    """Measure and print."""
    torch.set_num_threads(1)
    rounds = 1 if quick else 5
    rows = []
    for batch_size, steps in ((32, 50), (4096, 50)) if quick else ((32, 1500), (4096, 150)):
        loop = plain_loop(batch_size)
        theirs: list[float] = []
        ours: list[float] = []
        for _ in range(rounds):
            theirs.append(loop(steps))
            ours.append(fit(batch_size, steps))
        row = Row(
            f"a step of batch {batch_size:,}",
            spread(theirs),
            spread(ours),
            ratio(ours, theirs),
            BOUNDS[batch_size],
        )
        rows += shown([row])
    with_all: list[float] = []
    with_out: dict[str, list[float]] = {name: [] for name in SAVINGS}
    for _ in range(rounds):
        steps = 50 if quick else 600
        with_all.append(fit(32, steps))
        for name in SAVINGS:
            with without(name):
                with_out[name].append(fit(32, steps))
    for name, seconds_a_step in with_out.items():
        row = Row(
            f"… without: {name}",
            spread(seconds_a_step),
            spread(with_all),
            ratio(seconds_a_step, with_all),
        )
        rows += shown([row])
    return rows


if __name__ == "__main__":
    measure(quick="--quick" in sys.argv)
