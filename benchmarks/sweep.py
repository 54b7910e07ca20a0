"""What does a sweep's trial take beside the same `fit` by itself?

A trial's time is what three more seeds take in one sweep, by three.
"""

import sys

from side_by_side import ratio, spread
from stopwatch import Row, scratch, shown
from time_to_loss import cold

MORE = 3


def measure(quick: bool = False) -> list[Row]:
    """Measure and print."""
    steps = 20 if quick else 1000
    fits: list[float] = []
    trials: list[float] = []
    with scratch() as folder:
        for number in range(1 if quick else 5):
            run = ["--config=configs/mlp.yaml", f"--trainer.max_steps={steps}",
                   f"--trainer.default_root_dir={folder}/{number}"]  # fmt: skip
            fits.append(cold("main.py", "fit", *run))
            few, many = (
                cold("main.py", "sweep", f"--seeds={seeds}", f"--study=s{seeds}", *run)
                for seeds in (1, 1 + MORE)
            )
            trials.append((many - few) / MORE)
    question = "a trial of a sweep, beside `fit` with `configs/mlp.yaml`"
    return shown([Row(question, spread(fits), spread(trials), ratio(trials, fits), "≤ 1.15")])


if __name__ == "__main__":
    measure(quick="--quick" in sys.argv)
