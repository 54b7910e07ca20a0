"""Stopped in mid-epoch and begun again by the same command line: the run that never stopped."""

import pytest
import torch
from seen import WORDS, command, run
from table import Row, callback, schedule

STOP = """
import os, signal
from lightning.pytorch import Callback


class Stop(Callback):
    def __init__(self, at: int, in_validation: bool = False):
        self.at, self.in_validation = at, in_validation

    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == self.at and not self.in_validation:
            self.once()

    def on_validation_batch_start(self, trainer, *_):
        if trainer.global_step == self.at and self.in_validation:
            self.once()

    def once(self):
        if not os.path.exists("stopped"):
            open("stopped", "w").close()
            os.kill(os.getpid(), signal.SIGTERM)
"""
LONG = " --trainer.max_epochs 3"
PLATEAU = {"threshold": 9, "patience": 0}
ROWS = [
    Row(LONG),
    Row("--trainer.accumulate_grad_batches 2" + LONG),
    Row(callback("GradientAccumulationScheduler", scheduling='{"0":2,"1":4}') + LONG),
    Row(callback("EarlyStopping", monitor="val/loss", min_delta=1, patience=2) + LONG),
    Row(callback("EMAWeightAveraging", decay=0.5) + LONG),
    Row(callback("WeightAveraging") + LONG),
    Row(callback("StochasticWeightAveraging", swa_lrs=0.02, swa_epoch_start=1) + LONG),
    Row(callback("ModelCheckpoint", dirpath="kept", monitor="val/loss", save_top_k=2) + LONG),
    Row(callback("BatchSizeFinder", max_trials=2, steps_per_trial=1) + " --trainer.max_steps 40"),
    Row(callback("Timer", duration="00:01:00:00") + LONG),
    Row(
        callback("LRFinder", num_steps=20).replace("LRFinder", "litmore.callbacks.LRFinder") + LONG
    ),
    Row(schedule("OneCycleLR") + LONG),
    Row(schedule("StepLR", step_size=3) + LONG),
    Row(schedule("CosineAnnealingWarmRestarts", T_0=4) + LONG),
    Row(schedule("CyclicLR", base_lr=0.001, max_lr=0.1, cycle_momentum="false") + LONG),
    Row(schedule("lightning.pytorch.cli.ReduceLROnPlateau", monitor="val/loss", **PLATEAU) + LONG),
    Row(
        schedule("lightning.pytorch.cli.ReduceLROnPlateau", monitor="train/loss", **PLATEAU) + LONG
    ),
    Row("--trainer.precision bf16-true" + LONG),
    Row("--optimizer litmore.optim.MuonAdamW --optimizer.lr 0.01" + LONG),
    Row("--trainer.val_check_interval 3" + LONG),
    Row("--trainer.check_val_every_n_epoch null --trainer.val_check_interval 5" + LONG),
]
CASES = [(number, row, view, False) for number, row in enumerate(ROWS) for view in row.views]
CASES += [(number, row, "windows", True) for number, row in enumerate(ROWS[:7])]


@pytest.mark.parametrize(
    ("row", "view", "in_validation"),
    [
        pytest.param(
            row,
            view,
            in_validation,
            id=f"{row.args} {view}{' in validation' if in_validation else ''}",
            marks=[] if number % 8 == row.views.index(view) else [pytest.mark.torture],
        )
        for number, row, view, in_validation in CASES
    ],
)
def test_as_if_it_had_not_stopped(
    word_file, tmp_path, monkeypatch, capsys, row, view, in_validation
):
    words = word_file(WORDS)
    args = command("litmore", row.args, view, words, "fit", "")
    if in_validation:
        args += ["--trainer.val_check_interval", "2"]
    at = 4 if in_validation or "accumulate" in row.args or "Accumulation" in row.args else 10
    stop = ["--trainer.callbacks+=stopping.Stop", f"--trainer.callbacks.at={at}"]
    stop += [f"--trainer.callbacks.in_validation={str(in_validation).lower()}"]
    (tmp_path / "whole").mkdir()
    monkeypatch.chdir(tmp_path / "whole")
    whole = run("litmore", args, tmp_path / "whole", capsys)
    assert whole.error is None, whole.error
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "stopping.py").write_text(STOP)
    monkeypatch.chdir(tmp_path / "parts")
    monkeypatch.syspath_prepend(tmp_path / "parts")
    monkeypatch.delitem(__import__("sys").modules, "stopping", raising=False)
    first = run("litmore", [*args, *stop], tmp_path / "parts", capsys)
    assert "SIGTERM: saved at step" in first.told, first.told
    second = run("litmore", [*args, *stop, "--ckpt_path", "last"], tmp_path / "parts", capsys)
    assert second.error is None, second.error
    assert first.steps + second.steps == whole.steps
    assert first.lrs + second.lrs == whole.lrs
    assert first.validated + second.validated == whole.validated
    assert second.kept == whole.kept
    assert torch.equal(second.weights, whole.weights)
