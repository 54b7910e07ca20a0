"""`random.Random(seed).shuffle`, to the word, as array operations.

The lectures' splits come from the standard library's shuffle; a corpus of millions of words should
not wait for a Python loop over them, nor fill the memory with its order.
"""

import random
from collections.abc import Callable, Iterator

import numpy as np

_CHUNK = 1 << 16
"""Swaps made at a time: bounds the memory that a shuffle takes."""

_LOW = (1 << 32) - 1


def python_order(n: int, seed: int) -> np.ndarray:
    """Int32[n]: the order in which `random.Random(seed).shuffle` leaves 0, 1, … n − 1."""
    items = np.arange(n, dtype=np.int32)
    shuffle_as_python(items, seed)
    return items


def shuffle_as_python(
    items: np.ndarray, seed: int, progress: Callable[[int], object] = lambda swaps: None
) -> None:
    """Leave the items of an array, fewer than 2³¹, as `random.Random(seed).shuffle` does.

    It swaps the places i and jᵢ ≤ i, for i from n − 1 down to 1. Here some swaps are made at a
    time: they move only the items of the places that they name, and those all at once. `progress`
    is told how many, every some thousand.
    """
    end = len(items)
    for draws in _draws(end, random.Random(seed)):
        first = end - len(draws)
        touched, source = _swapped(draws[::-1], first)
        items[touched] = items[source]
        end = first
        progress(len(draws))


def _swapped(j: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """The places that the swaps of i = first, … touch, ascending, and where each's item comes from.

    What ends up at place i is what stood at jᵢ at that time: whatever the last swap before it with
    that place, the one at the least i' > i with jᵢ' = jᵢ, had brought there from place i'; and so
    on back to a place that nothing was swapped with before.
    """
    # The swaps by their jᵢ, those with the same one together.
    key = np.sort(j.astype(np.int64) << 32 | np.arange(len(j)))
    with_, swap = key >> 32, key & _LOW
    first_with = np.ones(len(j), dtype=bool)
    first_with[1:] = with_[1:] != with_[:-1]
    below = with_[first_with & (with_ < first)]  # places whose own turn is still to come
    touched = np.concatenate([below, np.arange(first, first + len(j))])

    # From here on, places and swaps go by their number among the touched places.
    swap += len(below)
    with_ = np.where(with_ < first, first_with.cumsum() - 1, with_ - first + len(below))
    place = np.arange(len(touched))
    j = np.full(len(touched), -1)
    j[swap] = with_
    before = np.full(len(touched), -1)  # of each swap: the last one before it with the same jᵢ
    again = ~first_with[1:]
    before[swap[:-1][again]] = swap[1:][again]
    last_with = np.full(len(touched), -1)  # of each place: the last swap of all with it
    last_with[with_[first_with]] = swap[first_with]

    # What stands at place i when its own turn comes: what the swap before brought, from its place.
    came_from = np.where(last_with == place, before, last_with)
    content = np.where(came_from < 0, place, came_from)
    while not np.array_equal(further := content[content], content):
        content = further
    final = np.where(before < 0, j, content[before])
    final = np.where(j == place, content, final)
    final[: len(below)] = content[last_with[: len(below)]]
    return touched, touched[final]


def _draws(n: int, source: random.Random) -> Iterator[np.ndarray]:
    """Int32[n − 1] in chunks: what `source` draws below n, below n − 1, … below 2.

    For a number below n it takes as many bits as n has, from the top of the generator's next 32,
    and tries again where that is too many.
    """
    chunk: list[np.ndarray] = []
    room = _CHUNK
    while n > 1:
        bits = n.bit_length()
        wanted = n - max(2 ** (bits - 1), 2) + 1  # this many bounds have so many bits
        wanted = min(wanted, room)
        state = source.getstate()
        tries = 64 + int(1.02 * 2**bits * np.log(n / (n - wanted)))
        words = np.frombuffer(source.getrandbits(32 * tries).to_bytes(4 * tries, "little"), "<u4")
        numbers = (words >> np.uint32(32 - bits)).astype(np.int32)
        # The bound falls with each number taken, and which are taken depends on the bound: begin
        # with how it falls on average, and put right until nothing changes.
        taken = numbers < n * np.exp(-np.arange(tries) / 2**bits)
        while True:
            right = numbers < n - (taken.cumsum(dtype=np.int32) - taken)
            if np.array_equal(right, taken):
                break
            taken = right
        at = np.flatnonzero(taken)[:wanted]
        n -= len(at)
        source.setstate(state)  # and go on after the last one taken
        source.getrandbits(32 * (int(at[-1]) + 1 if len(at) else tries))
        chunk.append(numbers[at])
        room -= len(at)
        if room == 0 or n == 1:
            yield np.concatenate(chunk)
            chunk, room = [], _CHUNK
