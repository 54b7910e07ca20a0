"""What follows a context, by interpolating its own counts with those of ever shorter ones.

Letters: B batch, K context length, V vocabulary, U distinct rows, C contexts of one length, E their
entries: the pairs of such a context and a token seen after it.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class Depth(NamedTuple):
    """The contexts of k tokens: the nodes of depth k."""

    keys: Int[Tensor, " C"]
    """Its parent's number · V + its oldest token; sorted, and its place here is its number."""
    first: Int[Tensor, " C_and_1"]
    """Where its entries begin."""
    entries: Int[Tensor, " E"]
    """A context's number · V + the token seen after it; sorted."""
    share: Float[Tensor, " E"]
    """What the entry itself adds to the token's probability."""
    rest: Float[Tensor, " C"]
    """The share of what shorter contexts say."""


class ContextTree:
    """The contexts as a tree: the parent of each is the same without its oldest token.

    Interpolated modified Kneser–Ney: a count n is lowered by a discount for n = 1, 2 or more, and
    what was taken away is dealt out as the shorter context says. The count of a shorter context's
    entry is how many different tokens stand before it; what pads a word's beginning is such a
    token, too. Under the shortest context lies the uniform distribution.

    Source: Chen & Goodman 1998, "An Empirical Study of Smoothing Techniques for Language Modeling".

    Args:
        contexts: the oldest token first; sorted by the newest first, with `following` distinct.
        following: the token after each.
        times: how often that was seen, above 0.
        vocab_size: V.
        smoothing: added to each count of the whole contexts, in place of all of this.

    """

    def __init__(
        self,
        contexts: Int[Tensor, "U K"],
        following: Int[Tensor, " U"],
        times: Int[Tensor, " U"],
        vocab_size: int,
        smoothing: float | None = None,
    ) -> None:
        self.vocab_size = vocab_size
        self._depths: list[Depth] = []
        if not len(contexts):
            return
        node, keys = np.zeros(len(contexts), np.int64), [np.zeros(1, np.int64)]
        for token in contexts.numpy().T[::-1]:
            key = node * vocab_size + token
            new = _changes(key)
            keys.append(key[new])
            node = new.cumsum() - 1
        entries, counts = node * vocab_size + following.numpy(), times.numpy()
        for key in reversed(keys):
            self._depths.insert(0, _depth(key, entries, counts, vocab_size, smoothing))
            if smoothing is not None:
                entries = entries[:0]  # shorter contexts say nothing
            parent = key[entries // vocab_size] // vocab_size
            shorter = parent * vocab_size + entries % vocab_size
            entries, counts = np.unique(shorter, return_counts=True)

    def probabilities(self, x: Int[Tensor, "B _"]) -> Float[Tensor, "B V"]:
        """From the shortest context on, as long as the tree knows it; shared ones once.

        Args:
            x: the oldest token first; fewer than K, where no more is known.

        """
        found = x.new_empty(len(x), self.vocab_size, dtype=torch.float)
        row = torch.arange(len(x), device=x.device)  # those whose context is known so far
        at = torch.zeros_like(row)  # of each such row, among M nodes
        node = at.new_zeros(1)  # (M,)
        p = x.new_full((1, self.vocab_size), 1 / self.vocab_size, dtype=torch.float)  # (M, V)
        for k, on_cpu in enumerate(self._depths[: x.shape[1] + 1]):
            depth = Depth(*(each.to(x.device) for each in on_cpu))
            if k:
                key = node[at] * self.vocab_size + x[row, -k]
                child, known = _look_up(depth.keys, key)
                found[row[~known]] = p[at[~known]]
                row, above = row[known], at[known]
                node, at = child[known].unique(return_inverse=True)
                p = p[torch.empty_like(node).scatter_(0, at, above)]
            p = p * depth.rest[node, None]
            first, number = depth.first[node], depth.first[node + 1] - depth.first[node]
            of = torch.arange(len(node), device=x.device).repeat_interleave(number)  # each entry
            entry = torch.arange(len(of), device=x.device) + (first - number.cumsum(0) + number)[of]
            p[of, depth.entries[entry] % self.vocab_size] += depth.share[entry]
        found[row] = p[at]
        return found

    def graph_of_probabilities(self, x: Int[Tensor, "B K"]) -> Float[Tensor, "B V"]:
        """`probabilities`, whose shapes hang on x's alone, as those of an exported graph must."""
        p = torch.full((x.shape[0], self.vocab_size), 1 / self.vocab_size)
        node, is_known = torch.zeros_like(x[:, 0]), torch.ones_like(x[:, :1], dtype=torch.bool)
        for k, depth in enumerate(self._depths):
            if k:
                node, found = _look_up(depth.keys, node * self.vocab_size + x[:, -k])
                is_known = is_known & found[:, None]
            longer = p * depth.rest[node, None]
            if len(depth.entries):
                wanted = node[:, None] * self.vocab_size + torch.arange(self.vocab_size)
                entry, found = _look_up(depth.entries, wanted)  # (B, V)
                longer = longer + depth.share[entry].where(found, 0.0)
            p = longer.where(is_known, p)
        return p


def _look_up(
    keys: Int[Tensor, " N"], wanted: Int[Tensor, "*shape"]
) -> tuple[Int[Tensor, "*shape"], Bool[Tensor, "*shape"]]:
    """Where among the sorted ones, and whether it is one of them."""
    place = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
    return place, keys[place] == wanted


def _depth(
    keys: Int[np.ndarray, " C"],
    entries: Int[np.ndarray, " E"],
    counts: Int[np.ndarray, " E"],
    vocab_size: int,
    smoothing: float | None,
) -> Depth:
    """Of entries `node · V + token`, sorted."""
    node = entries // vocab_size
    total = np.bincount(node, counts, len(keys))
    if smoothing is None:
        taken = discounts(counts)[counts.clip(max=3) - 1]
        dealt = np.bincount(node, taken, len(keys))
    else:
        taken, dealt = np.zeros(len(entries)), np.full(len(keys), smoothing * vocab_size)
        total = total + dealt
    rest = np.divide(dealt, total, out=np.ones(len(keys)), where=total > 0)
    return Depth(
        torch.from_numpy(keys),
        torch.from_numpy(np.searchsorted(node, np.arange(len(keys) + 1))),
        torch.from_numpy(entries),
        torch.from_numpy((counts - taken) / total[node]).float(),
        torch.from_numpy(rest).float(),
    )


def discounts(counts: Int[np.ndarray, " E"]) -> Float[np.ndarray, " 3"]:
    """Of the counts 1, 2, and 3 or more, by how many there are of 1 to 4; half where they fail."""
    n = np.bincount(counts.clip(max=5), minlength=6)[1:5].astype(float)
    i = np.arange(1, 4)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = i - (i + 1) * (n[0] / (n[0] + 2 * n[1])) * n[1:] / n[:-1]
    return np.where((found > 0) & (found < i), found, i / 2)


def _changes(values: Int[np.ndarray, " N"]) -> Bool[np.ndarray, " N"]:
    """Where a value is another than the one before."""
    return np.concatenate([np.ones(1, bool), values[1:] != values[:-1]])
