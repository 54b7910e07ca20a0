"""An order of too many examples to be held in memory: computed place by place.

A Feistel network (Luby and Rackoff, 1988) turns any keyed function of half the bits of a number
into a bijection of all of them; what falls outside 0 … n − 1 is sent through again until it does
not (cycle walking: Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002).
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

_ROUNDS = 8
"""Even, as the halves change sides; Luby and Rackoff need 4 of a perfect function."""


@dataclass(frozen=True)
class Permutation:
    """The numbers 0 … n − 1 in a pseudo-random order; any run of it in the memory of that run.

    Args:
        n: at least 2.
        keys: uint64[8], what the order is a function of.

    """

    n: int
    keys: np.ndarray

    @classmethod
    def of(cls, n: int, *seeds: int) -> "Permutation":
        """The order that some numbers stand for."""
        return cls(n, np.random.SeedSequence(seeds).generate_state(_ROUNDS, np.uint64))

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, places: slice) -> Int[Tensor, " B"]:
        number = self._bijection(np.arange(*places.indices(self.n), dtype=np.uint64))
        while len(outside := np.flatnonzero(number >= self.n)):
            number[outside] = self._bijection(number[outside])
        return torch.from_numpy(number.astype(np.int64))

    def _bijection(self, number: np.ndarray) -> np.ndarray:
        """Of all numbers that have no more bits than n − 1 has."""
        bits = (self.n - 1).bit_length()
        right_bits = np.uint64(bits // 2)
        left_bits = np.uint64(bits) - right_bits
        left, right = number >> right_bits, number & _ones(right_bits)
        for key in self.keys:
            left, right = right, left ^ (_mixed(right, key) & _ones(left_bits))
            left_bits, right_bits = right_bits, left_bits
        return left << right_bits | right


def _ones(bits: np.uint64) -> np.uint64:
    return (np.uint64(1) << bits) - np.uint64(1)


def _mixed(number: np.ndarray, key: np.uint64) -> np.ndarray:
    """The last step of SplitMix64 (Steele, Lea and Flood, 2014): every bit of it from all bits."""
    z = number ^ key
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)
