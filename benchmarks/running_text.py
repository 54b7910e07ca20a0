"""What does a hundred times as much running text cost? Preparing it, and a batch of it.

Of 100 million characters: in a process of their own, whose peak is measured, from the file to the
first batch: memory-mapped the first time and the second, and read into memory. Then the beginning
of an epoch and a batch of 32 windows, beside those of a million characters.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np

from litmore.data import TextDataModule
from prepare import CHILD, prepared
from side_by_side import ratio, side_by_side, spread
from stopwatch import Row, scratch, shown

OF_TEXT = (
    CHILD.replace("NamesDataModule(sys.argv[1], block_size=3,", "TextDataModule(sys.argv[1],")
    .replace("NamesDataModule", "TextDataModule")
    .replace('view = Windows(data.splits["train"], 3)', "next(iter(data.train_dataloader()))")
    .replace("view[torch.arange(32)]", "")
)


def made_text(path: Path, number: int) -> Path:
    """So many characters: the embedded names in random order, some of them on a line."""
    words = TextDataModule().source.file.read_text().split()
    generator = np.random.default_rng(0)
    with path.open("w") as file:
        left = number
        while left:
            some = generator.choice(words, 100_000)
            ends = generator.choice([" ", " ", " ", ", ", ".\n"], len(some))
            text = "".join(word + end for word, end in zip(some, ends, strict=True))[:left]
            left -= file.write(text)
    return path


def batches(path: Path) -> tuple[Callable[[], object], Callable[[], object]]:
    """What begins an epoch, and what makes its next batch."""
    loader = TextDataModule(str(path), memory_map=True).train_dataloader()

    def begin() -> object:
        loader.sampler.set_epoch(loader.sampler.epoch + 1)
        return next(iter(loader))

    going = iter(loader)

    def a_batch() -> object:
        nonlocal going
        if (batch := next(going, None)) is None:
            going = iter(loader)
            batch = next(going)
        return batch

    return begin, a_batch


def measure(quick: bool = False) -> list[Row]:
    """Measure and print."""
    small, large = (10_000, 100_000) if quick else (1_000_000, 100_000_000)
    rounds = 1 if quick else 3
    with scratch() as folder, patch.dict(os.environ, LITMORE_CACHE=str(folder / "cache")):
        texts = [made_text(folder / f"{number}.txt", number) for number in (small, large)]
        found: dict[str, list[dict[str, float]]] = {"first": [], "second": [], "memory": []}
        for _ in range(rounds):
            tokens = folder / "tokens"
            found["first"].append(prepared(texts[1], tokens, True, OF_TEXT))
            found["second"].append(prepared(texts[1], tokens, True, OF_TEXT))
            found["memory"].append(prepared(texts[1], tokens, False, OF_TEXT))
            shutil.rmtree(tokens)
        (small_epoch, small_batch), (large_epoch, large_batch) = map(batches, texts)
        calls = {"1": small_epoch, "100": large_epoch, "a 1": small_batch, "a 100": large_batch}
        seconds = side_by_side(calls, rounds)
    names = {
        "first": f"{large:,} characters to the first batch, memory-mapped, the first time",
        "second": "the same, from the cache",
        "memory": "the same, read into memory",
    }
    bounds = {"first": "< 30 s", "second": "< 1 s", "memory": ""}
    rows = []
    for kind, name in names.items():
        of_kind = found[kind]
        taken = spread([each["seconds"] for each in of_kind])
        rows.append(Row(name, "", taken, "", bounds[kind]))
        most = max(each["anonymous"] for each in of_kind)
        bytes_ = f"{most / 2**20:.0f} MiB, {most / large:.1f} bytes a character"
        rows.append(Row("… and its peak, no file's", "", bytes_, ""))
    of_small, of_large = f"of {small:,}", f"and {large:,} characters"
    for name, key in (("the beginning of an epoch", ""), ("a batch of 32 × 64", "a ")):
        one, other = seconds[f"{key}1"], seconds[f"{key}100"]
        question = f"{name} {of_small} {of_large}"
        rows.append(Row(question, spread(one), spread(other), ratio(other, one)))
    return shown(rows)


if __name__ == "__main__":
    measure(quick="--quick" in sys.argv)
