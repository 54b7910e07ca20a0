"""`best.ckpt` and `last.ckpt` in the run's folder."""

from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from litmore.runs import CHECKPOINTS, RunFolder


class Checkpoints(Checkpoint):
    """Save `best.ckpt` when the monitored metric is the best yet, and `last.ckpt` always.

    Both are written after each validation; where none follows the last step, `last` is again.
    Unlike Lightning's `ModelCheckpoint`, `last` is really the last, a model that takes no
    optimizer step is saved too, and a run without validation is no error.

    Args:
        folder: the run's.
        monitor: a metric of the validation; lower is better.

    """

    def __init__(self, folder: RunFolder, monitor: str = "val/loss") -> None:
        self.folder = folder
        self.monitor = monitor
        self.best_score = float("inf")
        self.best_step: int | None = None
        self.dirpath: Path | None = None
        self._saved_at: tuple[int, int] | None = None

    @property
    def best_model_path(self) -> str:
        """Where the best one lies, or "" where none does; the Trainer asks for it by this name."""
        return (
            str(self.dirpath / "best.ckpt") if self.dirpath and self.best_step is not None else ""
        )

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Agree on the folder."""
        if stage == "fit":
            self.dirpath = self.folder.share(trainer) / CHECKPOINTS

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log on where the steps stand: in a validation Lightning saves their count one short."""
        if pl_module.automatic_optimization:
            trainer.fit_loop.epoch_loop._batches_that_stepped = trainer.global_step

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save what the validation has judged."""
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        score = trainer.callback_metrics.get(self.monitor)
        if score is not None and float(score) < self.best_score:
            self.best_score, self.best_step = float(score), trainer.global_step
            self._save(trainer, "best")
        self._save(trainer, "last")

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Save the last step here, in its epoch, if no validation will."""
        if trainer.global_step == trainer.max_steps and not trainer.enable_validation:
            self._save(trainer, "last")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the last steps, if there were any and no validation came after them."""
        trained = trainer.fit_loop.epoch_loop.total_batch_idx >= 0
        if trained and self._saved_at != _progress(trainer):
            self._save(trainer, "last")

    def state_dict(self) -> dict[str, Any]:
        """The best so far, for a run that goes on."""
        return {"best_score": self.best_score, "best_step": self.best_step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.best_score = state_dict["best_score"]
        self.best_step = state_dict["best_step"]

    def _save(self, trainer: Trainer, name: str) -> None:
        assert self.dirpath is not None
        trainer.save_checkpoint(self.dirpath / f"{name}.ckpt")
        self._saved_at = _progress(trainer)


def _progress(trainer: Trainer) -> tuple[int, int]:
    """How far the training is: not every model takes optimizer steps."""
    return trainer.global_step, trainer.fit_loop.epoch_loop.total_batch_idx
