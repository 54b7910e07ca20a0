"""How often each token followed each context, in a table of the distinct pairs.

Letters: K tokens of context, V vocabulary, N rows (a context and the token after it) as they come,
U distinct ones, W integers that hold a row.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor


class Tally:
    """Distinct rows, sorted by their contexts from the newest token on, and how often each came.

    A row is packed into integers of as many tokens as fit, which sort as the row does. Times are
    in parts of `_WHOLE`, since integers add up to the same, to the bit, in whichever order.

    What is added waits until there is as much of it as of the table: a row is sorted in, and the
    table with it, twice on average however many batches come.

    """

    def __init__(self, block_size: int, vocab_size: int) -> None:
        self.vocab_size = vocab_size
        tokens = 1  # in an integer
        while max(vocab_size, 2) ** (tokens + 1) < 2**63:
            tokens += 1
        # Of each token in its integer: the context's oldest first, and the one after it.
        places = [*range(block_size - 1, -1, -1), block_size]
        self._weights = torch.zeros(block_size // tokens + 1, block_size + 1, dtype=torch.long)
        for at, place in enumerate(places):
            last = min(place // tokens * tokens + tokens - 1, block_size)
            self._weights[place // tokens, at] = vocab_size ** (last - place)
        self.clear()

    def clear(self) -> None:
        self._hold(torch.zeros(len(self._weights) + 1, 0, dtype=torch.long))

    def _hold(self, table: Int[Tensor, "W_and_1 U"]) -> None:
        self._tables = [table]  # and what waits
        self._num_waiting = 0

    def pack(
        self, contexts: Int[Tensor, "N K"], following: Int[Tensor, " N"], times: Float[Tensor, " N"]
    ) -> Int[Tensor, "W_and_1 N"]:
        """Rows as `add` takes them, their times last; a time of 0 is no row."""
        weights = self._weights.to(contexts.device)[:, :-1]  # (W, K)
        words = (contexts[:, None] * weights).sum(2)  # (N, W)
        words[:, -1] += following
        return torch.cat([words.T, (times * _WHOLE).round().long()[None]])

    def add(self, packed: Int[Tensor, "W_and_1 N"]) -> None:
        self._tables.append(_distinct(packed.cpu()))
        self._num_waiting += self._tables[-1].shape[1]
        if self._num_waiting >= self._tables[0].shape[1]:
            self._hold(_distinct(*self._tables))

    @property
    def table(self) -> Int[Tensor, "W_and_1 U"]:
        """All that was added, packed; on the CPU."""
        if self._num_waiting:
            self._hold(_distinct(*self._tables))
        return self._tables[0]

    @table.setter
    def table(self, table: Int[Tensor, "W_and_1 U"]) -> None:
        if len(table) != len(self._weights) + 1:
            raise ValueError(f"a table of {len(table) - 1} integer(s) a row")
        self._hold(table.cpu())

    def rows(self) -> tuple[Int[Tensor, "U K"], Int[Tensor, " U"], Int[Tensor, " U"]]:
        """Contexts, the oldest token first; the tokens after them; how often, at least once."""
        *words, parts = self.table
        times = (parts + _WHOLE // 2) // _WHOLE
        seen = times > 0
        tokens = [
            words[int(weight.argmax())][seen] // weight.max() % self.vocab_size
            for weight in self._weights.unbind(1)
        ]
        return torch.stack(tokens[:-1], 1), tokens[-1], times[seen]


_WHOLE = 1 << 20
"""A row seen once. A part that is not so many whole ones is rounded by half of one at most."""


def _distinct(*tables: Int[Tensor, "W_and_1 _"]) -> Int[Tensor, "W_and_1 U"]:
    """Sorted, each row once."""
    packed = torch.cat(tables, 1).numpy()
    kind = "stable" if len(tables) > 1 else None  # it merges what is sorted
    order = packed[0].argsort(kind=kind) if len(packed) == 2 else np.lexsort(packed[-2::-1])
    packed = packed.take(order, axis=1)
    is_last = np.ones(packed.shape[1], dtype=bool)  # of its row
    np.any(packed[:-1, 1:] != packed[:-1, :-1], axis=0, out=is_last[:-1])
    last = is_last.nonzero()[0]
    packed[-1].cumsum(out=packed[-1])
    table = packed.take(last, axis=1)
    table[-1, 1:] -= table[-1, :-1].copy()
    return torch.from_numpy(table)
