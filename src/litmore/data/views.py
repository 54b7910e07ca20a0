"""What a model sees of a corpus: `windows` or `words` (`counts` has a file of its own).

A view is a sequence of examples. Indexed with a tensor of example numbers it gathers the whole
batch `(x, y)` at once; until then it holds nothing but the corpus's own storage.

Letters: B batch, K context length (`block_size`), T time.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Int, Integer
from torch import Tensor

from litmore.corpus.corpus import Corpus
from litmore.corpus.running_text import RunningText
from litmore.corpus.vocabulary import BOUNDARY
from litmore.data.order import HELD, EpochOrder, LikeLength, RandomOrder

PAD = -1
"""The target where there is nothing to predict."""


class Predictions(NamedTuple):
    """The N tokens that a batch predicts, one after the other."""

    row: Int[Tensor, " N"]
    """Of the flattened logits."""
    previous: Int[Tensor, " N"]
    following: Int[Tensor, " N"]
    times: Float[Tensor, " N"]
    """How often it is to be predicted."""


class Batch(NamedTuple):
    """Tokens, and the one that follows each context: of `windows` or of `words`."""

    x: Tensor
    """What a model is given, `Int[B, K]` or `Int[B, T]`."""
    y: Tensor
    """What it is to predict, `Int[B]` or `Int[B, T]`; `PAD` where there is nothing."""

    def to(self, device: torch.device | str) -> "Batch":
        return Batch(self.x.to(device), self.y.to(device))

    def num_predicted(self) -> Float[Tensor, ""]:
        return (self.y != PAD).sum().float()

    def num_correct(self, logits: Float[Tensor, "*leading V"]) -> Float[Tensor, ""]:
        """How many the likeliest next one is right for."""
        return (logits.argmax(-1) == self.y).sum().float()

    def predictions(self) -> Predictions:
        previous = self.x if self.y.dim() == self.x.dim() else self.x[:, -1]
        row = (self.y != PAD).flatten().nonzero()[:, 0]
        times = torch.ones(len(row), device=row.device)
        return Predictions(row, previous.flatten()[row], self.y.flatten()[row], times)

    def contexts(self) -> Int[Tensor, "N K"]:
        """All that each prediction can go by; of a word its beginning, filled up with `PAD`."""
        if self.y.dim() == 1:
            return self.x
        length = self.x.shape[1]
        later = torch.ones(length, length, dtype=torch.bool, device=self.x.device).triu(1)
        beginnings = self.x[:, None, :].expand(-1, length, -1).masked_fill(later, PAD)
        return beginnings.flatten(0, 1)[self.predictions().row]


class CountBatch:
    """Of `counts`: distinct contexts `Int[B, K]`, how often each token followed `Float[B, V]`.

    It unpacks as a tuple and is none: of one the Trainer would round the counts to its precision.
    """

    def __init__(self, x: Int[Tensor, "B K"], y: Float[Tensor, "B V"]) -> None:
        self.x = x
        self.y = y

    def __iter__(self) -> Iterator[Tensor]:
        return iter((self.x, self.y))

    def __getitem__(self, index: int) -> Tensor:
        return (self.x, self.y)[index]

    def to(self, device: torch.device | str) -> "CountBatch":
        return CountBatch(self.x.to(device), self.y.to(device))

    def num_predicted(self) -> Float[Tensor, ""]:
        return self.y.sum()

    def num_correct(self, logits: Float[Tensor, "B V"]) -> Float[Tensor, ""]:
        return self.y.gather(-1, logits.argmax(-1, keepdim=True)).sum()

    def predictions(self) -> Predictions:
        row, following = self.y.nonzero(as_tuple=True)
        return Predictions(row, self.x[row, -1], following, self.y[row, following])

    def contexts(self) -> Int[Tensor, "N K"]:
        return self.x[self.predictions().row]


class WeightedBatch(CountBatch):
    """Of `words` that count: each once, as in a `Batch`, and how often it counts, `Int[B]`."""

    def __init__(
        self, x: Int[Tensor, "B T"], y: Int[Tensor, "B T"], times: Int[Tensor, " B"]
    ) -> None:
        self.x = x
        self.y = y
        self.times = times

    def to(self, device: torch.device | str) -> "WeightedBatch":
        return WeightedBatch(self.x.to(device), self.y.to(device), self.times.to(device))

    def weights(self) -> Float[Tensor, "B T"]:
        """How often each target is to be predicted."""
        return (self.y != PAD) * self.times[:, None].float()

    def num_predicted(self) -> Float[Tensor, ""]:
        return self.weights().sum()

    def num_correct(self, logits: Float[Tensor, "B T V"]) -> Float[Tensor, ""]:
        return ((logits.argmax(-1) == self.y) * self.weights()).sum()

    def predictions(self) -> Predictions:
        found = Batch(self.x, self.y).predictions()
        return found._replace(times=self.weights().flatten()[found.row])

    def contexts(self) -> Int[Tensor, "N K"]:
        return Batch(self.x, self.y).contexts()


AnyBatch = Batch | CountBatch


class View(ABC):
    """A sequence of examples, gathered a batch at a time."""

    ragged = False
    """Whether each batch is gathered alone: an example's shape depends on it, or is large."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, examples: Int[Tensor, " B"]) -> AnyBatch: ...

    def training_order(self, seed: int, batch_size: int) -> EpochOrder:
        """A new one each epoch, for batches of so many examples over all processes."""
        return RandomOrder(len(self), seed)


