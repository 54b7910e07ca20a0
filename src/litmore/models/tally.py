"""How often each row of tokens was seen, in a table of the distinct rows."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor


class Tally:
    """Distinct rows of tokens in lexical order, and how often each was seen.

    A row is kept as W integers, each of as many tokens as fit, which sort as the row does. Times
    are kept in parts of `_WHOLE`: integers add up to the same, to the bit, in whichever order.

    Args:
        width: tokens in a row.
        vocab_size: V; tokens lie below it.

    """

    def __init__(self, width: int, vocab_size: int) -> None:
        self.width = width
        self.vocab_size = vocab_size
        self._digits = 1  # tokens in an integer
        while vocab_size ** (self._digits + 1) < 2**63:
            self._digits += 1
        self.clear()

    def clear(self) -> None:
        words = -(-self.width // self._digits)
        self._sorted = torch.zeros(words + 1, 0, dtype=torch.long)
        self._pending: list[Tensor] = []
        self._num_pending = 0

    def pack(
        self, rows: Int[Tensor, "N width"], times: Float[Tensor, " N"]
    ) -> Int[Tensor, "W_and_1 N"]:
        """Rows as `add` takes them, their times last; a time of 0 is no row."""
        packed = []
        for tokens in rows.split(self._digits, dim=1):
            word = tokens[:, 0]
            for token in tokens[:, 1:].unbind(1):
                word = word * self.vocab_size + token
            packed.append(word)
        return torch.stack([*packed, (times * _WHOLE).round().long()])

    def add(self, packed: Int[Tensor, "W_and_1 N"]) -> None:
        """Sorted in only once there is as much of it as the table has: few times in all."""
        self._pending.append(packed)
        self._num_pending += packed.shape[1]
        if self._num_pending >= max(self._sorted.shape[1], _AT_LEAST):
            self._merge()

    @property
    def table(self) -> Int[Tensor, "W_and_1 U"]:
        """All that was added, packed; on the CPU."""
        if self._pending:
            self._merge()
        return self._sorted

    @table.setter
    def table(self, table: Int[Tensor, "W_and_1 U"]) -> None:
        self.clear()
        if table.shape[0] != len(self._sorted):
            raise ValueError(f"a table of {table.shape[0]} integers a row")
        self._sorted = table.cpu()

    def rows(self) -> tuple[Int[Tensor, "U width"], Int[Tensor, " U"]]:
        """The rows seen at least once, and how often."""
        *words, parts = self.table
        times = (parts + _WHOLE // 2) // _WHOLE
        tokens = []
        for first, word in zip(range(0, self.width, self._digits), words, strict=True):
            for place in reversed(range(min(self._digits, self.width - first))):
                tokens.append(word // self.vocab_size**place % self.vocab_size)
        seen = times > 0
        return torch.stack(tokens, 1)[seen], times[seen]

    def _merge(self) -> None:
        packed = torch.cat([self._sorted, *(each.cpu() for each in self._pending)], 1).numpy()
        order = packed[0].argsort() if len(packed) == 2 else np.lexsort(packed[-2::-1])
        packed = packed[:, order]
        new = np.ones(packed.shape[1], dtype=bool)
        new[1:] = (packed[:-1, 1:] != packed[:-1, :-1]).any(0)
        first = new.nonzero()[0]
        table = packed[:, first]
        table[-1] = np.add.reduceat(packed[-1], first) if len(first) else 0
        self.clear()
        self._sorted = torch.from_numpy(table)


_WHOLE = 1 << 20
"""A row seen once. A part that is not so many whole ones is rounded by half of one at most."""

_AT_LEAST = 1 << 16
"""Rows that are sorted in at a time."""
