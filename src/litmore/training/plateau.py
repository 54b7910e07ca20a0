"""A schedule that waits for a plateau of the validation, where validations go by steps."""

import sys

from lightning.pytorch import Callback, LightningModule, Trainer


class PlateauByValidation(Callback):
    """Step a `ReduceLROnPlateau` on a metric of the validation at each validation.

    The Trainer steps it at the end of each epoch, which is the same where each epoch ends with a
    validation. Elsewhere it would find no metric yet, or count an old one again.
    """

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        by_time = getattr(trainer, "val_check_interval", None) is None
        if trainer.check_val_every_n_epoch == 1 and not by_time:
            return
        for config in trainer.lr_scheduler_configs:
            if config.reduce_on_plateau and str(config.monitor).startswith("val/"):
                config.frequency = sys.maxsize  # never, by the Trainer

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        for config in trainer.lr_scheduler_configs:
            if config.frequency == sys.maxsize:
                metric = trainer.callback_metrics[str(config.monitor)]
                config.scheduler.step(metric)  # type: ignore[arg-type]