class WordView(View):
    """A view that knows which examples are a word's."""

    @abstractmethod
    def of_words(self, first: int, last: int) -> Batch:
        """All examples of the words `first … last − 1`, in order."""


class Windows(WordView):
    """Each character with the K tokens before it: `x: Int[B, K]`, `y: Int[B]`.

    The lectures' own batches: for emma and K = 3, `... → e`, `..e → m`, `.em → m`, `emm → a`,
    `mma → .`. All windows of K + 1 tokens are one `as_strided` view of the corpus's storage; no
    context is copied before its batch is gathered. Of running text nothing is hidden.

    Args:
        corpus: the words, or running text.
        block_size: K; at most `text.MAX_WORD`, for which each storage has room before its first.

    """

    def __init__(self, corpus: Corpus | RunningText, block_size: int) -> None:
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

    def __getitem__(self, examples: Int[Tensor, " B"]) -> Batch:
        return self._cut(self.windows[examples])

    def of_words(self, first: int, last: int) -> Batch:
        assert isinstance(self.corpus, Corpus)
        start, end = self.corpus.starts(torch.tensor([first, last])).tolist()
        return self._cut(self.windows[start:end])

    def _cut(self, windows: Integer[Tensor, "B K_and_1"]) -> Batch:
        x, y = windows.to(torch.long, copy=True).split([self.block_size, 1], dim=1)
        if not self.corpus.vocabulary.is_text:
            # Left of a word's opening boundary stands the word before it: to it, boundary too.
            for k in range(self.block_size - 2, -1, -1):
                x[:, k] *= x[:, k + 1] != BOUNDARY
        return Batch(x, y[:, 0])


class Words(WordView):
    """Whole words: `x: Int[B, T]` the boundary and the characters, `y: Int[B, T]` one further.

    T is the longest of the batch; shorter words are filled up with `BOUNDARY` in x, `PAD` in y.
    """

    ragged = True

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus

    def __len__(self) -> int:
        return len(self.corpus)

    def __getitem__(self, examples: Int[Tensor, " B"]) -> Batch:
        tokens = self.corpus.tokens
        first, last = self.corpus.starts(examples), self.corpus.starts(examples + 1)  # (B,)
        longest = int((last - first).max()) if len(examples) else 0
        at = first[:, None] + torch.arange(longest)  # (B, T)
        outside = at >= last[:, None]
        at = at.where(~outside, last[:, None] - 1)
        x = tokens[at].long().masked_fill(outside, BOUNDARY)
        y = tokens[at + 1].long().masked_fill(outside, PAD)
        return Batch(x, y)

    def of_words(self, first: int, last: int) -> Batch:
        return self[torch.arange(first, last)]

    def training_order(self, seed: int, batch_size: int) -> EpochOrder:
        if len(self) > HELD:  # neither their order is held, nor their lengths
            return super().training_order(seed, batch_size)
        return LikeLength(self.corpus.lengths, batch_size, seed)
