"""The third view: how often each token followed each distinct context."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from litmore.corpus.corpus import Corpus
from litmore.corpus.running_text import RunningText
from litmore.data.views import CountBatch, View, Windows
from litmore.progress import progress


class Counts(View):
    """Each distinct context once, and how often each token followed it: `Int[B, K]`, `Float[B, V]`.

    The loss of a model of K tokens depends on the data through these counts alone, so a pass over
    the U distinct contexts is a pass over the whole corpus: the same loss and the same gradient as
    all `windows` at once, at a cost that stops growing with the corpus at V^K contexts.

    The counts are kept sparse, a row's cells side by side; a batch makes its rows dense.

    """

    def __init__(self, corpus: Corpus | RunningText, block_size: int) -> None:
        self.vocab_size = len(corpus.vocabulary)
        windows = Windows(corpus, block_size)
        distinct, times = _distinct_windows(windows, self.vocab_size)
        new = np.ones(len(distinct), dtype=bool)
        new[1:] = (distinct[1:, :-1] != distinct[:-1, :-1]).any(1)
        first = np.flatnonzero(new)
        self.contexts = torch.from_numpy(distinct[first, :-1])  # (U, K)
        self.first = torch.from_numpy(np.append(first, len(distinct)))  # cells of each context
        self.next = torch.from_numpy(distinct[:, -1].astype(np.int64))
        self.times = torch.from_numpy(times.astype(np.float32))

    def __len__(self) -> int:
        return len(self.contexts)

    @property
    def totals(self) -> Float[Tensor, " U"]:
        return torch.segment_reduce(self.times, "sum", lengths=self.first.diff())

    def __getitem__(self, examples: Int[Tensor, " B"]) -> CountBatch:
        first, cells = self.first[examples], self.first.diff()[examples]
        row = torch.arange(len(examples)).repeat_interleave(cells)
        cell = torch.arange(len(row)) + (first - cells.cumsum(0) + cells)[row]
        y = torch.zeros(len(examples), self.vocab_size)
        y[row, self.next[cell]] = self.times[cell]
        return CountBatch(self.contexts[examples].long(), y)


_RUN = 1 << 20
"""Windows looked at at a time: bounds the memory that counting them takes."""


def _distinct_windows(windows: Windows, vocab_size: int) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows (context, next) in lexical order, and how often each occurs."""
    width = windows.block_size + 1
    if vocab_size**width >= 2**63:  # a row is too long to be one number
        x, y = windows[torch.arange(len(windows))]
        rows = np.column_stack([x.numpy(), y.numpy()])
        return _distinct(rows, _times(windows, 0, len(y)))
    weights = vocab_size ** torch.arange(width - 1, -1, -1)
    codes, times = np.empty(0, np.int64), np.empty(0, np.int64)
    with progress("counting", len(windows), " characters") as bar:
        for first in range(0, len(windows), _RUN):
            x, y = windows[torch.arange(first, min(first + _RUN, len(windows)))]
            code = (x * weights[:-1]).sum(1) + y
            more, often = _distinct(code.numpy(), _times(windows, first, len(y)))
            codes, place = np.unique(np.concatenate([codes, more]), return_inverse=True)
            times = np.bincount(place, weights=np.concatenate([times, often])).astype(np.int64)
            bar.update(len(y))
    digits = codes[:, None] // weights.numpy() % vocab_size
    return digits, times


def _times(windows: Windows, first: int, number: int) -> np.ndarray | None:
    """How often each of some windows counts; None: once."""
    corpus = windows.corpus
    if isinstance(corpus, RunningText) or corpus.times is None:
        return None
    word = torch.searchsorted(corpus.offsets, torch.arange(first, first + number), right=True)
    return np.asarray(corpus.times[word - 1])


def _distinct(rows: np.ndarray, times: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows, or numbers, and how often each occurs."""
    if times is None:
        return np.unique(rows, axis=0, return_counts=True)
    distinct, row = np.unique(rows, axis=0, return_inverse=True)
    often = np.zeros(len(distinct), np.int64)
    np.add.at(often, row.ravel(), times)
    return distinct, often
