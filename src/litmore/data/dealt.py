"""The counts in batches: what many words share is dealt out to many batches."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from litmore.data.counts import Counts
from litmore.data.order import EpochOrder
from litmore.data.views import CountBatch, View


class Dealt(View):
    """The contexts of a count table as pieces: a frequent one is many, each an equal part of it.

    A few contexts hold most of the corpus (of the names' 5,411, three hundred hold two thirds). In
    batches of whole contexts each would be a lump in one batch and missing in the others. Dealt
    out in pieces it is in every batch with its share, a rare one whole in a single batch, and so
    each batch's gradient is close to the whole table's, at a fraction of its cost. One epoch's
    batches add up to exactly the table.

    Args:
        counts: the table, of U contexts.
        batch_size: B, pieces in a batch; all contexts whole where they fit into one.

    """

    def __init__(self, counts: Counts, batch_size: int) -> None:
        self.counts = counts
        if batch_size >= len(counts):
            self.num_batches, self.batch_size = 1, len(counts)
        else:
            # Half of an epoch's places for each context's first piece, half for the frequent.
            self.num_batches, self.batch_size = -(-2 * len(counts) // batch_size), batch_size
        self.pieces = apportion(
            counts.totals, self.num_batches * self.batch_size, most=self.num_batches
        )
        self.context = torch.arange(len(counts)).repeat_interleave(self.pieces)  # of each piece

    def __len__(self) -> int:
        return len(self.context)

    def __getitem__(self, examples: Int[Tensor, " B"]) -> CountBatch:
        context = self.context[examples]
        x, y = self.counts[context]
        return CountBatch(x, y / self.pieces[context][:, None])

    def training_order(self, seed: int, batch_size: int) -> "Deal":
        return Deal(self, seed)


class Deal(EpochOrder):
    """The contexts in random order, their pieces dealt like cards, one batch after the other."""

    def __init__(self, view: Dealt, seed: int) -> None:
        super().__init__(len(view), seed)
        self.view = view
        self.first = view.pieces.cumsum(0) - view.pieces  # piece of each context

    def arrange(self, generator: torch.Generator) -> Int[Tensor, " N"]:
        """The pieces, batch after batch."""
        view = self.view
        contexts = torch.randperm(len(view.counts), generator=generator)
        pieces = view.pieces[contexts]
        within = torch.arange(len(view)) - (pieces.cumsum(0) - pieces).repeat_interleave(pieces)
        cards = self.first[contexts].repeat_interleave(pieces) + within
        hands = cards.view(view.batch_size, view.num_batches).T
        # Neighbouring hands hold the same contexts: unshuffled, these would come in bursts.
        return hands[torch.randperm(view.num_batches, generator=generator)].flatten()


def apportion(votes: Float[Tensor, " U"], seats: int, most: int) -> Int[Tensor, " U"]:
    """Seats in proportion to votes, at least one and at most `most` each, `seats` in all.

    By a divisor d as parliaments do it, ⌈votes ÷ d⌉ (Adams's method, which leaves none without).

    Args:
        votes: positive.
        seats: between U and `most` · U.
        most: the limit of each.

    """
    low, high = 0.0, float(votes.max())  # of the divisor: too many seats, and not too many
    for _ in range(64):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if _by_divisor(votes, middle, most).sum() > seats:
            low = middle
        else:
            high = middle
    given = _by_divisor(votes, high, most)
    left = seats - int(given.sum())  # fewer than those who share the next step of the divisor
    if left:
        more = (votes / given).where(given < most, 0)
        given[more.topk(left).indices] += 1
    return given


def _by_divisor(votes: Tensor, divisor: float, most: int) -> Tensor:
    return (votes.double() / divisor).ceil().clamp(1, most).long()
