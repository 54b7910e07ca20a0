"""How far down overfitting a few batches can go."""

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from litmore.data.entropy import entropy_floor
from litmore.data.loader import BatchLoader
from litmore.log import log_now
from litmore.models import CharLM


class OverfitFloor(Callback):
    """With `overfit_batches`, log the batches' own entropy as `train/floor` beside `train/loss`."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        loader = trainer.train_dataloader
        overfits = trainer.overfit_batches > 0  # type: ignore[attr-defined]
        if not overfits or not (isinstance(loader, BatchLoader) and isinstance(pl_module, CharLM)):
            return
        global_batch = loader.batch_size * loader.world_size
        learnt = min(int(trainer.num_training_batches) * global_batch, len(loader.view))
        floor = entropy_floor(loader.view[torch.arange(learnt)])
        log_now(trainer, {"train/floor": floor}, trainer.global_step)
