"""Every figure the lectures state, from litmore's own runs: `make lectures`.

Prints the table and writes it to `docs/results.md`. Each row is one command line, run as a user
would; the losses are read from what the runs logged.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from litmore.data import NamesDataModule
from litmore.data.entropy import entropy_floor
from litmore.errors import InputError
from litmore.runs.checkpoint import load_model

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results.md"
MAKEMORE = ROOT / "configs" / "data" / "makemore.yaml"


@dataclass(frozen=True)
class Row:
    """A figure: what the lecture says, what litmore gives, and how near that must be."""

    what: str
    lecture: tuple[float, ...]
    litmore: tuple[float, ...]
    digits: int
    seconds: float
    command: str
    within: float = 0.0

    @property
    def met(self) -> bool:
        """Whether each figure is the lecture's, to the digits shown or within the tolerance."""
        tolerance = self.within or 0.5 * 10.0**-self.digits + 1e-9
        pairs = zip(self.lecture, self.litmore, strict=True)
        return all(abs(lecture - litmore) <= tolerance for lecture, litmore in pairs)

    def cells(self, *, comparable: bool) -> list[str]:
        """The row's cells in the table."""
        said, given = (
            " / ".join(f"{value:,.{self.digits}f}" for value in values)
            for values in (self.lecture, self.litmore)
        )
        verdict = ("yes" if self.met else "**no**") if comparable else "–"
        return [self.what, said, given, verdict, f"{self.seconds:.1f}", f"`{self.command}`"]


class Run:
    """One `fit` of a lecture config, in a folder that goes away."""

    def __init__(self, config: str, data: Sequence[str], folder: Path, *more: str) -> None:
        args = ["fit", "--config", f"configs/lecture/{config}.yaml", *data, *more]
        self.command = "python main.py " + " ".join(args)
        started = time.perf_counter()
        root = ["--trainer.default_root_dir", str(folder)]
        subprocess.run(
            [sys.executable, "main.py", *args, *root],
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},  # as many as 32 examples keep busy
        )
        self.seconds = time.perf_counter() - started
        self.folder = folder / config / "version_0"
        self.events = EventAccumulator(str(self.folder), {"scalars": 0}).Reload()

    def logged(self, name: str) -> list[float]:
        """All values of a metric, in the order of its steps."""
        return [event.value for event in self.events.Scalars(name)]

    def model(self):
        """The trained model."""
        return load_model(self.folder / "checkpoints" / "last.ckpt")


def rows(data: Sequence[str], module: NamesDataModule, folder: Path, *, long: bool) -> list[Row]:
    """Run everything."""
    return [
        *corpus_rows(data, module),
        *count_rows(data, module, folder),
        *neural_rows(data, folder),
        *overfit_rows(data, module, folder),
        *(mlp_rows(data, folder) if long else []),
    ]


def corpus_rows(data: Sequence[str], module: NamesDataModule) -> list[Row]:
    """What the file and its splits hold."""
    started = time.perf_counter()
    corpus, splits = module.corpus, module.splits
    lengths = corpus.lengths - 1
    words = tuple(len(part) for part in splits.values())
    examples = tuple(part.num_examples for part in splits.values())
    seconds = time.perf_counter() - started
    flags = ["--config", "configs/mlp.yaml", *data, "--print_splits"]
    command = "python main.py fit " + " ".join(flags)
    whole = (len(corpus), int(lengths.min()), int(lengths.max()), corpus.num_examples)
    return [
        Row(
            "words; shortest, longest; bigrams", (32033, 2, 15, 228146), whole, 0, seconds, command
        ),
        Row("split: words", (25626, 3203, 3204), words, 0, seconds, command),
        Row("split: examples at context 3", (182625, 22655, 22866), examples, 0, seconds, command),
    ]


def count_rows(data: Sequence[str], module: NamesDataModule, folder: Path) -> list[Row]:
    """The bigram by counting."""
    unsmoothed = Run("bigram_counts", data, folder / "0", "--model.smoothing=0")
    smoothed = Run("bigram_counts", data, folder / "1")
    model = smoothed.model()
    word = torch.tensor([0, *model.vocabulary.encode("andrejq"), 0])
    andrejq = -model.probabilities().log()[word[:-1], word[1:]].mean()
    losses = (unsmoothed.logged("train/loss")[-1], smoothed.logged("train/loss")[-1])
    seconds = unsmoothed.seconds + smoothed.seconds
    return [
        Row("count bigram on all words, unsmoothed / +1", (2.4540, 2.4546), losses, 4, seconds,
            unsmoothed.command),
        Row("`andrejq` under the +1 counts, nats a character", (3.4834,), (float(andrejq),), 4,
            smoothed.seconds, smoothed.command),
    ]  # fmt: skip


