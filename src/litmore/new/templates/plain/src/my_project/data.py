"""The data: waves of three shapes, made as they are needed. Letters: B batch, L length."""

import math

import torch
from lightning.pytorch import LightningDataModule
from litmore.data.loader import BatchLoader
from litmore.data.served import serve
from litmore.data.views import Batch, View
from torch import Tensor


class Series(View):
    """Series and their classes: `x: Float[B, L]`, `y: Int[B]`."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x = x
        self.y = y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, examples: Tensor) -> Batch:
        return Batch(self.x[examples], self.y[examples])


class Waves(LightningDataModule):
    """Sines, squares and saws of any frequency and phase, in noise.

    litmore's loaders share the examples out to processes, and know their place: a run that was
    stopped goes on to the bit. Any of torch's does too, but begins its epoch anew.

    Args:
        num_train: series to train on; a quarter as many to validate, and to test.
        noise: its standard deviation; the waves' amplitude is 1.
        length: L.
        batch_size: series a process and batch.

    """

    def __init__(
        self, num_train: int = 2000, noise: float = 0.5, length: int = 64, batch_size: int = 64
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.sizes = {"train": num_train, "val": num_train // 4, "test": num_train // 4}
        self.noise = noise
        self.length = length
        self.batch_size = batch_size
        self.seed = torch.initial_seed()  # of the training's order

    def setup(self, stage: str) -> None:
        self.series = {
            split: self._made(size, torch.Generator().manual_seed(number))
            for number, (split, size) in enumerate(self.sizes.items())
        }

    def _made(self, size: int, generator: torch.Generator) -> Series:
        y = torch.randint(3, (size,), generator=generator)
        frequency, phase = torch.rand(2, size, 1, generator=generator)
        turns = (1 + 3 * frequency) * torch.arange(self.length) / self.length + phase  # (B, L)
        sine = torch.sin(2 * math.pi * turns)
        shapes = torch.stack([sine, sine.sign(), 2 * (turns % 1) - 1])  # (3, B, L)
        noise = self.noise * torch.randn(size, self.length, generator=generator)
        return Series(shapes[y, torch.arange(size)] + noise, y)

    def train_dataloader(self) -> BatchLoader:
        series = self.series["train"]
        return serve(self, series, self.batch_size, series.training_order(self.seed, 0))

    def val_dataloader(self) -> BatchLoader:
        return serve(self, self.series["val"], 512)

    def test_dataloader(self) -> BatchLoader:
        return serve(self, self.series["test"], 512)
