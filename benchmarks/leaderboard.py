"""Every model on one table, into docs/leaderboard.md: `make leaderboard`.

Each run is a `fit` as its row says it, in a process of its own and on one thread; what came of it
is kept in `logs/leaderboard`, so that a call goes on where the last one was stopped. Whatever was
chosen (settings, steps, the best checkpoint, a mixture's weights) was chosen on the validation
split. `--jobs 2` runs two at a time; `--quick` takes seconds and writes nothing: it shows that it
works.
"""

import argparse
import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import torch

import makemore
from litmore.data import Corpus, NamesDataModule
from litmore.models import CharLM
from litmore.models.losses import total_nll
from litmore.runs.checkpoint import load_model, read
from litmore.sampling import sample
from stopwatch import ROOT, scratch
from time_to_loss import cold, corpus, fit_in

PAGE, FIGURE = ROOT / "docs" / "leaderboard.md", ROOT / "docs" / "leaderboard.png"
KEPT = ROOT / "logs" / "leaderboard"
SEEDS = range(5)
NAMES = 10_000
NBSP = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Entry:
    """A row: its name, its flags, of a mixture the entries mixed, and what others report.

    A member that is named again is the next seed's.
    """

    name: str
    flags: str
    members: tuple[str, ...] = ()
    reported: str = ""

    @property
    def folder(self) -> str:
        """What its runs are kept under."""
        return "".join(c if c.isalnum() else "_" for c in self.name.lower())


ENTRIES = [
    Entry("bigram by counting", "--config configs/bigram_counts.yaml"),
    Entry("4-gram, add 0.1", "--config configs/ngram.yaml --data.block_size 3"
          " --model.smoothing 0.1", reported="2.106 test, on 1,000 other words"),
    Entry("6-gram, Kneser–Ney", "--config configs/ngram.yaml"),
    Entry("MLP", "--config configs/mlp.yaml", reported="lecture, part 2: 2.170 val"),
    Entry("bag of words", "--config configs/bag_of_words.yaml"),
    Entry("RNN", "--config configs/rnn.yaml"),
    Entry("GRU, small", "--config configs/gru.yaml --model.embedding_dim 16 --model.hidden_dim 68"
          " --trainer.max_steps 5000"),
    Entry("GRU", "--config configs/gru.yaml"),
    Entry("LSTM", "--config configs/lstm.yaml --trainer.precision bf16-mixed"),
    Entry("LSTM, longer", "--config configs/lstm.yaml --trainer.precision bf16-mixed"
          " --model.dropout 0.4 --trainer.max_steps 2500"),
    Entry("WaveNet", "--config configs/wavenet.yaml", reported="lecture, part 5: 1.993 val"),
    Entry("Transformer", "--config configs/transformer.yaml",
          reported="makemore's README: ~1.92 test, on its own split"),
    Entry("6-gram + MLP", "--config configs/trained/mixture.yaml", ("6-gram, Kneser–Ney", "MLP")),
    Entry("6-gram + GRU + Transformer", "--config configs/trained/mixture.yaml",
          ("6-gram, Kneser–Ney", "GRU", "Transformer")),
    Entry("all of the six best", "--config configs/trained/mixture.yaml",
          ("6-gram, Kneser–Ney", "MLP", "WaveNet", "GRU", "LSTM", "Transformer")),
    Entry("6-gram + WaveNet + Transformer + three LSTMs", "--config configs/trained/mixture.yaml",
          ("6-gram, Kneser–Ney", "WaveNet", "Transformer", "LSTM", "LSTM", "LSTM")),
    Entry("6-gram + three LSTMs + two longer", "--config configs/trained/mixture.yaml",
          ("6-gram, Kneser–Ney", "LSTM", "LSTM", "LSTM", "LSTM, longer", "LSTM, longer")),
]  # fmt: skip
"""In the order of the table; a mixture after what it mixes."""

LOCKS: dict[Path, Lock] = defaultdict(Lock)

BY_NAME = {entry.name: entry for entry in ENTRIES}


@dataclass(frozen=True)
class Split:
    """Which words train, and which are held out."""

    name: str
    title: str
    flags: tuple[str, ...]
    shown: str = ""


def splits(folder: Path) -> list[Split]:
    """The lectures' own, without words on both sides, and makemore's."""
    path, _, overlay = corpus()
    folder.mkdir(parents=True, exist_ok=True)
    data = " ".join(overlay).replace(f"{ROOT}/", "")
    return [
        Split("lecture", "the lectures' split", tuple(overlay), data),
        Split("unique", "each word once", (*overlay, "--data.unique=true"),
              f"{data} --data.unique true"),
        Split("makemore", "makemore.py's split", tuple(makemore.as_litmore(path, folder))),
    ]  # fmt: skip


