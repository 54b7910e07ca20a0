"""What do alphabets of thousands cost? Watching a run, and a step of the MLP.

The words are made up: of two to five characters, the n-th as frequent as 1 / (n + 10), and each
character in one word at least.
"""

import random
import sys
import time
from functools import cache
from pathlib import Path

import torch

from prepare import FOLDER
from side_by_side import ratio, spread
from step_overhead import plain_loop
from stopwatch import ROOT, Row, shown, train

STEPS = {27: 5000, 867: 1000, 2640: 500, 16_500: 60}
"""Of each alphabet, so that a run is long enough to be watched."""

NUM_WORDS = 41_000
FIRST = 0x4E00


@cache
def words(size: int) -> Path:
    """A file of words of so many characters."""
    path = Path(FOLDER.name) / f"alphabet_{size}.txt"
    drawn = random.Random(0)
    letters = [chr(FIRST + n) for n in range(size)]
    weights = [1 / (n + 10) for n in range(size)]
    made = {letter + drawn.choices(letters, weights)[0] for letter in letters}
    while len(made) < NUM_WORDS:
        made.add("".join(drawn.choices(letters, weights, k=drawn.randint(2, 5))))
    path.write_text("\n".join(sorted(made)), encoding="utf-8")
    return path


def fit(size: int, steps: int, *more: str) -> float:
    """Seconds of a whole `fit`, pictures and checkpoints included."""
    began = time.perf_counter()
    length = [f"--trainer.max_steps={steps}", f"--trainer.val_check_interval={steps}"]
    config = ROOT / "configs" / "mlp.yaml"
    train(f"--config={config}", f"--data.path={words(size)}", *length, *more)
    return time.perf_counter() - began


def a_step(size: int, batch_size: int, steps: int) -> float:
    """Seconds a step of `fit`."""
    return train(
        "--model=MLP", "--optimizer=AdamW", "--optimizer.lr=0.01", f"--data.path={words(size)}",
        f"--data.batch_size={batch_size}", f"--trainer.max_steps={2 * steps}",
        "--trainer.check_val_every_n_epoch=1000", "--tensorboard.every_n_steps=0",
        "--run_name=mlp",
    ).a_step  # fmt: skip


def measure(quick: bool = False) -> list[Row]:
    """Measure and print."""
    torch.set_num_threads(1)
    rounds, rows = 1 if quick else 3, []
    for size, steps in {27: 20, 867: 20}.items() if quick else STEPS.items():
        fit(size, 2)  # matplotlib is imported once
        turns = [(fit(size, steps, "--trainer.logger=false"), fit(size, steps))
                 for _ in range(rounds)]  # fmt: skip
        alone, watched = map(list, zip(*turns, strict=True))
        rows.append(
            Row(
                f"{size:,} characters, {steps:,} steps: without TensorBoard, and watched",
                spread(alone),
                spread(watched),
                ratio(watched, alone),
                "≤ 1.1",
            )
        )
    size, batch_size, steps = (867, 32, 10) if quick else (2640, 32, 200)
    loop = plain_loop(batch_size, str(words(size)), torch.optim.AdamW, lr=0.01, warm_up=3)
    turns = [(loop(steps), a_step(size, batch_size, steps)) for _ in range(rounds)]
    plain, ours = map(list, zip(*turns, strict=True))
    rows.append(
        Row(
            f"{size:,} characters, a step of the MLP, batch {batch_size}: a plain loop, and `fit`",
            spread(plain),
            spread(ours),
            ratio(ours, plain),
            "≤ 1.5",
        )
    )
    return shown(rows)


if __name__ == "__main__":
    measure("--quick" in sys.argv)
