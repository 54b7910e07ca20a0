"""How much sooner does litmore have the loss that the notebook ends with?

11,897 parameters both. In the loop alone, and from a cold process to the finished run. How many of
its steps the notebook takes to the loss is found once; a step is timed in every round, beside
litmore's whole training.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import torch
import yaml

import notebook
from litmore.corpus.download import cached
from litmore.data import NamesDataModule
from side_by_side import ratio, spread
from stopwatch import ROOT, VARIABLE, Row, scratch, shown

SPRINT = [
    "--data.batch_size=640",
    "--optimizer.lr=0.2",
    "--optimizer.momentum=0.8",
    "--optimizer.weight_decay=0",
    "--trainer.max_steps=44",
    "--trainer.logger=false",
]
"""The shortest way there, unwatched as the notebook; configs/mlp.yaml goes on to a lower loss."""

CHILD = (
    "import sys; sys.path.insert(0, 'benchmarks'); from litmore.cli import main; sys.exit(main())"
)


def corpus() -> tuple[Path, float, list[str]]:
    """The lectures' own file where it was fetched, and the loss to reach on it."""
    overlay = ROOT / "configs" / "data" / "makemore.yaml"
    settings = yaml.safe_load(overlay.read_text())["data"]
    path = cached(settings["url"], settings["sha256"])
    if path is not None:
        return path, 2.17, ["--config", str(overlay)]
    return NamesDataModule().path, 2.18, []  # where the notebook's loop comes to on these


def steps_to(target: float, path: Path, every: int, steps: int) -> tuple[int, float]:
    """How many steps the notebook takes to the target, looking every so many; and its loss."""
    ids, (train, val, _) = notebook.prepare(path)
    network = notebook.Network(len(ids))
    while network.done < steps and (not network.done or network.loss(val) > target):
        network.train(train, every)
    return network.done, network.loss(val)


def cold(*command: str, **environment: str) -> float:
    """Seconds of a process; what it said, where it failed."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return time.perf_counter() - started


def fit_in(folder: Path, *flags: str) -> tuple[float, float]:
    """A `fit` in a process and a folder of its own: seconds of it all, and of its loop."""
    watch = folder / "seconds.json"
    own = ["--trainer.callbacks+=stopwatch.Stopwatch", f"--trainer.default_root_dir={folder}"]
    whole = cold("-c", CHILD, "fit", *flags, *own, "--trust_config", **{VARIABLE: str(watch)})
    return whole, json.loads(watch.read_text())["loop"]


def fitted(*flags: str) -> tuple[float, float, float]:
    """What `fit_in` gives, in a folder that goes away, and its best loss."""
    with scratch() as folder:
        seconds = fit_in(folder, *flags)
        (best,) = folder.glob("*/*/checkpoints/best.ckpt")
        state = torch.load(best, weights_only=True)["callbacks"]["Checkpoints"]
        return *seconds, state["best_score"]


def measure(quick: bool = False) -> list[Row]:
    """Measure and print."""
    torch.set_num_threads(1)
    path, target, overlay = corpus()
    every, most, rounds, sample = (100, 200, 1, 100) if quick else (1000, 200_000, 5, 3000)
    steps, reached = steps_to(target, path, every, most)
    print(f"{path.name}: the notebook is at {reached:.4f} after {steps:,} steps")
    ids, (train, _, _) = notebook.prepare(path)
    network = notebook.Network(len(ids))
    seconds: dict[str, list[float]] = {name: [] for name in ("step", "start", "loop", "cold")}
    losses = []
    for number in range(rounds):
        began = time.perf_counter()
        network.train(train, sample)
        seconds["step"].append((time.perf_counter() - began) / sample)
        seconds["start"].append(cold("benchmarks/notebook.py", str(path), "0"))
        flags = ["--config", "configs/mlp.yaml", *overlay, *SPRINT, f"--seed_everything={number}"]
        whole, loop, loss = fitted(*flags)
        seconds["cold"].append(whole)
        seconds["loop"].append(loop)
        losses.append(loss)
    print("litmore's validation losses: " + ", ".join(f"{loss:.4f}" for loss in losses))
    rows = []
    for name, number in ((f"{steps:,} steps, its first below", steps), ("all 200,000", 200_000)):
        loop = [number * step for step in seconds["step"]]
        whole = [a + b for a, b in zip(loop, seconds["start"], strict=True)]
        for what, theirs, ours, bound in (
            ("the loop", loop, seconds["loop"], "≥ 80"),
            ("cold process to finished run", whole, seconds["cold"], "≥ 10"),
        ):
            question = f"{what}, to {target} on {path.name[-9:]} (notebook: {name})"
            rows.append(Row(question, spread(theirs), spread(ours), ratio(theirs, ours), bound))
    return shown(rows)


if __name__ == "__main__":
    measure(quick="--quick" in sys.argv)
