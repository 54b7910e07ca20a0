"""In which order a view's examples are served: a function of (seed, epoch)."""

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from torch.utils.data import Sampler, SequentialSampler


class FileOrder(SequentialSampler):
    """The view's own order, every epoch. Lightning knows the base class as "does not shuffle"."""

    def __init__(self, num_examples: int) -> None:
        super().__init__(range(num_examples))
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this before each epoch."""
        self.epoch = epoch

    def order(self) -> Int[Tensor, " N"]:
        """0, 1, 2, …"""
        return torch.arange(len(self))


class EpochOrder(Sampler):
    """A new order for each epoch, from a generator of its own: no other draw can move it.

    Args:
        num_examples: N.
        seed: the run's.

    """

    def __init__(self, num_examples: int, seed: int) -> None:
        self.num_examples = num_examples
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.num_examples

    def __iter__(self) -> Iterator[int]:
        return iter(self.order().tolist())

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this before each epoch."""
        self.epoch = epoch

    def order(self) -> Int[Tensor, " N"]:
        """The epoch's."""
        mixed = np.random.SeedSequence([self.seed, self.epoch]).generate_state(1, np.uint64)
        return self.arrange(torch.Generator().manual_seed(int(mixed[0] >> np.uint64(1))))

    @abstractmethod
    def arrange(self, generator: torch.Generator) -> Int[Tensor, " N"]:
        """All N examples in an order drawn from the generator."""


class Shuffle(EpochOrder):
    """Any order is as likely as any other."""

    def arrange(self, generator: torch.Generator) -> Int[Tensor, " N"]:
        """A permutation."""
        return torch.randperm(self.num_examples, generator=generator)
