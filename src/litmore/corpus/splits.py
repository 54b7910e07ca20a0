"""Which words train, which validate, which test."""

import math
from collections.abc import Sequence

import torch

from litmore.corpus.corpus import Corpus
from litmore.errors import InputError

SPLITS = ("train", "val", "test")


def cuts(number: int, ratios: Sequence[float], what: str = "words") -> tuple[int, int, int]:
    """Where each part ends: `int(.8 n)`, `int(.9 n)` and `n`, as the lecture cuts.

    Raises:
        InputError: the ratios are no three shares of 1, or a share that is not 0 comes out empty.

    """
    text = ", ".join(map(str, ratios))
    if len(ratios) != len(SPLITS) or any(not 0 <= ratio <= 1 for ratio in ratios):
        raise InputError(f"--data.split [{text}]: give three ratios between 0 and 1")
    if not math.isclose(sum(ratios), 1, abs_tol=1e-9):
        raise InputError(
            f"--data.split [{text}]: sums to {sum(ratios):g}; the ratios must sum to 1"
        )
    if ratios[0] == 0:
        raise InputError(f"--data.split [{text}]: leaves nothing to train on")
    ends = tuple(int(_as_written(sum(ratios[: i + 1])) * number) for i in range(len(ratios)))
    for name, ratio, first, last in zip(SPLITS, ratios, (0, *ends), ends, strict=False):
        if ratio > 0 and first == last:
            raise InputError(
                f"--data.split [{text}]: {name} comes out empty, {number} {what} are too few"
            )
    return ends[0], ends[1], number


def _as_written(share: float) -> float:
    """0.9 for 0.7 + 0.2, which floats make 0.8999…, or a word would be lost to the next part."""
    written = round(share, 9)
    return written if math.isclose(share, written, rel_tol=0, abs_tol=1e-12) else share


def cut_into_splits(corpus: Corpus, ratios: Sequence[float], seed: int) -> dict[str, Corpus]:
    """Shuffle the words into one new storage and cut that into views: train, val and test."""
    shuffled = corpus.shuffled(seed)
    if shuffled.times is None:
        ends = cuts(len(corpus), ratios)
    else:  # of all that the words count, each its share
        counted = shuffled.times.cumsum(0)
        shares = torch.tensor(cuts(int(counted[-1]), ratios, "in all"))
        ends = tuple(torch.searchsorted(counted, shares, right=True).tolist())
        for name, ratio, first, last in zip(SPLITS, ratios, (0, *ends), ends, strict=False):
            if ratio > 0 and first == last:
                raise InputError(
                    f"--data.split: {name} comes out empty, a word weighs more than its share"
                )
    starts = (0, *ends[:-1])
    return {
        name: shuffled[first:last] for name, first, last in zip(SPLITS, starts, ends, strict=True)
    }
