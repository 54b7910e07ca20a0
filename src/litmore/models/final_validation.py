"""A last validation, where training stops between two."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from litmore.steps import is_last_step


class FinalValidation(Callback):
    """Validate after the last step too: it may come in the middle of an epoch.

    The Trainer validates at once when it is asked to stop. What is saved then is the middle of the
    epoch, so that a run with a higher limit can go on there.
    """

    def __init__(self) -> None:
        self._every: int | None = None

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if is_last_step(trainer):
            trainer.should_stop = True
            if trainer.check_val_every_n_epoch is not None:  # the last epoch may be between two
                self._every, trainer.check_val_every_n_epoch = trainer.check_val_every_n_epoch, 1

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._every is not None:
            trainer.check_val_every_n_epoch, self._every = self._every, None
