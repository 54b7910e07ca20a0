"""Words that count more than once."""

import torch
from jaxtyping import Int
from torch import Tensor

from litmore.corpus.corpus import Corpus
from litmore.data.order import HELD, EpochOrder, LikeLength, RandomOrder
from litmore.data.views import Batch, View, WordView


class Repeated(View):
    """A view in which each word stands as often as it counts; no copy of it is kept.

    Args:
        view: of the words, each once.
        corpus: the same words, and how often each counts.
        lengths: the view's examples of each word.

    """

    def __init__(self, view: WordView, corpus: Corpus, lengths: Int[Tensor, " words"]) -> None:
        assert corpus.times is not None
        self.view = view
        self.ragged = view.ragged
        self.lengths = lengths.long()
        self.first = self.lengths.cumsum(0) - self.lengths  # example of each word in the view
        self.times = corpus.times.long()
        self.ends = (self.lengths * self.times).cumsum(0)  # of each word's examples here
        self._word_lengths = corpus.lengths

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
        return LikeLength(self._word_lengths.repeat_interleave(self.times), batch_size, seed)
