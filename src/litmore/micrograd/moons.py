"""Two interleaved half-moons of points in the plane, and which moon each is of."""

import numpy as np
import torch
from jaxtyping import Float, Int
from lightning.pytorch import LightningDataModule
from torch import Tensor

from litmore.data.loader import BatchLoader
from litmore.data.served import overfits, serve
from litmore.data.views import Batch, View
from litmore.errors import InputError


class Points(View):
    """Points of the plane and their classes: `x: Float[B, 2]`, `y: Float[B]` of −1 and 1.

    In double, as the numbers of plain Python are.
    """

    def __init__(self, x: Float[Tensor, "N 2"], y: Float[Tensor, " N"]) -> None:
        self.x = x
        self.y = y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, examples: Int[Tensor, " B"]) -> Batch:
        return Batch(self.x[examples], self.y[examples])


def moons(num_points: int, noise: float, seed: int | np.random.RandomState) -> Points:
    """Two half-circles, the lower one moved into the upper one's hollow, in shuffled order.

    Draw for draw scikit-learn's `make_moons`, so that a seed gives the points known from there.

    Args:
        num_points: of both moons together.
        noise: σ of the normal noise on both coordinates; the moons have radius 1.
        seed: of order and noise, or the generator.

    """
    generator = seed if isinstance(seed, np.random.RandomState) else np.random.RandomState(seed)
    upper = np.linspace(0, np.pi, num_points // 2)
    lower = np.linspace(0, np.pi, -(-num_points // 2))
    across = np.concatenate([np.cos(upper), 1 - np.cos(lower)])
    up = np.concatenate([np.sin(upper), 0.5 - np.sin(lower)])
    x = np.stack([across, up], axis=1)
    y = np.repeat([-1.0, 1.0], [len(upper), len(lower)])
    order = np.arange(num_points)
    generator.shuffle(order)
    x = x[order] + generator.normal(scale=noise, size=x.shape)
    return Points(torch.from_numpy(x), torch.from_numpy(y[order]))


class MoonsDataModule(LightningDataModule):
    """Half-moons to train on, and as many of each to validate and to test.

    Args:
        num_points: of each split.
        noise: σ of the noise; the moons have radius 1.
        batch_size: points a process and training batch.
        data_seed: of the points.

    Raises:
        InputError: a setting is out of range.

    """

    def __init__(
        self,
        num_points: int = 100,
        noise: float = 0.1,
        batch_size: int = 100,
        data_seed: int = 1337,
    ) -> None:
        super().__init__()
        if num_points < 2:
            raise InputError(f"--data.num_points {num_points}: must be at least 2")
        if not 0 <= noise < float("inf"):
            raise InputError(f"--data.noise {noise}: must be a number of at least 0")
        if batch_size < 1:
            raise InputError(f"--data.batch_size {batch_size}: must be at least 1")
        if not 0 <= data_seed < 2**32:
            raise InputError(f"--data.data_seed {data_seed}: must be from 0 to {2**32 - 1}")
        self.save_hyperparameters()
        self.batch_size = batch_size
        self.seed = torch.initial_seed()  # of the training's order; the same on every process
        generator = np.random.RandomState(data_seed)
        self.splits = {
            name: moons(num_points, noise, generator) for name in ("train", "val", "test")
        }

    def __str__(self) -> str:
        points = self.splits["train"]
        return f"half-moons: {len(points):,} points to train on, as many to validate and to test"

    def train_dataloader(self) -> BatchLoader:
        """Shuffled by (seed, epoch); in fixed order where the Trainer overfits a few batches."""
        points = self.splits["train"]
        order = (
            None if overfits(self.trainer) else points.training_order(self.seed, self.batch_size)
        )
        return serve(self, points, self.batch_size, order)

    def val_dataloader(self) -> BatchLoader | list:
        return [] if overfits(self.trainer) else self._all("val")

    def test_dataloader(self) -> BatchLoader:
        return self._all("test")

    def _all(self, name: str) -> BatchLoader:
        """In one batch."""
        return serve(self, self.splits[name], len(self.splits[name]))