@dataclass(frozen=True)
class Task:
    """A run that is to be done."""

    entry: Entry
    split: Split
    seed: int
    root: Path

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return self.root / self.split.name / self.entry.folder / str(self.seed)

    @property
    def result(self) -> Path:
        """What came of it; there once it is done."""
        return self.folder / "result.json"

    @property
    def members(self) -> list["Task"]:
        """The runs that a mixture mixes."""
        tasks = []
        for place, name in enumerate(self.entry.members):
            seed = (self.seed + self.entry.members[:place].count(name)) % len(SEEDS)
            tasks.append(Task(BY_NAME[name], self.split, seed, self.root))
        return tasks

    @property
    def checkpoint(self) -> Path:
        """The best of its newest run."""
        return max(self.folder.glob("*/*/checkpoints/best.ckpt"), key=lambda p: p.stat().st_mtime)

    def run(self, more: Sequence[str] = ()) -> dict[str, Any]:
        """Train, judge, keep what came of it; or what was kept."""
        with LOCKS[self.folder]:  # a mixture may want what is on its way
            if not self.result.is_file():
                self._run(more)
            return json.loads(self.result.read_text())

    def _run(self, more: Sequence[str]) -> None:
        for member in self.members:
            member.run(more)
        self.folder.mkdir(parents=True, exist_ok=True)
        flags = [*self.entry.flags.split(), *self.split.flags, *more]
        if self.entry.members:
            files = ",".join(str(member.checkpoint) for member in self.members)
            flags.append(f"--model.members=[{files}]")
        quiet = ("logger", "enable_progress_bar", "enable_model_summary")
        flags += [f"--trainer.{name}=false" for name in quiet]
        _, seconds = fit_in(self.folder, *flags, f"--seed_everything={self.seed}")
        judged = self.folder / "judged.json"
        cold(__file__, "--judge", str(self.checkpoint), str(judged))
        seconds += sum(member.run()["seconds"] for member in self.members)
        self.result.write_text(json.dumps(json.loads(judged.read_text()) | {"seconds": seconds}))


def judge(checkpoint: Path) -> dict[str, Any]:
    """Losses on all splits, sizes, and what names it draws and how fast."""
    torch.set_num_threads(1)
    model = load_model(checkpoint)
    settings = read(checkpoint)["datamodule_hyper_parameters"]
    data = NamesDataModule(**settings | {"batch_size": 1024})
    result: dict[str, Any] = {
        name: loss(model, data, name) for name in data.splits if len(data.splits[name])
    }
    result["parameters"] = sum(each.numel() for each in model.parameters())
    began = time.perf_counter()
    names = list(sample(model, NAMES, generator=torch.Generator().manual_seed(0)))
    result["names_a_second"] = NAMES / (time.perf_counter() - began)
    drawn = Corpus.of(filter(None, names), data.vocabulary)
    result["new"] = 1 - float(data.corpus.known(drawn).double().mean())
    return result


@torch.inference_mode()
def loss(model: CharLM, data: NamesDataModule, name: str) -> float:
    """Nats a character."""
    view = data.split_view(name)
    order = view.training_order(0, data.batch_size).order()
    nll, count = 0.0, 0.0
    for first in range(0, len(view), data.batch_size):
        batch = view[order[first : first + data.batch_size]]
        nll += float(total_nll(model(batch.x), batch))
        count += float(batch.num_predicted())
    return nll / count


# The page


def found(split: Split, entry: Entry, root: Path) -> list[dict[str, Any]]:
    """The results that there are, by seed."""
    files = (Task(entry, split, seed, root).result for seed in SEEDS)
    return [json.loads(file.read_text()) for file in files if file.is_file()]


def spread(results: list[dict[str, Any]], name: str) -> str:
    """Mean ± standard deviation."""
    values = [result[name] for result in results if name in result]
    if not values:
        return "–"
    deviation = f"{NBSP}±{NBSP}{statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.4f}{deviation}"


def mean(results: list[dict[str, Any]], name: str) -> float:
    """Over the seeds."""
    return statistics.mean(result[name] for result in results)


def table(split: Split, root: Path) -> Iterator[str]:
    """A split's rows, as Markdown."""
    held_out = ["val", "test"] if split.name != "makemore" else ["its 1,000 words"]
    head = ["", "train", *held_out, "parameters", "seconds", "names a second", "new", "seeds"]
    is_reported = split.name == "lecture"  # theirs is nearest to it
    head += ["reported by others"] if is_reported else []
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for entry in ENTRIES:
        if results := found(split, entry, root):
            losses = ["train", "val", "test"][: 1 + len(held_out)]
            cells = [entry.name, *(spread(results, name) for name in losses)]
            cells += [
                f"{results[0]['parameters']:,}" if results[0]["parameters"] > 1 else "–",
                f"{mean(results, 'seconds'):,.{1 if mean(results, 'seconds') < 10 else 0}f}",
                f"{mean(results, 'names_a_second'):,.0f}",
                f"{mean(results, 'new'):.0%}",
                str(len(results)),
                *([entry.reported] if is_reported else []),
            ]
            yield "| " + " | ".join(cells) + " |"


def commands() -> Iterator[str]:
    """Each row's."""
    yield "| | |"
    yield "| --- | --- |"
    for entry in ENTRIES:
        command = f"python main.py fit {entry.flags}"
        if entry.members:
            command += " --model.members '[RUN, …]'"
        yield f"| {entry.name} | `{command}` |"


