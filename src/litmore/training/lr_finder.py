"""Find a learning rate: train through a range of them, look at the loss, put everything back."""

import copy
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.optim import Optimizer
from tqdm import tqdm

from litmore.errors import InputError, RunError
from litmore.progress import is_terminal, write

SMOOTHING = 0.2
"""Width (σ) of the Gaussian that smooths the losses, in decades of the learning rate."""

HOPELESS = 4.0
"""The sweep ends where the smoothed loss is so many times the lowest."""


class LRFinder(Callback):
    """Sweep the learning rate exponentially before the first step, and suggest one.

    Works with any optimizer of the config: it sweeps the optimizer's own parameter groups, keeping
    their proportions. Afterwards weights, optimizer, random generators and data order are as they
    were before. The suggestion is printed as the override to paste, and the curve is saved as
    `lr_find.png` in the run's folder and as a picture in TensorBoard.

    Source of the sweep: Smith, "Cyclical Learning Rates for Training Neural Networks", 2017;
    makemore lecture, part 2. Of the suggestion: `suggest`.

    Args:
        min_lr: the sweep's first learning rate.
        max_lr: its last.
        num_steps: how many it tries.
        train: go on to train with what it found; else stop after the sweep.

    Raises:
        InputError: the range is empty, or the model steps no optimizer by itself.

    """

    def __init__(
        self,
        min_lr: float = 1e-5,
        max_lr: float = 10.0,
        num_steps: int = 300,
        train: bool = True,
    ) -> None:
        if not 0 < min_lr < max_lr < math.inf:
            raise InputError(f"LRFinder: min_lr {min_lr} and max_lr {max_lr} are no range")
        if num_steps < 20:
            raise InputError(f"LRFinder: num_steps {num_steps}: must be at least 20")
        self.min_lr = min_lr
        self.max_lr = max_lr
        self.num_steps = num_steps
        self.train = train
        self.lrs: np.ndarray = np.array([])
        self.losses: np.ndarray = np.array([])
        self.suggestion: float | None = None

    def check(self, pl_module: LightningModule) -> None:
        """Say before a run is opened if there is nothing to find.

        Raises:
            InputError: the model trains without an optimizer, or steps it by itself.

        """
        if not pl_module.automatic_optimization:
            raise InputError(f"LRFinder: {type(pl_module).__name__} has no learning rate to find")

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.check(pl_module)
        if trainer.global_step > 0:  # a run that goes on has found its rate
            return
        with _restored(trainer, pl_module):
            self.lrs, self.losses = self._sweep(trainer, pl_module)
        self.suggestion = suggest(self.lrs, self.losses)
        override = _override(trainer.optimizers[0], self.suggestion)
        figure_at = self._save(trainer)
        if trainer.is_global_zero:
            where = f"; the curve is in {figure_at}" if figure_at else ""
            then = "trains with" if self.train else "suggests"
            write(f"LRFinder {then}{where}:\n")
            sys.stdout.write(f"{override}\n")
        if self.train:
            _rescale(trainer, self.suggestion)
        else:
            trainer.should_stop = True

    def _sweep(self, trainer: Trainer, pl_module: LightningModule) -> tuple[np.ndarray, np.ndarray]:
        optimizer = trainer.optimizers[0]
        first = optimizer.param_groups[0]["lr"]  # a schedule may have begun to warm it up
        start = [group["lr"] / first for group in optimizer.param_groups]
        lrs = np.geomspace(self.min_lr, self.max_lr, self.num_steps)
        losses: list[float] = []
        batches = _batches(trainer)
        quiet = not (is_terminal() and trainer.is_global_zero)
        for number, lr in enumerate(tqdm(lrs, "finding the learning rate", disable=quiet)):
            for group, share in zip(optimizer.param_groups, start, strict=True):
                group["lr"] = float(lr * share)
            try:
                losses.append(_step(trainer, optimizer, next(batches), number))
            except RunError:  # the model has seen it itself: the loss is not finite
                break
            if not math.isfinite(losses[-1]):
                break
            if number > 20 and np.mean(losses[-5:]) > HOPELESS * np.median(losses[:20]):
                break
        finite = np.isfinite(losses)
        return lrs[: len(losses)][finite], np.array(losses)[finite]

    def _save(self, trainer: Trainer) -> Path | None:
        folder = trainer.log_dir  # a collective call
        if not trainer.is_global_zero or folder is None or not trainer.loggers:
            return None
        figure = plot(self.lrs, self.losses, self.suggestion)
        path = Path(folder) / "lr_find.png"
        figure.savefig(path, dpi=120)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_figure("watch/lr_find", figure)
        return path


