"""All of them, into docs/performance.md: `make bench`; some, `make bench ARGS="startup sweep"`.

`--quick` takes seconds and writes nothing: it shows that they work.
"""

import platform
import sys
import time
from importlib import import_module
from pathlib import Path

import torch

from stopwatch import ROOT, Row

PAGE = ROOT / "docs" / "performance.md"
FIGURE = ROOT / "docs" / "scaling.png"

HEAD = """# Performance

`make bench` measures every row and writes this page, in some half an hour. Each compares litmore
with a reference that does the same in the plainest way, in turns in one run and on one thread:
medians, in brackets the lowest and the highest round. The machine is shared, and another one has
other figures: times are about what they say, and the ratios, taken round by round, say more. A row
that is beyond its bound is marked **missed**.
"""

SECTIONS = {
    "time_to_loss": (
        "Time to a loss",
        "The lecture notebook's loop, whose steps to that loss are counted once and timed in every"
        " round, against `fit` with the MLP of as many parameters.",
    ),
    "time_to_loss_words": (
        "Time to the Transformer's losses",
        "makemore.py's procedure with its Transformer of 204,544 parameters, on the split that it"
        " makes, against `fit` on the same words: nats a character on the 1,000 held out, the"
        " training loops alone. At which step the Transformer is there was found once, looking"
        " every 500; a step is timed in every round. A training that ends above the loss counts as"
        " endless. Those 1,000 words are easier than the validation words of the default split: a"
        " model's loss on them is some 0.04 lower.",
    ),
    "nanogpt": (
        "Beside nanoGPT",
        "Its Transformer of 0.8 M parameters, its procedure for a CPU and its evaluation of tiny"
        " Shakespeare, against `fit` on the same nine tenths, the training loops alone; an"
        " iteration is timed in every round, and a training that ends above the loss counts as"
        " endless. Then what two minutes of two cores come to, start-up included:"
        " [shakespeare.md](shakespeare.md).",
    ),
    "sweep": (
        "A sweep's trial",
        "A trial is a `fit` in a process of its own, which reports to the study from a thread and"
        " at validations.",
    ),
    "step_overhead": (
        "The Trainer's share of a step",
        "A plain loop over the same module and optimizer against `fit` with progress bar,"
        " TensorBoard and checkpoints. The last rows undo one saving at a time: the step without"
        " it against the step with it.\n\nThe lectures' MLP trains on plain batches of 32. When"
        " litmore took 50 steps within one batch of the Trainer's, a step cost about 1.2 times the"
        " plain loop's; one step a batch costs what the first row says, about 50 seconds more in"
        " the lecture's 200,000 steps. That is right all the same: there is one training loop"
        " instead of two, the Trainer's flags all mean what they say, and every callback sees"
        " every step.",
    ),
    "alphabets": (
        "Alphabets of thousands",
        "`fit` of `configs/mlp.yaml`, start-up but for imports, checkpoints and pictures included,"
        " against the same without TensorBoard; and a step against a plain loop's.",
    ),
    "step_cost": (
        "What a step is made of",
        "The reference is what a step of `configs/mlp.yaml` cannot do without: forward's and"
        " backward's matrix products, at the machine's rate for these shapes. What is beside them"
        " is tanh, softmax, indexing and the calls from Python.",
    ),
    "sampling": ("Sampling", "The notebook's loop over the same weights."),
    "prepare": (
        "Preparing data",
        "The notebook's lists; then ten million words, of which files are memory-mapped"
        " ([storage.md](storage.md#files-larger-than-memory)).",
    ),
    "running_text": (
        "Running text",
        "A million characters against a hundred million: a file from beginning to end, then what"
        " training asks for.",
    ),
    "ngram": (
        "Counting n-grams",
        "Kneser–Ney in plain dictionaries against the whole `fit` of `configs/ngram.yaml` without"
        " files, the losses being the same; then the seconds of the model's own steps.",
    ),
    "startup": (
        "Start",
        "What has to be imported anyway. Drawing names with litmore's own models does without"
        " Lightning.",
    ),
    "scaling": (
        "Scaling",
        "The smallest corpus and the largest, both litmore's: a step over the whole table grows"
        " with its contexts alone, of which there can be V³.",
    ),
}


def machine() -> str:
    """What a section was measured on; the page keeps those of others."""
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text().splitlines() if cpus.is_file() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return (
        f"{len(names)} × {names[0] if names else platform.processor()}, {platform.system()},"
        f" Python {platform.python_version()}, torch {torch.__version__}; one thread."
    )


def table(rows: list[Row]) -> str:
    """As Markdown."""
    lines = [
        "| | reference, about | litmore, about | ratio | bound |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        bound = f"{row.bound} **missed**" if row.missed else row.bound
        lines.append(
            f"| {row.question} | {row.reference} | {row.litmore} | {row.ratio} | {bound} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run them one after the other."""
    quick = "--quick" in sys.argv
    wanted = [name for name in sys.argv[1:] if name != "--quick"] or list(SECTIONS)
    if unknown := [name for name in wanted if name not in SECTIONS]:
        sys.exit(f"{unknown[0]}: no such section; there are {', '.join(SECTIONS)}")
    began = time.monotonic()
    _, *written = PAGE.read_text().split("\n## ") if PAGE.exists() else [""]
    sections = {text.split("\n")[0]: text for text in written}
    for name, (title, text) in SECTIONS.items():
        if not (Path(__file__).parent / f"{name}.py").exists():  # its wing was pulled down
            sections.pop(title, None)
            continue
        if name not in wanted:
            continue
        print(f"— {name} ({time.monotonic() - began:.0f} s)", flush=True)
        extra = {"figure": FIGURE} if name == "scaling" and not quick else {}
        rows = import_module(name).measure(quick, **extra)
        section = (
            f"{title}\n\n`python benchmarks/{name}.py`. {text}\n\n{table(rows)}\n\n{machine()}\n"
        )
        sections[title] = section + ("\n![Seconds against words](scaling.png)\n" if extra else "")
        if not quick:
            titles = [title for title, _ in SECTIONS.values() if title in sections]
            written = [sections[title].rstrip("\n") + "\n" for title in titles]
            PAGE.write_text("\n## ".join([HEAD, *written]))
    print(f"done in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