def draw(split: Split, root: Path) -> None:
    """The losses against seconds and against parameters; a point's number is its name's."""
    from matplotlib.figure import Figure

    figure = Figure((11, 5), dpi=100)
    panels = figure.subplots(1, 2, sharey=True)
    figure.subplots_adjust(left=0.06, right=0.7, bottom=0.1, top=0.97, wspace=0.06)
    names = []
    for entry in ENTRIES:
        results = found(split, entry, root)
        if not results:
            continue
        names.append(f"{len(names) + 1}  {entry.name}")
        color = "#d1495b" if entry.members else "#2e6f95"
        for axes, what in zip(panels, ("seconds", "parameters"), strict=True):
            x, y = mean(results, what), mean(results, "test")
            if what == "seconds" or x > 1:
                label = {"fontsize": 8, "color": "white", "ha": "center", "va": "center"}
                axes.plot(x, y, "o", color=color, markersize=13)
                axes.text(x, y, str(len(names)), **label)
    for axes, what in zip(panels, ("seconds of training", "parameters"), strict=True):
        axes.set_xscale("log")
        axes.set_xlabel(what)
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    panels[0].set_ylabel("test loss, nats a character")
    panels[0].set_ylim(top=2.2)
    figure.text(0.715, 0.95, "\n".join(names), va="top", fontsize=8, linespacing=1.8)
    figure.savefig(FIGURE)


def page(all_splits: list[Split], root: Path) -> str:
    """docs/leaderboard.md."""
    parts = [HEAD]
    for split in all_splits:
        rows = list(table(split, root))
        if len(rows) > 2:
            flags = f" (`{split.shown}`)" if split.shown else ""
            parts.append(f"## On {split.title}{flags}\n\n{NOTES[split.name]}\n")
            parts.append("\n".join(rows) + "\n")
            if split.name == "lecture":
                parts.append("![Test loss against seconds and parameters](leaderboard.png)\n")
    parts.append("## The commands\n\n" + COMMANDS + "\n\n" + "\n".join(commands()) + "\n")
    return "\n".join(parts)


HEAD = """# The leaderboard

`make leaderboard` trains every row and writes this page; it takes hours, and goes on where it was
stopped. Losses are in nats a character, mean ± standard deviation over the seeds; seconds are those
of the training loop on one thread, validations included, a mixture's with its members'. Machines
differ, and this one was shared: compare seconds by their ratios. "new" is the share of 10,000 drawn
names that stand in no split. What was chosen was chosen on the validation split.

**Counting comes first.** Less than a second of counting, interpolated by Kneser and Ney, is better
than the lectures' MLP and WaveNet (2.105 and 1.993 on validation), than the RNN here, and than
makemore.py's Transformer ever gets. **And counting goes on helping**: mixed as probabilities, the
table and the networks are better than each alone, as they are wrong about different words.
"""

NOTES = {
    "lecture": "182,625 characters of 25,626 words train; 424 of the 3,203 validation words and 377"
    " of the 3,204 test words also stand among them.",
    "unique": "No word stands on two sides: what a model has learnt by heart does not help it.",
    "makemore": "31,033 words train and 1,000 are held out, drawn by makemore.py's own seed. They"
    " have no third split, so these numbers were there to choose by, as in makemore.py; its own"
    " Transformer comes to 1.9646 at best (`benchmarks/makemore.py`), after 15,000 steps.",
}

COMMANDS = """With the split's flags and `--seed_everything` 0 to 4. A mixture's members are the
runs of that seed; of several of one kind, of the seeds that follow."""


def main() -> None:
    """Run what is not there yet, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--quick", action="store_true", help="two rows in seconds; writes nothing")
    parser.add_argument("--page", action="store_true", help="write the page of what is there")
    parser.add_argument("--judge", type=Path, nargs=2, help="a checkpoint; a file for its results")
    args = parser.parse_args()
    if args.judge:
        checkpoint, file = args.judge
        file.write_text(json.dumps(judge(checkpoint)))
        return
    if args.quick:
        with scratch() as folder:
            mixture = Task(BY_NAME["6-gram + MLP"], splits(folder)[0], 0, folder)
            mixture.run(["--data.max_words=2000"])
            print("\n".join(table(mixture.split, folder)))
        return
    all_splits = splits(KEPT)
    if not all_splits[0].flags:
        sys.exit("the page is of the lectures' names.txt: fetch it by configs/data/makemore.yaml")
    if not args.page:
        first, *others = all_splits
        order = [(first, seed) for seed in SEEDS] + [(s, seed) for seed in SEEDS for s in others]
        tasks = [Task(entry, *each, KEPT) for each in order for entry in ENTRIES]
        with ThreadPoolExecutor(args.jobs) as pool:
            for task, result in zip(tasks, pool.map(Task.run, tasks), strict=True):
                row = f"{task.split.name} {task.seed} {task.entry.name}"
                print(f"{row}: {result['val']:.4f}", flush=True)
    draw(all_splits[0], KEPT)
    PAGE.write_text(page(all_splits, KEPT))


if __name__ == "__main__":
    main()
