"""A run goes on with more processes, or fewer: each example once an epoch, each step counted."""

import os
import subprocess
import sys
from collections import Counter

import pytest

from survival import ROOT, fit_args, state

pytestmark = pytest.mark.torture


@pytest.mark.parametrize(
    ("name", "turns", "steps"),
    [
        # Words, of like length together: 10 steps an epoch, 5 by two.
        ("gru", [(1, 7), (2, 14), (1, None)], 24),
        # Counts, dealt out, by a schedule as long as the training: 24 and 12.
        ("mlp", [(1, 5), (2, 17), (1, None)], 61),
        # Contexts, by a schedule of epochs: 9 by two, 6 by three.
        ("bigram", [(2, 13), (3, None)], 23),
    ],
)
def test_each_example_once_an_epoch(here, name, turns, steps):
    for processes, stop in turns:
        args = fit_args(
            here, name, "--ckpt_path=auto", "--trainer.max_epochs=3", "--trainer.max_steps=-1",
            "--run_name=run", "--trainer.logger=false", f"--trainer.devices={processes}",
            f"--trainer.strategy={'ddp' if processes > 1 else 'auto'}",
            "--trainer.callbacks+=survival.Seen", "--trainer.callbacks+=survival.Signal",
            "--trainer.callbacks.hook=on_train_batch_end",
            f"--trainer.callbacks.step={stop or 999}",
        )  # fmt: skip
        done = subprocess.run(
            [sys.executable, ROOT / "main.py", *args], cwd=here, text=True, capture_output=True,
            check=False, timeout=120, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        assert done.returncode == (143 if stop else 0), done.stderr
    assert [path.name for path in (here / "logs/run").iterdir()] == ["version_0"]
    seen = [Counter() for _ in range(3)]
    for path in here.glob("seen_*.txt"):
        for line in path.read_text().splitlines():
            epoch, _, *words = line.split(" ")
            seen[int(epoch)].update(words)
    assert seen[0] == seen[1] == seen[2]
    if name == "gru":
        assert set(seen[0].values()) == {1}
        assert seen[0].total() == 320
    end = state(here / "logs/run/version_0")
    assert (end["global_step"], end["epoch"]) == (steps, 2)
    if name == "mlp":
        assert end["lr_schedulers"][0]["total_steps"] == steps