def smoothed(lrs: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """Gaussian means of the losses over the logarithm of the learning rate."""
    decades = np.log10(lrs)
    weights = np.exp(-0.5 * ((decades[:, None] - decades) / SMOOTHING) ** 2)
    return (weights * losses).sum(1) / weights.sum(1)


def suggest(lrs: np.ndarray, losses: np.ndarray) -> float:
    """The learning rate halfway, on the logarithmic axis, from steepest descent to the minimum.

    Both are read off the smoothed loss, differentiated by log lr: by the raw lr, the steepest
    place is nearly always the sweep's first. The steepest descent alone is on the low side, the
    minimum on the edge of what diverges; `docs/lectures.md` compares them.

    Args:
        lrs: the learning rates tried, ascending.
        losses: the loss met at each.

    """
    smooth = smoothed(lrs, losses)
    lowest = int(smooth.argmin())
    if lowest == 0:
        return float(lrs[0])
    slope = np.gradient(smooth, np.log(lrs))[: lowest + 1]
    return float(math.sqrt(lrs[int(slope.argmin())] * lrs[lowest]))


def plot(lrs: np.ndarray, losses: np.ndarray, suggestion: float | None) -> Any:
    """The losses, their smoothed curve and the suggestion, as a matplotlib figure."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot(lrs, losses, ".", color="0.6", markersize=3, label="loss of each batch")
    smooth = smoothed(lrs, losses)
    axes.plot(lrs, smooth, color="C0", label="smoothed")
    if suggestion is not None:
        axes.axvline(suggestion, color="C3", linestyle="--", label=f"suggestion {suggestion:.3g}")
    span = smooth.max() - smooth.min() or 1.0
    axes.set_ylim(losses.min() - 0.05 * span, smooth.max() + 0.1 * span)
    axes.set(xscale="log", xlabel="learning rate", ylabel="loss")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def _step(trainer: Trainer, optimizer: Optimizer, batch: Any, number: int) -> float:
    """One optimizer step as the Trainer makes it; the loss before it, over all processes."""
    loss: Tensor = torch.zeros(())

    def closure() -> Tensor:
        nonlocal loss
        optimizer.zero_grad()
        with trainer.precision_plugin.forward_context():
            loss = trainer.strategy.training_step(batch, number)  # type: ignore[assignment]
        trainer.strategy.backward(loss, optimizer)
        return loss

    optimizer.step(closure)  # type: ignore[arg-type]
    return float(trainer.strategy.reduce(loss.detach().clone(), reduce_op="mean"))


def _batches(trainer: Trainer) -> Iterator[Any]:
    """The training batches over and over, from a copy of the loader: its place stays its own."""
    loader: Any = trainer.train_dataloader
    for batch in chain.from_iterable(iter(copy.copy(each)) for each in repeat(loader)):
        yield trainer.strategy.batch_to_device(batch)


@contextmanager
def _restored(trainer: Trainer, pl_module: LightningModule) -> Iterator[None]:
    """Leave weights, optimizer and random generators as they were, and log nothing meanwhile."""
    weights = copy.deepcopy(pl_module.state_dict())
    states = copy.deepcopy([optimizer.state_dict() for optimizer in trainer.optimizers])
    pl_module.log = lambda *_, **__: None  # type: ignore[method-assign]
    try:
        with torch.random.fork_rng():
            yield
    finally:
        del pl_module.log
        pl_module.load_state_dict(weights)
        for optimizer, state in zip(trainer.optimizers, states, strict=True):
            optimizer.load_state_dict(state)
            optimizer.zero_grad()


_SCALED = ("lr", "initial_lr", "max_lr", "min_lr")
"""What a parameter group knows of its learning rate; a one-cycle schedule adds the last two."""


def _peak(optimizer: Optimizer) -> float:
    """The learning rate that the config names: a one-cycle schedule's highest."""
    group = optimizer.param_groups[0]
    return float(group.get("max_lr", group["lr"]))


def _rescale(trainer: Trainer, lr: float) -> None:
    """Make it the config's learning rate, in the optimizer and its schedule."""
    factor = lr / _peak(trainer.optimizers[0])
    for group in trainer.optimizers[0].param_groups:
        group.update({name: group[name] * factor for name in _SCALED if name in group})
    for config in trainer.lr_scheduler_configs:
        scheduler = config.scheduler
        if hasattr(scheduler, "base_lrs"):
            scheduler.base_lrs = [base * factor for base in scheduler.base_lrs]


def _override(optimizer: Optimizer, lr: float) -> str:
    """The optimizer's own rate, unless a schedule has been given another for its peak."""
    own = _peak(optimizer) == optimizer.defaults["lr"]
    return f"--{'optimizer.init_args.lr' if own else 'lr_scheduler.init_args.max_lr'}={lr:.2g}"
