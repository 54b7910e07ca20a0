"""A last validation, where training stops between two."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class FinalValidation(Callback):
    """Validate the final weights: `max_steps` may end the training in the middle of an epoch."""

    def __init__(self) -> None:
        self._validated_at = -1

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remember when."""
        if not trainer.sanity_checking:
            self._validated_at = trainer.fit_loop.epoch_loop.total_batch_idx

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Run the validation that the epoch's end would have brought, unless it has just run."""
        loop = trainer.fit_loop.epoch_loop
        if not trainer.enable_validation or self._validated_at == loop.total_batch_idx:
            return
        trainer.validating = True
        loop.val_loop.run()
        trainer.training = True

    def state_dict(self) -> dict[str, Any]:
        """So that a finished run that is resumed does not validate again."""
        return {"validated_at": self._validated_at}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self._validated_at = state_dict["validated_at"]
