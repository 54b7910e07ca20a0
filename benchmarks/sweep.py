"""What does a sweep's trial take beside the same `fit` by itself?

A trial's time is what some more seeds take in a sweep, by their number.
"""

import sys

from side_by_side import ratio, spread
from stopwatch import Row, scratch, shown
from time_to_loss import cold


def measure(quick: bool = False) -> list[Row]:
    """Measure and print."""
    steps, more = (20, 1) if quick else (1000, 3)
    fits: list[float] = []
    trials: list[float] = []
    with scratch() as folder:
        for number in range(1 if quick else 5):
            run = ["--config=configs/mlp.yaml", f"--trainer.max_steps={steps}",
                   f"--trainer.default_root_dir={folder}/{number}"]  # fmt: skip
            fits.append(cold("main.py", "fit", *run))
            few, many = (
                cold("main.py", "sweep", f"--seeds={seeds}", f"--study=s{seeds}", *run)
                for seeds in (1, 1 + more)
            )
            trials.append((many - few) / more)
    question = "a trial of a sweep, beside `fit` with `configs/mlp.yaml`"
    return shown([Row(question, spread(fits), spread(trials), ratio(trials, fits), "≤ 1.15")])


if __name__ == "__main__":
    measure(quick="--quick" in sys.argv)
