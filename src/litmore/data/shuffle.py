"""`random.Random(seed).shuffle`, to the word, as array operations.

The lectures' splits come from the standard library's shuffle; a corpus of millions of words should
not wait for a Python loop over them.
"""

import random

import numpy as np


def shuffled(n: int, seed: int) -> np.ndarray:
    """Int64[n]: the order in which `random.Random(seed).shuffle` leaves 0, 1, … n − 1.

    It swaps the places i and jᵢ ≤ i, for i from n − 1 down to 1. So what ends up at place i is what
    stood at jᵢ at that time: whatever the last swap before it with that place, the one at the least
    i' > i with jᵢ' = jᵢ, had brought there from place i'; and so on back to a place that nothing
    was swapped with before.
    """
    if n < 2:
        return np.arange(n)
    place = np.arange(n)
    j = np.concatenate(([-1], _draws(n, random.Random(seed))[::-1]))
    order = 1 + np.argsort(j[1:], kind="stable")  # the swaps, those with the same place together
    first_with = np.ones(n - 1, dtype=bool)
    first_with[1:] = j[order[1:]] != j[order[:-1]]

    before = np.full(n, -1)  # of each swap: the last one before it with the same place jᵢ
    before[order[:-1][~first_with[1:]]] = order[1:][~first_with[1:]]
    last_with = np.full(n, -1)  # of each place: the last swap of all with it
    last_with[j[order[first_with]]] = order[first_with]

    # What stands at place i when its own turn comes: what the swap before brought, from its place.
    came_from = np.where(last_with == place, before, last_with)
    content = np.where(came_from < 0, place, came_from)
    while not np.array_equal(further := content[content], content):
        content = further
    final = np.where(before < 0, j, content[before])
    final = np.where(j == place, content, final)
    final[0] = content[last_with[0]] if last_with[0] >= 0 else 0
    return final


def _draws(n: int, source: random.Random) -> np.ndarray:
    """Int32[n − 1]: what `source` draws below n, below n − 1, … below 2.

    For a number below n it takes as many bits as n has, from the top of the generator's next 32,
    and tries again where that is too many.
    """
    draws = []
    while n > 1:
        bits = n.bit_length()
        wanted = n - max(2 ** (bits - 1), 2) + 1  # this many bounds have so many bits
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
        draws.append(numbers[at])
        n -= len(at)
        source.setstate(state)  # and go on after the last one taken
        source.getrandbits(32 * (int(at[-1]) + 1 if len(at) else tries))
    return np.concatenate(draws)
