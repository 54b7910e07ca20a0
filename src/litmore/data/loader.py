"""Batches of a view, in an order that is a function of (seed, epoch)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from torch.utils.data import Sampler, SequentialSampler

from litmore.data.views import Batch, View, WordView


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


class EpochShuffle(Sampler):
    """A permutation for each epoch from a generator of its own: no other draw can move it."""

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
        """The epoch's permutation."""
        mixed = np.random.SeedSequence([self.seed, self.epoch]).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(mixed[0] >> np.uint64(1)))
        return torch.randperm(self.num_examples, generator=generator)


class BatchLoader:
    """Every example of a view exactly once an epoch, a whole batch by one gather.

    With several processes each global batch of `batch_size × world_size` examples is cut into one
    run a process: together they see what one process with that batch size sees, in the same
    order, and no example twice. A short last batch is shared out, possibly unevenly.

    Args:
        view: the examples.
        batch_size: examples a process and batch.
        shuffle: a new order each epoch; else the view's own.
        seed: of the shuffle.
        rank: of this process.
        world_size: number of processes.

    """

    def __init__(
        self,
        view: View,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.view = view
        self.batch_size = batch_size
        self.rank = rank
        self.world_size = world_size
        # Lightning looks for `sampler`: to set its epoch, and to see whether it shuffles.
        self.sampler = EpochShuffle(len(view), seed) if shuffle else FileOrder(len(view))
        self.batch_sampler = None  # asked for where `sampler` is
        self._position = (0, 0)  # epoch, batches served in it
        self._resuming = False

    def __len__(self) -> int:
        return -(-len(self.view) // (self.batch_size * self.world_size))

    def __iter__(self) -> Iterator[Batch]:
        order = self.sampler.order()
        served = self._served() if self._resuming else 0
        self._resuming = False
        global_batch = self.batch_size * self.world_size
        for number in range(served, len(self)):
            first = number * global_batch
            batch = order[first : first + global_batch].tensor_split(self.world_size)
            self._position = (self.sampler.epoch, number + 1)
            yield self.view[batch[self.rank]]

    def _served(self) -> int:
        epoch, served = self._position
        return served if epoch == self.sampler.epoch else 0

    def state_dict(self) -> dict[str, Any]:
        """Where in the epoch the loader stands; Lightning keeps it in the checkpoint."""
        return {"epoch": self.sampler.epoch, "served": self._served()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on after the batch that was served last."""
        self._position = (state["epoch"], state["served"])
        self._resuming = True


class WordLoader:
    """The words in order, `batch_size` of them with all their examples at a time: to score them."""

    def __init__(self, view: WordView, num_words: int, batch_size: int) -> None:
        self.view = view
        self.num_words = num_words
        self.batch_size = batch_size

    def __len__(self) -> int:
        return -(-self.num_words // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for first in range(0, self.num_words, self.batch_size):
            yield self.view.of_words(first, min(first + self.batch_size, self.num_words))
