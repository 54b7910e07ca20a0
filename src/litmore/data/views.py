"""What a model sees of a corpus: `windows` or `words` (`counts` has a file of its own).

A view is a sequence of examples. Indexed with a tensor of example numbers it gathers the whole
batch `(x, y)` at once; until then it holds nothing but the corpus's own storage.

Letters: B batch, K context length (`block_size`), T time.
"""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Int, Integer
from torch import Tensor

from litmore.corpus.corpus import Corpus
from litmore.corpus.vocabulary import BOUNDARY
from litmore.data.order import EpochOrder, Shuffle

PAD = -1
"""The target where there is nothing to predict."""

Batch = tuple[Tensor, Tensor]
"""`(x, y)`: what a model is given and what it is to predict."""


class View(ABC):
    """A sequence of examples, gathered a batch at a time."""

    ragged = False
    """Whether an example's shape depends on the batch it is gathered with."""

    @abstractmethod
    def __len__(self) -> int:
        """How many examples."""

    @abstractmethod
    def __getitem__(self, examples: Int[Tensor, " B"]) -> Batch:
        """The batch of these examples."""

    def shuffled(self, seed: int) -> EpochOrder:
        """The order in which they are trained on."""
        return Shuffle(len(self), seed)


class WordView(View):
    """A view that knows which examples are a word's."""

    @abstractmethod
    def of_words(self, first: int, last: int) -> Batch:
        """All examples of the words `first … last − 1`, in order."""


class Windows(WordView):
    """Each character with the K tokens before it: `x: Int[B, K]`, `y: Int[B]`.

    The lectures' own batches: for emma and K = 3, `... → e`, `..e → m`, `.em → m`, `emm → a`,
    `mma → .`. All windows of K + 1 tokens are one `as_strided` view of the corpus's storage; no
    context is copied before its batch is gathered.

    Args:
        corpus: the words.
        block_size: K; at most `text.MAX_WORD`, for which each storage has room before its first.

    """

    def __init__(self, corpus: Corpus, block_size: int) -> None:
        self.corpus = corpus
        self.block_size = block_size
        tokens = corpus.tokens
        self.windows: Integer[Tensor, "N K_and_1"] = tokens.as_strided(
            (corpus.num_examples, block_size + 1),
            (1, 1),
            tokens.storage_offset() - (block_size - 1),
        )

    def __len__(self) -> int:
        return self.corpus.num_examples

    def __getitem__(
        self, examples: Int[Tensor, " B"]
    ) -> tuple[Int[Tensor, "B K"], Int[Tensor, " B"]]:
        return self._cut(self.windows[examples])

    def of_words(self, first: int, last: int) -> tuple[Int[Tensor, "B K"], Int[Tensor, " B"]]:
        """All examples of a run of words."""
        start, end = self.corpus.starts(torch.tensor([first, last])).tolist()
        return self._cut(self.windows[start:end])

    def _cut(
        self, windows: Integer[Tensor, "B K_and_1"]
    ) -> tuple[Int[Tensor, "B K"], Int[Tensor, " B"]]:
        x, y = windows.to(torch.long, copy=True).split([self.block_size, 1], dim=1)
        # Left of a word's opening boundary stands the word before it: to this word, boundary too.
        for k in range(self.block_size - 2, -1, -1):
            x[:, k] *= x[:, k + 1] != BOUNDARY
        return x, y[:, 0]


class Words(WordView):
    """Whole words: `x: Int[B, T]` the boundary and the characters, `y: Int[B, T]` one further.

    T is the longest of the batch; shorter words are filled up with `BOUNDARY` in x, `PAD` in y.
    """

    ragged = True

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus

    def __len__(self) -> int:
        return len(self.corpus)

    def __getitem__(
        self, examples: Int[Tensor, " B"]
    ) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
        tokens = self.corpus.tokens
        first, last = self.corpus.starts(examples), self.corpus.starts(examples + 1)  # (B,)
        longest = int((last - first).max()) if len(examples) else 0
        at = first[:, None] + torch.arange(longest)  # (B, T)
        outside = at >= last[:, None]
        at = at.where(~outside, last[:, None] - 1)
        x = tokens[at].long().masked_fill(outside, BOUNDARY)
        y = tokens[at + 1].long().masked_fill(outside, PAD)
        return x, y

    def of_words(self, first: int, last: int) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
        """A run of words."""
        return self[torch.arange(first, last)]
