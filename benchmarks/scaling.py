"""What does a larger corpus cost? A step on `windows`, a full step on `counts`, and preparing both.

The count table stops growing where all contexts have been seen; a step over the whole corpus by
windows would grow for ever. Words are made with `CountBigram`; from some nine million of them on
(64 MiB) the file is memory-mapped, by way of a cache that is empty here.
"""

import os
import statistics
import sys
import time
from pathlib import Path
from unittest.mock import patch

import torch
from torch import nn

from litmore.data import NamesDataModule
from litmore.data.counts import Counts
from litmore.data.views import View, Windows
from litmore.models import MLP
from litmore.models.losses import mean_nll
from prepare import made_words
from stopwatch import Row, scratch

SIZES = (32_000, 100_000, 316_000, 1_000_000, 3_160_000, 10_000_000)


def a_step(view: View, model: nn.Module, examples: int, rounds: int) -> float:
    """Median seconds of a loss and its gradient on so many examples."""
    seconds = []
    for number in range(rounds):
        generator = torch.Generator().manual_seed(number)
        chosen = torch.randint(len(view), (examples,), generator=generator)
        chosen = chosen if examples < len(view) else torch.arange(len(view))
        began = time.perf_counter()
        batch = view[chosen]
        mean_nll(model(batch.x), batch).backward()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def of_size(words: Path, rounds: int) -> dict[str, float]:
    """All figures of one corpus."""
    began = time.perf_counter()
    data = NamesDataModule(str(words), block_size=3)
    train = data.splits["train"]
    windows = Windows(train, 3)
    read = time.perf_counter() - began
    began = time.perf_counter()
    counts = Counts(train, 3)
    counted = time.perf_counter() - began
    model = MLP(data.vocabulary.characters)
    return {
        "examples": len(windows),
        "contexts": len(counts),
        "file to splits": read,
        "splits to counts": counted,
        "a step on 32 windows": a_step(windows, model, 32, 5 * rounds),
        "a step on all counts": a_step(counts, model, len(counts), rounds),
    }


def measure(quick: bool = False, figure: Path | None = None) -> list[Row]:
    """Measure and print; draw the figure there."""
    torch.set_num_threads(1)
    sizes = SIZES[:2] if quick else SIZES
    found = {}
    with scratch() as folder, patch.dict(os.environ, LITMORE_CACHE=str(folder / "cache")):
        words = folder / "words.txt"
        lines = made_words(sizes[-1]).read_text().splitlines(keepends=True)
        for size in sizes:
            words.write_text("".join(lines[:size]))
            found[size] = of_size(words, 2 if quick else 7)
            print(
                f"{size:>10,} words: " + ", ".join(f"{k} {v:.4g}" for k, v in found[size].items())
            )
    if figure is not None:
        draw(found, figure)
    first, last = found[sizes[0]], found[sizes[-1]]
    return [
        Row(f"{name}, of {sizes[0]:,} and {sizes[-1]:,} words", f"{1e3 * first[name]:.3g} ms",
            f"{1e3 * last[name]:.3g} ms", f"{last[name] / first[name]:.2f}")
        for name in ("a step on all counts", "a step on 32 windows", "file to splits",
                     "splits to counts")
    ]  # fmt: skip


def draw(found: dict[int, dict[str, float]], path: Path) -> None:
    """Seconds against words, both in powers of ten."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for name in ("file to splits", "splits to counts", "a step on all counts",
                 "a step on 32 windows"):  # fmt: skip
        axes.plot(list(found), [each[name] for each in found.values()], "o-", label=name)
    axes.set(xscale="log", yscale="log", xlabel="words in the corpus", ylabel="seconds")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    measure(quick="--quick" in sys.argv)
