"""The view of running text: windows of T tokens, each of which predicts the next one.

Letters: B batch, T time (`block_size`), N tokens to predict.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int, Integer
from torch import Tensor

from litmore.corpus.running_text import RunningText
from litmore.data.order import EpochOrder, Order, RandomOrder
from litmore.data.views import PAD, Batch, View


class Stream(View):
    """All tokens in order, each predicted once: `x: Int[B, T]`, `y: Int[B, T]` one further.

    Window n predicts the n-th T − `overlap` tokens, the last one what is left. What stands before
    them in x is context alone, of the text before the split too, and its y is `PAD`.

    Args:
        text: what to predict.
        block_size: T; less where the whole text is shorter.
        overlap: the tokens that the first prediction of each window has before its own, at least.

    """

    ragged = True

    def __init__(self, text: RunningText, block_size: int, overlap: int = 0) -> None:
        self.step = block_size - overlap
        self.num_predicted = text.num_examples
        self.block_size = min(block_size, overlap + text.num_examples)
        self.first = min(self.step, text.num_examples)  # where the first window ends
        tokens = text.tokens
        # A row for each place that a window may end at.
        self.windows: Integer[Tensor, "places T_and_1"] = tokens.as_strided(
            (text.num_examples - self.first + 1, self.block_size + 1),
            (1, 1),
            tokens.storage_offset() + self.first - self.block_size,
        )

    def __len__(self) -> int:
        return -(-self.num_predicted // self.step)

    def __getitem__(self, examples: Int[Tensor, " B"]) -> Batch:
        begins = examples * self.step
        ends = (begins + self.step).clamp(max=self.num_predicted)
        x, y = self._cut(ends)
        place = torch.arange(self.block_size) + (ends - self.block_size)[:, None]  # (B, T)
        return Batch(x, y.masked_fill(place < begins[:, None], PAD))

    def _cut(self, ends: Int[Tensor, " B"]) -> Batch:
        rows = self.windows[ends - self.first].long()
        return Batch(rows[:, :-1], rows[:, 1:])


class Anywhere(Stream):
    """Windows to train on: example n is the one that begins at token n, and predicts all of it.

    An epoch is a `Tiling`, far fewer examples than there are.
    """

    def __init__(self, text: RunningText, block_size: int) -> None:
        super().__init__(text, block_size)

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, examples: Int[Tensor, " B"]) -> Batch:
        return self._cut(examples + self.first)

    def training_order(self, seed: int, batch_size: int) -> EpochOrder:
        return Tiling(self.num_predicted, self.block_size, seed)


class Tiling(RandomOrder):
    """Windows side by side from a random place on, in random order: where each begins.

    So an epoch has each token once, but for fewer than two windows' at both ends, and each time
    cut at other places.

    Args:
        num_tokens: N, at least T.
        block_size: T.
        seed: of place and order, with the epoch.

    """

    def __init__(self, num_tokens: int, block_size: int, seed: int) -> None:
        super().__init__(max(num_tokens // block_size - 1, 1), seed)
        self.block_size = block_size
        self.room = num_tokens - len(self) * block_size

    def order(self) -> Order:
        mixed = np.random.SeedSequence([self.seed, self.epoch, 1]).generate_state(1, np.uint64)
        return _Placed(super().order(), self.block_size, int(mixed[0] % np.uint64(self.room + 1)))


@dataclass(frozen=True)
class _Placed:
    """Of windows' numbers, where they begin."""

    numbers: Order
    block_size: int
    first: int

    def __getitem__(self, places: slice) -> Int[Tensor, " B"]:
        return self.numbers[places] * self.block_size + self.first
