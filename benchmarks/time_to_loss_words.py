"""How much sooner does litmore have the losses that makemore's Transformer comes to?

On the 1,000 words that makemore holds out, in nats a character, and of the training loops alone. At
which of its steps the Transformer is there is found once (`LOSSES`); a step is timed in every
round, beside litmore's whole trainings.
"""

import math
import statistics
import sys
import time

import torch

import makemore
from side_by_side import ratio, spread
from stopwatch import Row, scratch, shown
from time_to_loss import corpus, fitted

SAME = ["--config=configs/transformer.yaml", "--model.init=makemore"]

RECIPES = [
    ("MLP of counts", ["--config=configs/mlp.yaml"], 2.07, "≥ 10"),
    ("the same Transformer, 440 steps", [*SAME, "--trainer.max_steps=440"], 2.0, "≥ 4"),
    ("the same Transformer, 600 steps", [*SAME, "--trainer.max_steps=600"], 1.9655, "≥ 4"),
    ("GRU", ["--config=configs/gru.yaml", "--trainer.max_steps=450"], 1.9655, "≥ 10"),
    ("6-gram, Kneser–Ney", ["--config=configs/ngram.yaml"], 1.9655, "≥ 10"),
]
"""Name, flags, the loss to come to, the bound: a line more is a row more."""

EVERY = 500

# fmt: off
LOSSES = (
    2.1972, 2.1338, 2.1065, 2.0843, 2.0628, 2.0517, 2.0301, 2.0286, 2.0131, 2.0133,
    2.0132, 2.0013, 2.0005, 1.9838, 1.9823, 1.9707, 1.9728, 1.9757, 1.9784, 1.9726,
    1.9739, 1.9718, 1.9741, 1.9750, 1.9723, 1.9666, 1.9708, 1.9733, 1.9683, 1.9646,
)
# fmt: on
"""Of makemore's Transformer on the lectures' file, every so many steps; none of the next 5,000 is
lower. `python benchmarks/makemore.py names.txt 20000 500` prints them, in some six minutes."""


def steps_to(target: float) -> int:
    """How many steps the Transformer takes."""
    return next(EVERY * number for number, loss in enumerate(LOSSES, 1) if loss <= target)


def measure(quick: bool = False) -> list[Row]:
    """Measure and print."""
    torch.set_num_threads(1)
    path, _, overlay = corpus()
    if not (overlay or quick):
        print("left out: the Transformer's steps are known for the lectures' names.txt alone")
        return []
    rounds, sample, short = (1, 20, ["--trainer.max_steps=20"]) if quick else (5, 500, [])
    shape, train, _ = makemore.prepare(path)
    network = makemore.Network("transformer", *shape)
    a_step: list[float] = []
    loops: dict[str, list[float]] = {name: [] for name, *_ in RECIPES}
    losses: dict[str, list[float]] = {name: [] for name, *_ in RECIPES}
    with scratch() as folder:
        data = makemore.as_litmore(path, folder)
        for number in range(rounds):
            began = time.perf_counter()
            network.train(train, sample)
            a_step.append((time.perf_counter() - began) / sample)
            for name, flags, target, _ in RECIPES:
                own = [*data, "--trainer.logger=false", f"--seed_everything={number}", *short]
                _, loop, loss = fitted(*flags, *own)
                loops[name].append(loop if loss <= target else math.inf)
                losses[name].append(loss)
    rows = []
    for name, _, target, bound in RECIPES:
        print(f"{name}: " + ", ".join(f"{loss:.4f}" for loss in losses[name]))
        steps = steps_to(target)
        theirs = [steps * seconds for seconds in a_step]
        question = f"{name}, to {target} (the Transformer's {steps:,} steps)"
        ours = f"{spread(loops[name])}, to {statistics.median(losses[name]):.4f}"
        rows.append(Row(question, spread(theirs), ours, ratio(theirs, loops[name]), bound))
    return shown(rows)


if __name__ == "__main__":
    measure(quick="--quick" in sys.argv)
