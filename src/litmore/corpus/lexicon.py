"""Words as numbers, the same number exactly for the same spelling; no Python object a word."""

from dataclasses import dataclass

import numpy as np

_BYTES = 8
"""Of tokens looked at at a time."""

# The first n bytes of eight, as they lie in the memory.
_FIRST = np.frombuffer(b"".join(b"\xff" * n + b"\0" * (_BYTES - n) for n in range(9)), np.uint64)


@dataclass(frozen=True)
class Spans:
    """Some words as they lie in a storage: tokens, none of them 0, and a 0 after each.

    Attributes:
        tokens: of any integer type.
        starts: where each word's first token stands.
        lengths: tokens of each word.

    """

    tokens: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray

    def steps(self) -> np.ndarray:
        """Into how many keys each word goes: the last one holds a 0, so none begins another."""
        return self.lengths * self.tokens.itemsize // _BYTES + 1

    def keys(self, words: np.ndarray, step: int) -> np.ndarray:
        """Uint64: the eight bytes of these words from `8 · step` on, 0 after the word's end."""
        size = self.tokens.itemsize
        padded = np.concatenate([self.tokens, np.zeros(_BYTES // size, self.tokens.dtype)])
        eights = np.ndarray(len(self.tokens) + 1, np.uint64, padded, strides=(size,))
        left = self.lengths[words] * size - _BYTES * step
        at = self.starts[words] + _BYTES // size * step
        return eights[at] & _FIRST[np.minimum(left, _BYTES)]


class Lexicon:
    """The distinct spellings of some words, numbered.

    A spelling is a path down a tree, eight bytes a step: each step's table has the keys that occur
    there, sorted, and the pairs of the path so far and a key, sorted too.

    Args:
        words: as many as fit into the memory a few times over.

    Attributes:
        size: numbers lie below it.

    """

    def __init__(self, words: Spans) -> None:
        self._steps: list[tuple[np.ndarray, np.ndarray]] = []
        self.size = 0
        here, path = np.arange(len(words.starts)), np.zeros(len(words.starts), np.int64)
        steps = words.steps()
        while here.size:
            step = len(self._steps)
            keys, key = np.unique(words.keys(here, step), return_inverse=True)
            pairs, pair = np.unique(path * len(keys) + key, return_inverse=True)
            self._steps.append((keys, pairs))
            self.size += len(pairs)
            longer = steps[here] > step + 1
            here, path = here[longer], pair[longer]

    def find(self, words: Spans) -> np.ndarray:
        """Int64: the number of each word's spelling, or −1 where it is none of these."""
        numbers = np.full(len(words.starts), -1)
        here, path, below = np.arange(len(words.starts)), np.zeros(len(words.starts), np.int64), 0
        steps = words.steps()
        for step, (keys, pairs) in enumerate(self._steps):
            wanted = words.keys(here, step)
            if step == 0:  # in order, the search goes along the table and not across it
                order = wanted.argsort()
                here, wanted = here[order], wanted[order]
            key, known = _search(keys, wanted)
            here, path, key = here[known], path[known], key[known]
            pair, known = _search(pairs, path * len(keys) + key)
            here, path = here[known], pair[known]
            ends = steps[here] == step + 1
            numbers[here[ends]] = path[ends] + below
            below += len(pairs)
            here, path = here[~ends], path[~ends]
        return numbers


def _search(table: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The place of each number in a sorted table, and whether it is there."""
    place = np.minimum(np.searchsorted(table, wanted), len(table) - 1)
    return place, table[place] == wanted
