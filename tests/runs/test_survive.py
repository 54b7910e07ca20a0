"""Stopped by a signal anywhere, a run goes on as if it had not been; and what cannot go on stops.

The long half (kills, full disks, dead workers) is in `tests/torture`.
"""

import os
import resource
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Callback

from litmore.callbacks import Drawing
from litmore.cli import main
from litmore.errors import InputError, RunError
from litmore.runs.atomic import remove_unfinished, write_atomically
from litmore.runs.folder import RunFolder
from survival import RUNS, as_if_never_stopped, fit_args, stop_and_go_on

STOPS = {
    "gru": [("on_train_batch_end", 4), ("on_validation_batch_end", 8)],
    "mlp": [("on_train_batch_end", 13)],
    "sgd": [("on_train_batch_end", 30)],
    "bigram": [("on_train_batch_end", 25)],
    "counts": [("on_train_batch_end", 0)],
    "ngram": [("on_train_batch_end", 0)],
}
"""A validation is due after the GRU's step 4; the others' stops are in the middle of an epoch."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.torture] if n in ("sgd", "bigram") else []) for n in RUNS],
)
def test_a_stopped_run_goes_on_as_if_it_had_not_been(here, name):
    assert main(fit_args(here, name)) == 0
    for version, (hook, step) in enumerate(STOPS[name], 1):
        run = stop_and_go_on(here, name, version, hook, step)
        as_if_never_stopped(here / "logs" / name / "version_0", run)


def test_a_stopped_run_says_how_to_go_on(here, capsys):
    stop = ["--trainer.callbacks+=survival.Signal", "--trainer.callbacks.hook=on_train_batch_start",
            "--trainer.callbacks.step=3", "--trainer.callbacks.number=2"]  # fmt: skip
    assert main(fit_args(here, "gru", *stop)) == 130
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "SIGINT: saved at step 4. Go on with:",
        "  python main.py fit --ckpt_path logs/gru/version_0/checkpoints/last.ckpt",
    ]


class Endless(Drawing):
    """A picture that takes far too long, and what comes after it."""

    drawn: list = []  # noqa: RUF012

    def __init__(self):
        super().__init__(every_n_steps=5)

    def draw(self, trainer, pl_module, writer, step):
        self.drawn.append(step)
        if step == 10:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(100)


class After(Endless):
    """Another part."""


def test_no_picture_delays_the_save(here):
    Endless.drawn.clear()
    pictures = [f"--trainer.callbacks+={__name__}.{name}" for name in ("Endless", "After")]
    began = time.monotonic()
    assert main(fit_args(here, "gru", *pictures)) == 143
    assert time.monotonic() - began < 50
    assert Endless.drawn == [0, 0, 5, 5, 10]
    last = here / "logs/gru/version_0/checkpoints/last.ckpt"
    assert torch.load(last, weights_only=True)["global_step"] == 10
    go_on = ["fit", "--trust_config", "--trainer.callbacks=null", "--ckpt_path", str(last)]
    assert main(go_on) == 0
    assert main(fit_args(here, "gru")) == 0
    as_if_never_stopped(here / "logs/gru/version_1", last.parents[1])


def test_last_is_saved_between_validations_too(here):
    # Killed in the middle of step 4, with no validation before it.
    never = ["--trainer.val_check_interval=1000", "--save_every=0"]
    crash = ["--trainer.callbacks+=survival.Crash", "--trainer.callbacks.step=3"]
    with pytest.raises(ZeroDivisionError):
        main(fit_args(here, "gru", *never, *crash))
    last = Path("logs/gru/version_0/checkpoints/last.ckpt")
    assert torch.load(last, weights_only=True)["global_step"] == 3


def test_a_loss_that_is_no_number_is_not_saved(here, capsys):
    bad = ["--trainer.callbacks+=survival.Poison", "--trainer.callbacks.step=14"]
    assert main(fit_args(here, "sgd", *bad)) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line == (
        "error: step 15: the loss is not finite but nan, at learning rate 0.1."
        " Does a lower learning rate help?"
    )
    assert not Path("logs/sgd/version_0/checkpoints/last.ckpt").exists()
    assert main(fit_args(here, "gru", *bad, "--save_every=0")) == 1
    capsys.readouterr()
    saved = torch.load("logs/gru/version_0/checkpoints/last.ckpt", weights_only=True)
    assert saved["global_step"] == 14
    assert all(weight.isfinite().all() for weight in saved["state_dict"].values())


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder" / "file"
    path.parent.mkdir()
    write_atomically(path, b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # it ends in the middle
    try:
        with pytest.raises(RunError, match=r"cannot save .*file: File too large \(2,000 bytes"):
            write_atomically(path, b"x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"old"
    assert [file.name for file in path.parent.iterdir()] == ["file"]


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / "last.ckpt").write_bytes(b"whole")
    (tmp_path / "last.ckpt.tmp").write_bytes(b"ha")
    (tmp_path / "mine.tmp").mkdir()
    remove_unfinished(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["last.ckpt", "mine.tmp"]


class TakeAway(Callback):
    """After some steps, do something to the run's folder."""

    def __init__(self, do):
        self.do = do

    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == 5:
            self.do(Path("logs/gru/version_0"))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("do", "gone"),
    [
        (shutil.rmtree, ""),
        (lambda run: shutil.rmtree(run.parents[1]), ""),
        (lambda run: run.rename(run.with_name("aside")), ""),
        (lambda run: (run / "config.yaml").unlink(), "/config.yaml"),
    ],
)
@pytest.mark.parametrize("logger", ["true", "false"])
def test_a_run_whose_folder_is_taken_away_ends_and_does_not_come_back(
    here, capsys, do, gone, logger
):
    args = fit_args(here, "gru", "--trainer.logger", logger)
    assert main(args, callbacks=[TakeAway(do)]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"error: logs/gru/version_0{gone} was taken away: the run cannot be kept there"
    )
    assert Path("logs/gru/version_0").exists() == bool(gone)


@pytest.mark.parametrize("name", ["last.ckpt", "best.ckpt"])
def test_a_folder_in_the_place_of_a_checkpoint_is_seen_before_the_first_step(here, capsys, name):
    args = [*fit_args(here, "gru"), "--ckpt_path=auto"]
    assert main([*args, "--trainer.limit_val_batches=0"]) == 0
    run = Path("logs/gru/version_0")
    (run / "summary.json").unlink()  # it has not finished
    (run / "checkpoints" / name).unlink(missing_ok=True)
    (run / "checkpoints" / name).mkdir()
    capsys.readouterr()
    assert main([*args, "--trainer.limit_val_batches=0"]) == 2
    assert f"{name} is a folder; a file is to lie there" in capsys.readouterr().err


def test_a_run_is_trained_by_one_process_at_a_time(tmp_path):
    first = RunFolder(tmp_path, "run")
    path = first.claim()
    second = RunFolder(tmp_path, "run", path)
    with pytest.raises(InputError, match=r"another process is training in .*version_0"):
        second.lock()
    assert RunFolder(tmp_path, "run").claim().name == "version_1"
    first.unlock()
    second.lock()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_training_outlives_its_curves(here, capsys):
    broken = ["--trainer.callbacks+=survival.NoCurves", "--trainer.callbacks.step=5"]
    assert main(fit_args(here, "gru", *broken)) == 0
    assert "TensorBoard's file cannot be written any more" in capsys.readouterr().err
    saved = torch.load("logs/gru/version_0/checkpoints/last.ckpt", weights_only=True)
    assert saved["global_step"] == 25
