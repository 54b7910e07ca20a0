"""`best.ckpt` and `last.ckpt` in the run's folder."""

import math
import signal
import time
from pathlib import Path
from typing import Any, Literal

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, WeightAveraging

from litmore.errors import RunError
from litmore.program import program
from litmore.runs.atomic import remove_unfinished
from litmore.runs.folder import CHECKPOINTS, RunFolder
from litmore.runs.rng import rng_state, set_rng_state
from litmore.runs.signals import Stopped, StopRequest
from litmore.steps import batches_done, ends_a_step, has_all_steps
from litmore.system import quoted, relative
from litmore.training.lightning import (
    finish_batch,
    flush_logs,
    restore_position,
    validation_is_due,
)


class Checkpoints(Checkpoint):
    """Save `best.ckpt` when the monitored metric is the best yet, and `last.ckpt` always.

    Both are written after each validation; `last` also every so many seconds, after the last step,
    and when a signal asks to stop. From whichever `last` a run goes on, it takes the same
    steps and validations as if it had not stopped. What is not finite is not saved.

    Unlike Lightning's `ModelCheckpoint`, `last` is really the last, a model that takes no
    optimizer step is saved too, and a run without validation is no error.

    Args:
        folder: the run's.
        monitor: a metric of the validation.
        mode: which is better, `min` or `max`.
        every_seconds: how often `last` is saved between validations.

    """

    def __init__(
        self,
        folder: RunFolder,
        monitor: str = "val/loss",
        mode: Literal["min", "max"] = "min",
        every_seconds: float = 60.0,
    ) -> None:
        self.folder = folder
        self.monitor = monitor
        self.mode = mode
        self.strict = monitor != "val/loss"  # another is named by hand, and must be there
        self.every_seconds = every_seconds
        self.best_score: float | None = None
        self.best_step: int | None = None
        self.dirpath: Path | None = None
        self._saved_at: tuple[int, int] | None = None
        self._next_save = math.inf
        self._stop = StopRequest()
        self._in_step = False
        self._validation_is_due = False
        self._rng_states: list[dict[str, Any]] = []
        self._metrics: dict[str, float] = {}

    @property
    def best_model_path(self) -> str:
        """Where the best one lies, or "" where none does; the Trainer asks for it by this name."""
        return (
            str(self.dirpath / "best.ckpt") if self.dirpath and self.best_step is not None else ""
        )

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Agree on the folder, and clear it of what a killed process was writing."""
        if stage == "fit":
            self.dirpath = self.folder.share(trainer) / CHECKPOINTS
            if trainer.is_global_zero:
                remove_unfinished(self.dirpath)

    # Going on

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put back what the Trainer does not, and begin to listen for signals."""
        restore_position(trainer)
        trainer.callback_metrics.update(
            {name: torch.tensor(value) for name, value in self._metrics.items()}
        )
        if self._rng_states:  # of more processes than then, some share one as all do at the start
            set_rng_state(self._rng_states[trainer.global_rank % len(self._rng_states)])
        self._rng_states = []
        self._next_save = time.monotonic() + self.every_seconds
        self._stop.hold()

    def state_dict(self) -> dict[str, Any]:
        names = ("monitor", "mode", "best_score", "best_step")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the best so far; what was the best by another metric is none by this."""
        if (state_dict.get("monitor", "val/loss"), state_dict.get("mode", "min")) == (
            self.monitor,
            self.mode,
        ):
            self.best_score = state_dict["best_score"]
            self.best_step = state_dict["best_step"]

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the generators of all processes and the metrics; tell the batch as finished."""
        checkpoint["rng_states"] = _gathered(trainer, rng_state())
        checkpoint["callback_metrics"] = {k: float(v) for k, v in trainer.callback_metrics.items()}
        finish_batch(checkpoint, in_step=self._in_step, validation_is_due=self._validation_is_due)

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self._rng_states = checkpoint.get("rng_states", [])
        self._metrics = checkpoint.get("callback_metrics", {})

    # Saving

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Save, if it is time to, a signal came, or this is the last step."""
        number, is_time = self._agreed(trainer, time.monotonic() >= self._next_save)
        is_last = has_all_steps(trainer)
        if not (number or is_time or is_last) or not ends_a_step(trainer):
            return
        is_due = validation_is_due(trainer)
        if is_last and is_due:
            return  # after it there would be nothing left to go on with
        if number or is_time:  # what a kill before the next save must not take from the curves
            flush_logs(trainer)
        self._save(trainer, "last", in_step=True, validation_is_due=is_due)
        self._heed(trainer, number)

    def on_validation_batch_end(self, trainer: Trainer, *__: Any) -> None:
        """Save if a signal came: the run will go on with this validation from its beginning."""
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        number, _ = self._agreed(trainer, False)
        if number and not has_all_steps(trainer):
            for callback in trainer.callbacks:  # type: ignore[attr-defined]
                if isinstance(callback, WeightAveraging):  # it lends its weights to a validation
                    callback.on_validation_epoch_end(trainer, trainer.lightning_module)
            self._save(trainer, "last", validation_is_due=True)
            self._heed(trainer, number)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save what the validation has judged."""
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        score = trainer.callback_metrics.get(self.monitor)
        # Counts without smoothing give what was never seen an infinite loss, and rightly so.
        if score is not None and not math.isfinite(score) and trainer.global_step:
            raise RunError(
                f"step {trainer.global_step}: {self.monitor} is not finite"
                f" (learning rate {_lr(trainer):.3g})"
            )
        if score is not None and self._is_best(float(score)):
            self.best_score, self.best_step = float(score), trainer.global_step
            self._save(trainer, "best")
        self._save(trainer, "last")

    def _is_best(self, score: float) -> bool:
        if self.best_score is None:
            return math.isfinite(score)
        return score < self.best_score if self.mode == "min" else score > self.best_score

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the last steps, if there were any and no validation came after them."""
        if batches_done(trainer) and self._saved_at != _progress(trainer):
            self._save(trainer, "last")
        number, _ = self._agreed(trainer, False)
        self._heed(trainer, number)
        self._stop.release()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        if not isinstance(exception, Stopped):
            self._stop.release()

    def _agreed(self, trainer: Trainer, is_time: bool) -> tuple[int, bool]:
        """The signal that any process got, or 0; and whether any thinks that it is time to save."""
        if trainer.world_size == 1:
            return self._stop.number, is_time
        own = torch.tensor([self._stop.number, is_time], device=trainer.strategy.root_device)
        number, time_of_any = trainer.strategy.reduce(own, reduce_op="max").tolist()
        return int(number), bool(time_of_any)

    def _save(
        self, trainer: Trainer, name: str, *, in_step: bool = False, validation_is_due: bool = False
    ) -> None:
        assert self.dirpath is not None
        if trainer.is_global_zero:
            self.folder.check_there()
        if self.folder.is_lost:
            raise RunError(f"another process has taken over {relative(self.dirpath.parent)}")
        if not _is_finite(trainer.lightning_module):
            raise RunError(
                f"step {trainer.global_step}: the weights are not finite"
                f" (learning rate {_lr(trainer):.3g})"
            )
        self._in_step, self._validation_is_due = in_step, validation_is_due
        trainer.save_checkpoint(self.dirpath / f"{name}.ckpt")
        self._in_step = self._validation_is_due = False
        self._saved_at = _progress(trainer)
        self._next_save = time.monotonic() + self.every_seconds

    def _heed(self, trainer: Trainer, number: int) -> None:
        if number:
            assert self.dirpath is not None
            last = quoted(relative(self.dirpath / "last.ckpt"))
            raise Stopped(
                number,
                f"{signal.Signals(number).name}: saved at step {trainer.global_step:,}. Go on with:"
                f"\n  {program()} fit --ckpt_path {last}",
                self._stop,
            )


def _progress(trainer: Trainer) -> tuple[int, int]:
    """How far the training is: not every model takes optimizer steps."""
    return trainer.global_step, batches_done(trainer)


def _gathered(trainer: Trainer, own: Any) -> list[Any]:
    if trainer.world_size == 1:
        return [own]
    all_of_them: list[Any] = [None] * trainer.world_size
    torch.distributed.all_gather_object(all_of_them, own)
    return all_of_them


def _is_finite(model: LightningModule) -> bool:
    return all(bool(weight.isfinite().all()) for weight in model.parameters())


def _lr(trainer: Trainer) -> float:
    return float(trainer.optimizers[0].param_groups[0]["lr"])
