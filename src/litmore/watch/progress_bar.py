"""A progress bar that costs nothing to a step."""

import sys
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar
from tqdm import tqdm


class TimedProgressBar(ProgressBar):
    """One bar on stderr for the whole training, drawn a few times a second at most.

    Lightning's own is drawn at every step, on stdout; a step of a small model is shorter than that.

    Args:
        seconds: between two drawings; None: 0.2 on a terminal, 10 in a log file.

    """

    def __init__(self, seconds: float | None = None) -> None:
        super().__init__()
        self.seconds = seconds or (0.2 if sys.stderr.isatty() else 10.0)
        self._bar: tqdm | None = None
        self._drawn = 0.0
        self._enabled = True

    def disable(self) -> None:
        """No drawing from now on."""
        self._enabled = False

    def enable(self) -> None:
        """Draw again."""
        self._enabled = True

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Only the first process draws."""
        super().setup(trainer, pl_module, stage)
        if not trainer.is_global_zero:
            self.disable()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the bar over all batches that the limits allow."""
        if not trainer.should_stop:
            self._open("training", _total_batches(trainer))
        self._drawn = 0.0

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Draw, if it is time to."""
        now = time.monotonic()
        if now - self._drawn >= self.seconds:
            self._drawn = now
            self._draw(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the finished bar standing."""
        self._draw(trainer)
        self._close()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Leave the bar where it stopped."""
        self._close()

    def _open(self, what: str, total: int | None) -> None:
        if self._enabled:
            self._bar = tqdm(
                desc=what,
                total=total,
                unit="batch",
                file=sys.stderr,
                dynamic_ncols=True,
                mininterval=0,
                maxinterval=float("inf"),
                miniters=1,
                delay=0,
            )

    def _draw(self, trainer: Trainer) -> None:
        if self._bar is None:
            return
        metrics = trainer.callback_metrics
        losses: dict[str, object] = {
            name: f"{metrics[name]:.4f}" for name in ("train/loss", "val/loss") if name in metrics
        }
        self._bar.set_postfix(losses, refresh=False)
        self._bar.n = trainer.fit_loop.epoch_loop.total_batch_idx + 1
        self._bar.refresh()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _total_batches(trainer: Trainer) -> int | None:
    """Batches until the first of the limits in steps and epochs; None without any."""
    limits: list[float] = []
    if trainer.max_steps >= 0:
        limits.append(trainer.max_steps * trainer.accumulate_grad_batches)
    if trainer.max_epochs is not None and trainer.max_epochs >= 0:
        limits.append(trainer.max_epochs * trainer.num_training_batches)
    return int(min(limits)) if limits and min(limits) != float("inf") else None
