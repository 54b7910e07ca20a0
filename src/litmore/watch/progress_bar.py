"""A progress bar that costs nothing to a step."""

import sys
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar
from tqdm import tqdm

from litmore.progress import aside, is_notebook
from litmore.steps import batches_done, total_batches

LOSSES = ("train/loss", "val/loss")
"""Shown if they have been logged; beside them, what the model logs with `prog_bar=True`."""


class TimedProgressBar(ProgressBar):
    """One bar for the whole training, drawn a few times a second at most.

    On stderr; in a notebook on stdout.

    Lightning's own is drawn at every step, on stdout; a step of a small model is shorter than that.

    Args:
        seconds: between two drawings; None: 0.2 on a terminal and in a notebook, 10 in a log file.

    """

    def __init__(self, seconds: float | None = None) -> None:
        super().__init__()
        self.seconds = seconds or (0.2 if sys.stderr.isatty() or is_notebook() else 10.0)
        self._bar: tqdm | None = None
        self._drawn = 0.0
        self._enabled = True

    def disable(self) -> None:
        self._enabled = False

    def enable(self) -> None:
        self._enabled = True

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        super().setup(trainer, pl_module, stage)
        if not trainer.is_global_zero:
            self.disable()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._enabled and not trainer.should_stop:
            self._bar = tqdm(
                desc="training",
                total=total_batches(trainer),
                unit="batch",
                file=aside(),
                dynamic_ncols=True,
                mininterval=0,
                maxinterval=float("inf"),
                miniters=1,
                delay=0,
            )
        self._drawn = 0.0

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        now = time.monotonic()
        if now - self._drawn >= self.seconds:
            self._drawn = now
            self._draw(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._draw(trainer)
        self._close()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        self._close()

    def _draw(self, trainer: Trainer) -> None:
        if self._bar is None:
            return
        metrics = trainer.callback_metrics
        shown = {name: f"{metrics[name]:.4f}" for name in LOSSES if name in metrics}
        for name, value in trainer.progress_bar_metrics.items():
            shown.setdefault(name, f"{float(value):.4g}")
        self._bar.set_postfix(shown, refresh=False)
        self._bar.n = batches_done(trainer)
        self._bar.refresh()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
