"""A last validation, where training stops between two."""

from typing import Any

from lightning.pytorch import Callback, Trainer

from litmore.steps import is_last_step


class FinalValidation(Callback):
    """Validate after the last step too: it may come in the middle of an epoch.

    The Trainer validates at once when it is asked to stop. What is saved then is the middle of the
    epoch, so that a run with a higher limit can go on there.
    """

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if is_last_step(trainer):
            trainer.should_stop = True
