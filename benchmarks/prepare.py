"""From the file to what a batch is gathered from: how long, and how much memory?

Beside the notebook's lists of 32 thousand names; then ten million words, made with `CountBigram`,
in a process of their own whose peak is measured: read into memory, and memory-mapped the first
time and the second, when their tokens lie in the cache.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import torch

import notebook
from litmore.data import NamesDataModule
from litmore.models import CountBigram
from litmore.sampling import sample
from side_by_side import ratio, spread
from stopwatch import Row, scratch, shown

CHILD = """
import json, sys, threading, time
from litmore.data import NamesDataModule
from litmore.data.views import Windows
import torch
torch.set_num_threads(1)
def status(key):
    return int(open("/proc/self/status").read().split(key + ":")[1].split()[0]) * 1024
most, done = status("RssAnon"), threading.Event()
def watch():  # the kernel keeps the peak of all pages alone, those of files among them
    global most
    while not done.wait(0.002):
        most = max(most, status("RssAnon"))
watcher = threading.Thread(target=watch)
peak, anonymous, began = status("VmHWM"), most, time.perf_counter()
watcher.start()
data = NamesDataModule(sys.argv[1], block_size=3, memory_map=json.loads(sys.argv[2]))
view = Windows(data.splits["train"], 3)
view[torch.arange(32)]
seconds = time.perf_counter() - began
done.set()
watcher.join()
print(json.dumps({"seconds": seconds, "peak": status("VmHWM") - peak,
                  "anonymous": most - anonymous}))
"""


FOLDER = tempfile.TemporaryDirectory()
"""Of the words that were made, for as long as this process lives."""


@cache
def made_words(number: int) -> Path:
    """So many words of the count bigram's, one a line."""
    path = Path(FOLDER.name) / f"{number}.txt"
    data = NamesDataModule(block_size=1)
    model = CountBigram(data.vocabulary.characters).eval()
    x, y = data.view_of(data.corpus)[torch.arange(data.corpus.num_examples)]
    model.tally.add(model.tally.pack(x, y, torch.ones(len(x))))
    generator = torch.Generator().manual_seed(0)
    with path.open("w") as file:
        for word in sample(model, number, generator=generator):
            file.write((word or "a") + "\n")
    return path


def prepared(
    path: Path, tokens: Path, memory_map: bool = True, child: str = CHILD
) -> dict[str, float]:
    """Seconds and peak bytes of a process that prepares this file."""
    done = subprocess.run(
        [sys.executable, "-c", child, str(path), json.dumps(memory_map)],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "LITMORE_CACHE": str(tokens)},
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
        words = made_words(number)
        size = words.stat().st_size
        found: dict[str, list[dict[str, float]]] = {"first": [], "second": [], "memory": []}
        for number_of_round in range(1 if quick else 3):
            tokens = folder / f"cache {number_of_round}"
            found["first"].append(prepared(words, tokens))
            found["second"].append(prepared(words, tokens))
            found["memory"].append(prepared(words, tokens, memory_map=False))
            shutil.rmtree(tokens, ignore_errors=True)
    names = {
        "first": f"preparing {number:,} words, memory-mapped, the first time",
        "second": "the same, from the cache",
        "memory": "the same, read into memory",
    }
    for kind, name in names.items():
        first = kind == "first"
        seconds = spread([each["seconds"] for each in found[kind]])
        rows.append(Row(name, "", seconds, "", "< 10 s" if first else ""))
        for what, text in (("peak", "all"), ("anonymous", "no file's")):
            most = max(each[what] for each in found[kind])
            bound = "< 16 bytes a character" if first and what == "peak" else ""
            bytes_ = f"{most / 2**20:.0f} MiB, {most / size:.1f} bytes a character"
            rows.append(Row(f"… and its peak, {text}", "", bytes_, "", bound))
    return shown(rows)


if __name__ == "__main__":
    measure(quick="--quick" in sys.argv)
