"""How long does it take to compare a thousand runs?

`compare` of a thousand runs' summaries, a hundred settings of ten seeds each, beside a process that
does nothing but import what parses its command line; then without the summaries, as older versions
left their runs: config.yaml and TensorBoard's events, of fifty runs.
"""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

from litmore.runs.summary import Summary, read_summary, write
from side_by_side import ratio, spread
from stopwatch import Row, scratch, shown
from time_to_loss import cold

RUNS = 1000
OLDER = 50
SEEDS = 10


def measure(quick: bool = False) -> list[Row]:
    """Measure and print."""
    with scratch() as folder:
        root = f"--trainer.default_root_dir={folder / 'one'}"
        cold("main.py", "fit", "--config", "configs/mlp.yaml", "--trainer.max_steps=20", root)
        one = folder / "one" / "mlp" / "version_0"
        for number in range(RUNS):
            write(made(folder / "logs" / "mlp", number), run(read_summary(one), number))
        for number in range(OLDER):
            older = made(folder / "older" / "mlp", number)
            for file in (*one.glob("events*"), one / "config.yaml"):
                shutil.copy(file, older)
        commands = {
            "import": ("-c", "import litmore.cli"),
            "compare": ("main.py", "compare", str(folder / "logs")),
            "older": ("main.py", "compare", str(folder / "older")),
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(1 if quick else 7):
            for name, command in commands.items():
                seconds[name].append(cold(*command))
    return shown([
        Row(f"`compare`, {RUNS:,} runs", spread(seconds["import"]), spread(seconds["compare"]),
            ratio(seconds["compare"], seconds["import"]), "< 2 s"),
        Row(f"`compare`, {OLDER:,} runs of an older version", spread(seconds["import"]),
            spread(seconds["older"]), ratio(seconds["older"], seconds["import"])),
    ])  # fmt: skip


def made(folder: Path, number: int) -> Path:
    """The folder of a run."""
    path = folder / f"version_{number}"
    path.mkdir(parents=True)
    return path


def run(one: Summary, number: int) -> Summary:
    """One with another seed, learning rate and loss."""
    config = {
        **one.config,
        "seed_everything": number % SEEDS,
        "optimizer": {**one.config["optimizer"], "init_args": {"lr": 1 + number // SEEDS}},
    }
    assert one.best is not None
    return replace(one, config=config, best=one.best + number % 7 / 100, started=number)


if __name__ == "__main__":
    measure(quick="--quick" in sys.argv)
