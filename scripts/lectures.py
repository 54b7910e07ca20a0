"""Every figure the lectures state, from litmore's own runs: `make lectures`.

Prints the table and writes it to `docs/results.md`. A row is a command line, run as a user would,
whose losses are read from what the run logged; or litmore's model on the lecture's own batches.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml

from lecture_trainings import ROOT, Notebook, Run, split_loss
from litmore.data import NamesDataModule, TextDataModule
from litmore.data.entropy import entropy_floor
from litmore.errors import InputError

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


def rows(data: Sequence[str], module: NamesDataModule, folder: Path, *, long: bool) -> list[Row]:
    """Run everything."""
    return [
        *corpus_rows(data, module),
        *count_rows(data, module, folder),
        *neural_rows(data, folder),
        *overfit_rows(data, module, folder),
        *notebook_rows(module, long=long),
        *shakespeare_rows(folder),
        *(row for training in LONG if long for row in long_rows(data, module, folder, *training)),
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


LONG = (
    ("mlp", "part 2: MLP 10/200", (2.1260, 2.1701)),
    ("part3_scaled", "part 3: its weights scaled", (2.0377, 2.1070)),
    ("part3_batchnorm", "part 3: with batch norm", (2.0674, 2.1057)),
    ("part5_flat", "part 5: 8 characters, flat", (1.918, 2.027)),
    ("part5_wavenet", "part 5: hierarchical 10/68", (1.912, 2.022)),
    ("part5_wavenet_large", "part 5: hierarchical 24/128", (1.7690, 1.9937)),
)
"""The configs of 200,000 minibatches, and the lectures' losses on train and validation."""


def long_rows(
    data: Sequence[str],
    module: NamesDataModule,
    folder: Path,
    config: str,
    what: str,
    losses: tuple[float, float],
) -> list[Row]:
    """A training of 200,000 minibatches, on litmore's own draws of them."""
    run = Run(config, data, folder)
    figures = (split_loss(run.model(), module, "train"), run.logged("val/loss")[-1])
    return [
        Row(f"{what} after 200,000 minibatches of litmore's: train, validation", losses, figures,
            3, run.seconds, run.command, within=0.02),
    ]  # fmt: skip


def notebook_rows(module: NamesDataModule, *, long: bool) -> list[Row]:
    """Parts 3 and 5 on the notebooks' own batches."""
    mlp = Notebook("mlp", module)
    norm, deep = Notebook("part3_batchnorm", module), Notebook("part3_deep", module)
    flat, tree = Notebook("part5_flat", module), Notebook("part5_wavenet", module)
    large = Notebook("part5_wavenet_large", module)

    def row(
        what: str, lecture: tuple[float, ...], figures: Sequence[float], digits: int, of: Notebook
    ) -> Row:
        command = "python scripts/lectures.py"
        return Row(what, lecture, tuple(figures), digits, of.seconds, command)

    return [
        row("part 2: MLP 10/200: parameters", (11897,), [mlp.size], 0, mlp),
        row("part 3: MLP with batch norm: parameters", (12097,), [norm.size], 0, norm),
        row("… on the notebook's batches: loss at step 0", (3.3239,), [norm.until(0)], 4, norm),
        row("… at step 10,000", (2.0322,), [norm.until(10_000)], 4, norm),
        row("part 3: five tanh layers with batch norm: parameters", (47024,), [deep.size], 0, deep),
        row("… on the notebook's batches: loss at step 0", (3.2870,), [deep.until(0)], 4, deep),
        row("… at step 1,000: saturated, % of each tanh layer", (2.78, 2.56, 2.25, 1.69, 1.88),
            deep.saturated(1000), 2, deep),
        row("… after it, by the running averages: train, validation", (2.4003, 2.3982),
            [split_loss(deep.model, module, split) for split in ("train", "val")], 4, deep),
        row("part 5: 8 characters, flat: parameters", (22097,), [flat.size], 0, flat),
        row("part 5: hierarchical 10/68: parameters", (22397,), [tree.size], 0, tree),
        row("part 5: hierarchical 24/128: parameters", (76579,), [large.size], 0, large),
        row("… on the notebook's batches: loss at step 0", (3.3167,), [large.until(0)], 4, large),
        *([row("… at step 10,000", (2.0576,), [large.until(10_000)], 4, large)] if long else []),
    ]  # fmt: skip


def shakespeare_rows(folder: Path) -> list[Row]:
    """The GPT lecture's bigram on running text; none where the text cannot be had."""
    settings = yaml.safe_load((ROOT / "configs/lecture/gpt_bigram.yaml").read_text())["data"]
    text = TextDataModule(**settings["init_args"])
    try:
        sizes = [len(text.splits[name]) for name in ("train", "val")]
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return []
    run = Run("gpt_bigram", [], folder, "--trainer.max_steps=2700")
    model = run.model()
    figures = (split_loss(model, text, "train"), run.logged("val/loss")[-1])
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return [
        Row("GPT lecture, bigram on tiny Shakespeare: train, validation characters; vocabulary",
            (1_003_854, 111_540, 65), (*sizes, model.vocab_size), 0, run.seconds, run.command),
        Row("… parameters", (4225,), (parameters,), 0, run.seconds, run.command),
        Row("… after 2,700 of its 3,000 steps: train, validation", (2.4738, 2.4911), figures, 4,
            run.seconds, run.command, within=0.02),
    ]  # fmt: skip


def table(rows: Sequence[Row], *, comparable: bool) -> str:
    """The rows as Markdown."""
    head = ["figure", "lecture", "litmore", "met", "seconds", "command"]
    lines = [head, ["---"] * len(head), *(row.cells(comparable=comparable) for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def makemore() -> tuple[list[str], NamesDataModule] | None:
    """The lectures' own file, as flags and as data; None where it cannot be had."""
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
Deterministic figures are met when they agree in the digits shown, those after 200,000 minibatches
when they are within 0.02: there litmore's loader serves each example once an epoch, where the
notebooks draw with replacement. So are the GPT lecture's losses, which it estimates on 200 batches.
Where a row is on the notebook's own batches, its losses are the notebook's to the digit. The
seconds are those of the whole command, Python's start included, or of the rows before it in the
same training.

{written}

litmore's split is the one of the notebooks of parts 3 to 5: 182,625 / 22,655 / 22,866 examples of
train, validation and test. The notebook of part 2, as it is stored, has another, 182,441 / 22,902 /
22,803, which its 2.1260 / 2.1701 come from. Part 3's losses with batch norm are by the running
averages, as here; the first network's notebook averages the deviation, litmore the variance. Part
4, which has no figures that can be had again, is [gradients by hand](backprop.md).

The notes that this project starts from give 32,033 as the size of the *training* set. It is the
whole file; 25,626 of its words train.
"""


if __name__ == "__main__":
    sys.exit(main())
