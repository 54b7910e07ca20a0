"""The model. Letters: B batch, L length, C channels."""

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.nn import functional as F


class Classifier(LightningModule):
    """Two convolutions over the series, their mean over time, a class.

    Args:
        channels: C.
        num_classes: how many there are.

    """

    def __init__(self, channels: int = 16, num_classes: int = 3) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.convolutions = nn.Sequential(
            nn.Conv1d(1, channels, 7, padding=3),
            nn.ReLU(),
            nn.Conv1d(channels, channels, 7, padding=3),
            nn.ReLU(),
        )
        self.output = nn.Linear(channels, num_classes)
        self.example_input_array = torch.zeros(2, 64)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.convolutions(x[:, None])  # (B, C, L)
        logits: Tensor = self.output(hidden.mean(-1))  # (B, classes)
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        return self._loss(batch, "train")

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self._loss(batch, "val")

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self._loss(batch, "test")

    def _loss(self, batch: tuple[Tensor, Tensor], stage: str) -> Tensor:
        x, y = batch
        logits = self(x)
        loss = F.cross_entropy(logits, y)
        right = (logits.argmax(-1) == y).float().mean()
        # litmore saves the checkpoint of the lowest val/loss (--monitor names another).
        metrics = {f"{stage}/loss": loss, f"{stage}/accuracy": right}
        self.log_dict(metrics, batch_size=len(y), sync_dist=stage != "train")
        return loss
