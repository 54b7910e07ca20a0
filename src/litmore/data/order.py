"""In which order a view's examples are served: a function of (seed, epoch)."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from torch.utils.data import Sampler, SequentialSampler

from litmore.data.permutation import Permutation

HELD = 2**25
"""Examples whose order is drawn at once and held, 8 bytes each; of more, it is computed as needed.

What the lectures' figures hang on lies far below it.
"""

_RUN = 1 << 16


@runtime_checkable
class Order(Protocol):
    """All examples, one after the other; a tensor is one."""

    def __getitem__(self, places: slice) -> Int[Tensor, " B"]:
        """The examples at these places."""


class FileOrder(SequentialSampler):
    """The view's own order, every epoch. Lightning knows the base class as "does not shuffle"."""

    def __init__(self, num_examples: int) -> None:
        super().__init__(range(num_examples))
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def order(self) -> Order:
        return _Ascending(len(self))


class _Ascending:
    def __init__(self, num_examples: int) -> None:
        self.num_examples = num_examples

    def __getitem__(self, places: slice) -> Int[Tensor, " B"]:
        return torch.arange(*places.indices(self.num_examples))


class EpochOrder(Sampler):
    """A new order of N examples each epoch, from a generator of its own: no other draw moves it."""

    def __init__(self, num_examples: int, seed: int) -> None:
        self.num_examples = num_examples
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.num_examples

    def __iter__(self) -> Iterator[int]:
        order = self.order()
        for first in range(0, len(self), _RUN):
            yield from order[first : first + _RUN].tolist()

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def order(self) -> Order:
        mixed = np.random.SeedSequence([self.seed, self.epoch]).generate_state(1, np.uint64)
        return self.arrange(torch.Generator().manual_seed(int(mixed[0] >> np.uint64(1))))

    @abstractmethod
    def arrange(self, generator: torch.Generator) -> Int[Tensor, " N"]:
        """All N examples in an order drawn from the generator."""


class RandomOrder(EpochOrder):
    """Any order is as likely as any other; of more than `HELD` examples, any of very many."""

    def order(self) -> Order:
        if len(self) > HELD:
            return Permutation.of(len(self), self.seed, self.epoch)
        return super().order()

    def arrange(self, generator: torch.Generator) -> Int[Tensor, " N"]:
        return torch.randperm(self.num_examples, generator=generator)


class LikeLength(RandomOrder):
    """Examples of like length side by side, so that little of a batch is padding.

    Examples of one length are in random order, and so are the batches; the short one comes last.

    Args:
        lengths: of the examples.
        batch_size: over all processes.
        seed: of the order, with the epoch.

    """

    def __init__(self, lengths: Int[Tensor, " N"], batch_size: int, seed: int) -> None:
        super().__init__(len(lengths), seed)
        self.lengths = lengths
        self.batch_size = batch_size

    def arrange(self, generator: torch.Generator) -> Int[Tensor, " N"]:
        shuffled = super().arrange(generator)
        by_length = shuffled[self.lengths[shuffled].sort(stable=True).indices]
        batches, rest = divmod(len(self), self.batch_size)
        at = int(torch.randint(len(self) - rest + 1, (), generator=generator))
        last = by_length[at : at + rest]
        whole = torch.cat([by_length[:at], by_length[at + rest :]]).view(batches, self.batch_size)
        return torch.cat([whole[torch.randperm(batches, generator=generator)].flatten(), last])
