"""Words that count more than once: drawn as often to train on, and judged by their weight."""

import torch
from jaxtyping import Int
from torch import Tensor

from litmore.corpus.corpus import Corpus
from litmore.data.order import HELD, EpochOrder, LikeLength, RandomOrder
from litmore.data.views import Batch, View, WeightedBatch, Windows, Words


class Weighted(View):
    """Whole words, each once, with how often it counts: the sums that all its repetitions give."""

    ragged = True

    def __init__(self, corpus: Corpus) -> None:
        assert corpus.times is not None
        self.words = Words(corpus)
        self.times = corpus.times.long()

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, examples: Int[Tensor, " B"]) -> WeightedBatch:
        return WeightedBatch(*self.words[examples], self.times[examples])


class Repeated(View):
    """A view in which each word stands as often as it counts; no copy of it is kept.

    Args:
        view: of words that count, each once.

    """

    def __init__(self, view: Windows | Words) -> None:
        corpus = view.corpus
        assert isinstance(corpus, Corpus)
        assert corpus.times is not None
        self.view = view
        self.corpus = corpus
        self.ragged = view.ragged
        self.times = corpus.times.long()
        # Examples of each word.
        self.lengths = torch.ones_like(self.times) if view.ragged else corpus.lengths.long()
        self.first = self.lengths.cumsum(0) - self.lengths  # example of each word in the view
        self.ends = (self.lengths * self.times).cumsum(0)  # of each word's examples here

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def __getitem__(self, examples: Int[Tensor, " B"]) -> Batch:
        word = torch.searchsorted(self.ends, examples, right=True)
        from_end = self.ends[word] - examples  # at least 1
        batch = self.view[self.first[word] + (-from_end) % self.lengths[word]]
        assert isinstance(batch, Batch)
        return batch

    def training_order(self, seed: int, batch_size: int) -> EpochOrder:
        if not self.ragged or len(self) > HELD:
            return RandomOrder(len(self), seed)
        return LikeLength(self.corpus.lengths.repeat_interleave(self.times), batch_size, seed)
