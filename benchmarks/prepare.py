"""From the file to what a batch is gathered from: how long, and how much memory?

Beside the notebook's lists of 32 thousand names; then ten million words, made with `CountBigram`,
in a process of their own whose peak is measured.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import torch

import notebook
from litmore.data import NamesDataModule
from litmore.models import CountBigram
from litmore.sampling import sample
from side_by_side import ratio, spread
from stopwatch import Row, scratch

CHILD = """
import json, sys, time
from litmore.data import NamesDataModule
from litmore.data.views import Windows
import torch
torch.set_num_threads(1)
def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024
before, began = peak(), time.perf_counter()
data = NamesDataModule(sys.argv[1], block_size=3)
view = Windows(data.splits["train"], 3)
view[torch.arange(32)]
print(json.dumps({"seconds": time.perf_counter() - began, "bytes": peak() - before}))
"""


def make_words(path: Path, number: int) -> None:
    """So many words of the count bigram's, one a line."""
    data = NamesDataModule(block_size=1)
    model = CountBigram(data.vocabulary.characters).eval()
    x, y = data.view_of(data.corpus)[torch.arange(data.corpus.num_examples)]
    one = torch.ones((), dtype=torch.float64)
    model.counts.index_put_((x[:, 0], y), one, accumulate=True)
    generator = torch.Generator().manual_seed(0)
    with path.open("w") as file:
        for word in sample(model, number, generator=generator):
            file.write((word or "a") + "\n")


def prepared(path: Path) -> dict[str, float]:
    """Seconds and peak bytes of a process that prepares this file."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path)],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    return json.loads(done.stdout)


def measure(quick: bool = False) -> list[Row]:
    """Measure and print."""
    torch.set_num_threads(1)
    path = NamesDataModule().path
    theirs, ours = [], []
    for _ in range(1 if quick else 7):
        began = time.perf_counter()
        notebook.prepare(path)
        theirs.append(time.perf_counter() - began)
        began = time.perf_counter()
        data = NamesDataModule(str(path), block_size=3)
        for name in data.splits:
            data.view_of(data.splits[name])
        ours.append(time.perf_counter() - began)
    rows = [
        Row("preparing 32,257 names", spread(theirs), spread(ours), ratio(theirs, ours), "≥ 25")
    ]
    number = 20_000 if quick else 10_000_000
    with scratch() as folder:
        words = folder / "words.txt"
        make_words(words, number)
        found = [prepared(words) for _ in range(1 if quick else 3)]
        size = words.stat().st_size
    seconds = [each["seconds"] for each in found]
    bytes_ = max(each["bytes"] for each in found) / size
    rows.append(Row(f"preparing {number:,} words", "", spread(seconds), "", "< 10 s"))
    rows.append(Row("… and its peak", "", f"{bytes_:.1f} bytes a character", "", "< 16"))
    for row in rows:
        print(f"{row.question}: {row.reference} against {row.litmore} {row.ratio}")
    return rows


if __name__ == "__main__":
    measure(quick="--quick" in sys.argv)