def neural_rows(data: Sequence[str], folder: Path) -> list[Row]:
    """The bigram by gradient descent."""
    run = Run("bigram", data, folder)
    objective = run.logged("train/objective")
    figures = (objective[0], objective[100], objective[200])
    return [
        Row("neural bigram, loss + penalty: before the first update, after 100, after 200",
            (3.7686, 2.4900, 2.4830), figures, 4, run.seconds, run.command),
    ]  # fmt: skip


def overfit_rows(data: Sequence[str], module: NamesDataModule, folder: Path) -> list[Row]:
    """The first five words as one batch."""
    run = Run("overfit", data, folder, "--trainer.max_steps=2001")
    losses = run.logged("train/loss")
    note = min(range(len(losses)), key=lambda step: abs(losses[step] - 0.25521))
    parameters = sum(p.numel() for p in run.model().parameters())
    five = module.view_of(module.corpus[:5])
    floor = entropy_floor(five[torch.arange(len(five))])
    return [
        Row("MLP, embedding 2, hidden 100: parameters", (3481,), (parameters,), 0, run.seconds,
            run.command),
        Row("overfitting 5 words: first loss", (17.7697,), (losses[0],), 4, run.seconds,
            run.command),
        Row("… after 1,000 updates", (0.2561,), (losses[1000],), 4, run.seconds, run.command),
        Row(f"… the notes' figure (here after {note:,})", (0.25521,), (losses[note],), 5,
            run.seconds, run.command),
        Row("… the floor of any model of 3 characters", (0.25147,), (floor,), 5, run.seconds,
            run.command),
    ]  # fmt: skip


def mlp_rows(data: Sequence[str], folder: Path) -> list[Row]:
    """The long one: 200,000 minibatches."""
    run = Run("mlp", data, folder)
    model = run.model()
    parameters = sum(p.numel() for p in model.parameters())
    module = NamesDataModule(**dict(load_data_settings(run.folder)))
    view = module.view_of(module.splits["train"])
    with torch.inference_mode():
        x, y = view[torch.arange(len(view))]
        train = float(torch.nn.functional.cross_entropy(model(x), y))
    figures = (train, run.logged("val/loss")[-1])
    return [
        Row("MLP 10/200: parameters", (11897,), (parameters,), 0, run.seconds, run.command),
        Row("MLP 10/200 after 200,000 minibatches of 32: train, validation", (2.126, 2.170),
            figures, 3, run.seconds, run.command, within=0.02),
    ]  # fmt: skip


def load_data_settings(folder: Path) -> dict:
    """What the run recorded of its data."""
    checkpoint = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    return checkpoint["datamodule_hyper_parameters"]


def table(rows: Sequence[Row], *, comparable: bool) -> str:
    """The rows as Markdown."""
    head = ["figure", "lecture", "litmore", "met", "seconds", "command"]
    lines = [head, ["---"] * len(head), *(row.cells(comparable=comparable) for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def makemore() -> tuple[list[str], NamesDataModule] | None:
    """The lectures' own file, as flags and as data; None where it cannot be had."""
    import yaml

    settings = yaml.safe_load(MAKEMORE.read_text())["data"]
    module = NamesDataModule(**settings)
    try:
        _ = module.path
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return None
    return ["--config", str(MAKEMORE.relative_to(ROOT))], module


def main() -> int:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--skip_long", action="store_true", help="leave the 200,000 steps out")
    args = parser.parse_args()
    found = makemore()
    data, module = found or ([], NamesDataModule())
    with tempfile.TemporaryDirectory() as folder:
        figures = rows(data, module, Path(folder), long=not args.skip_long)
    written = table(figures, comparable=found is not None)
    sys.stdout.write(written + "\n")
    if not args.skip_long:
        RESULTS.write_text(document(written, comparable=found is not None))
    missed = [row.what for row in figures if not row.met] if found else []
    if missed:
        sys.stderr.write(f"not met: {'; '.join(missed)}\n")
    return int(bool(missed))


def document(written: str, *, comparable: bool) -> str:
    """`docs/results.md`."""
    corpus = (
        "All rows are of the lectures' own `names.txt` (`configs/data/makemore.yaml`)."
        if comparable
        else "The lectures' own `names.txt` could not be had: these rows are of the embedded names,"
        " and are not to be compared with the lectures'."
    )
    return f"""# The lectures' figures

`make lectures` runs every row and writes this page. {corpus}
Deterministic figures are met when they agree in the digits shown, the 200,000-minibatch run when it
is within 0.02. The seconds are those of the whole command, Python's start included.

{written}

The notes that this project starts from give 32,033 as the size of the *training* set. It is the
whole file; 25,626 of its words train.
"""


if __name__ == "__main__":
    sys.exit(main())
