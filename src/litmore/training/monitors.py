"""What callbacks and schedules monitor, looked for where it should be."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint

from litmore.errors import InputError, nearest
from litmore.steps import validates
from litmore.training.lightning import looks_after_epoch


class MonitorCheck(Callback):
    """Refuse a monitored metric that nobody has logged when it is first to be there.

    That is after the first validation or the first epoch, whichever the callback looks after; the
    first epoch where there is no validation. There, `--monitor val/…` has nothing to go by, as it
    has by default, so that a config that names one can be overfitted.

    Raises:
        InputError: it is not; the message has the name that may be meant, and those that there are.

    """

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn == "fit" and not trainer.sanity_checking:
            for callback in _watching(trainer):
                if not looks_after_epoch(callback, trainer):
                    _check(trainer, callback.monitor, _flag(callback))
            _check_schedules(trainer, "val")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for callback in _watching(trainer):
            waits = _is_ours(callback) and callback.monitor.startswith("val/")
            if looks_after_epoch(callback, trainer) or not (validates(trainer) or waits):
                _check(trainer, callback.monitor, _flag(callback))
        _check_schedules(trainer)


def _watching(trainer: Trainer) -> list[Any]:
    """The callbacks whose metric must be there."""
    return [
        callback
        for callback in trainer.callbacks  # type: ignore[attr-defined]
        if getattr(callback, "monitor", None) and getattr(callback, "strict", True)
    ]


def _check_schedules(trainer: Trainer, beginning: str = "") -> None:
    for schedule in trainer.lr_scheduler_configs:
        name = str(schedule.monitor)
        is_due = beginning or (trainer.current_epoch + 1) % schedule.frequency == 0
        if schedule.reduce_on_plateau and is_due and schedule.strict and name.startswith(beginning):
            _check(trainer, name, "--lr_scheduler.monitor")


def _is_ours(callback: Callback) -> bool:
    return isinstance(callback, Checkpoint) and not isinstance(callback, ModelCheckpoint)


def _flag(callback: Callback) -> str:
    return "--monitor" if _is_ours(callback) else f"--trainer.callbacks {type(callback).__name__}"


def _check(trainer: Trainer, name: str, flag: str) -> None:
    logged = list(trainer.callback_metrics)
    if name in logged:
        return
    meant = nearest(name, logged)
    there = ", ".join(logged) or "none"
    raise InputError(
        f"{flag}: monitors {name}, which is not logged here{meant} (there are {there})"
    )
