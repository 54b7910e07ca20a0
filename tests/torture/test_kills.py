"""The long half: kills at random moments, full disks, dead workers, in real processes."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import torch

from litmore.cli import main
from survival import (
    ROOT,
    RUNS,
    as_if_never_stopped,
    differences,
    fit_args,
    start,
    state,
    stop_and_go_on,
)

pytestmark = pytest.mark.torture

KILLS = 20
GO_ON = ("fit", "--trust_config", "--ckpt_path")
STOPS = {
    # A validation is due after 4, 8, … and is of 3 batches; epochs end after 10 and 20.
    "gru": [("on_train_batch_start", 0), ("on_train_batch_end", 1), ("on_validation_start", 4),
            ("on_train_batch_end", 10), ("on_validation_end", 12), ("on_save_checkpoint", 16),
            ("on_train_batch_end", 20), ("on_train_epoch_start", 20), ("on_train_batch_end", 25),
            ("on_validation_batch_end", 25)],
    "mlp": [("on_train_batch_end", 12), ("on_validation_batch_end", 18),
            ("on_save_checkpoint", 24)],
    "sgd": [("on_train_batch_end", 36), ("on_validation_batch_end", 72),
            ("on_save_checkpoint", 36)],
    "bigram": [("on_train_batch_end", 18), ("on_validation_batch_end", 36),
               ("on_validation_end", 18), ("on_train_epoch_end", 36)],
    "counts": [("on_train_batch_end", 0), ("on_validation_batch_end", 0)],
    "ngram": [("on_train_batch_end", 0), ("on_validation_batch_end", 0)],
}  # fmt: skip


@pytest.fixture
def command(tmp_path):
    """Start `python main.py …` in an empty folder, in a process group of its own."""
    started = []

    def command(*args):
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "main.py"), *map(str, args)], cwd=tmp_path, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        started.append(process)
        return process

    yield command
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()


def wait_for(condition, seconds=240):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def ends(process, seconds=240):
    """The exit code and stderr of a started process."""
    process.join(seconds)
    assert not process.is_alive(), "it hangs"
    return process.exitcode


# Going on


@pytest.mark.parametrize("name", RUNS)
def test_a_stop_anywhere_changes_nothing(here, name):
    more = ["--data.eval_batch_size=33"]  # more than one batch to be stopped in
    assert main(fit_args(here, name, *more)) == 0
    for version, (hook, step) in enumerate(STOPS[name], 1):
        run = stop_and_go_on(here, name, version, hook, step, *more)
        as_if_never_stopped(here / "logs" / name / "version_0", run)


def test_kills_at_random_moments_lose_nothing_that_was_saved(here):
    args = [here, "mlp", "--trainer.max_steps=600", "--save_every=0.05"]
    begun = time.monotonic()
    assert ends(start(here, *fit_args(*args, "--run_name=whole"))) == 0
    length = time.monotonic() - begun
    whole = here / "logs/whole/version_0"
    moments = random.Random(1)
    kills, resumed, runs, last, step = 0, 0, 0, None, 0
    while kills < KILLS or last is not None:
        fresh = fit_args(*args, f"--run_name=killed_{runs}")
        again = [*GO_ON, last]
        process = start(here, *(again if last else fresh))
        process.join(moments.uniform(0, length) if kills < KILLS else 60)
        if process.is_alive():
            process.kill()
            process.join()
            kills += 1
        found = sorted(here.glob(f"logs/killed_{runs}/*/checkpoints/last.ckpt"))
        if found:
            resumed += last is not None
            last = found[-1]
            now = torch.load(last, weights_only=True)["global_step"]  # it is whole
            assert now >= step
            step = now
        if process.exitcode == 0:
            as_if_never_stopped(whole, last.parents[1])
            assert not list(last.parent.glob("*.tmp"))
            runs, last, step = runs + 1, None, 0
        else:
            assert process.exitcode == -signal.SIGKILL, (here / "err.txt").read_text()
    assert resumed >= KILLS / 4
    print(f"{kills} kills, {resumed} times gone on, {runs} runs finished")  # noqa: T201


def test_one_command_line_is_killed_until_it_is_done(here):
    args = [here, "mlp", "--trainer.max_steps=600", "--save_every=0.05"]
    begun = time.monotonic()
    assert ends(start(here, *fit_args(*args, "--run_name=whole"))) == 0
    length = time.monotonic() - begun
    again = fit_args(*args, "--ckpt_path=auto")
    moments = random.Random(2)
    kills, step, resumed = 0, 0, 0
    run = here / "logs/mlp/version_0"
    while kills < 10:
        process = start(here, *again)
        process.join(moments.uniform(0.3, 1) * length)  # mostly after the start
        if not process.is_alive():
            assert process.exitcode == 0, (here / "err.txt").read_text()
            break
        process.kill()
        process.join()
        kills += 1
        now = state(run)["global_step"] if (run / "checkpoints/last.ckpt").exists() else 0
        assert now >= step
        resumed += 0 < step < now
        step = now
    assert ends(start(here, *again)) == 0
    as_if_never_stopped(here / "logs/whole/version_0", run)
    before = {path: path.stat().st_mtime_ns for path in here.glob("logs/**/*")}
    assert ends(start(here, *again)) == 0
    assert "logs/mlp/version_0 is finished" in last_line(here)
    assert {path: path.stat().st_mtime_ns for path in here.glob("logs/**/*")} == before
    assert [path.name for path in run.parent.iterdir()] == ["version_0"]
    print(f"{kills} kills, gone on {resumed} times")  # noqa: T201


# Signals


def test_ctrl_c_before_training_leaves_no_traceback(here, command):
    for delay in (0.3, 1.0, 2.5):
        process = command(*fit_args(here, "gru", "--trainer.max_steps=1000000"))
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=240)
        assert process.returncode == 130
        assert "Traceback" not in err


def test_a_second_ctrl_c_stops_at_once(here):
    slow = ["--trainer.callbacks+=survival.Slow", "--trainer.max_steps=1000000", "--save_every=0"]
    process = start(here, *fit_args(here, "gru", *slow))
    wait_for((here / "logs/gru/version_0/checkpoints/last.ckpt").exists)
    os.kill(process.pid, signal.SIGINT)
    wait_for(lambda: "once more stops at once" in (here / "err.txt").read_text())
    assert process.is_alive()
    os.kill(process.pid, signal.SIGINT)
    assert ends(process, 5) == 130  # the step it was in takes ten
    state(here / "logs/gru/version_0")


def test_two_processes_stop_and_go_on_as_one(here, command):
    two = ["--trainer.devices=2", "--trainer.strategy=ddp"]
    whole = command(*fit_args(here, "gru", *two))
    assert whole.wait(60) == 0, whole.stderr.read()
    for version, (hook, step, rank) in enumerate(
        [("on_train_batch_end", 5, 0), ("on_validation_batch_end", 8, 1)], 1
    ):
        stop = ["--trainer.callbacks+=survival.Signal", f"--trainer.callbacks.hook={hook}",
                f"--trainer.callbacks.step={step}", f"--trainer.callbacks.rank={rank}"]  # fmt: skip
        process = command(*fit_args(here, "gru", *two, *stop))
        assert process.wait(60) == 143, process.stderr.read()
        run = here / f"logs/gru/version_{version}"
        again = command(*GO_ON, run / "checkpoints/last.ckpt", "--trainer.callbacks=null")
        assert again.wait(60) == 0, again.stderr.read()
        as_if_never_stopped(here / "logs/gru/version_0", run)


# Workers


@pytest.mark.parametrize("rank", [0, 1])
def test_a_dead_worker_ends_the_run(here, command, rank):
    two = ["--trainer.devices=2", "--trainer.strategy=ddp", "--trainer.max_steps=1000000"]
    first = command(*fit_args(here, "gru", *two, "--save_every=0.5"))
    last = here / "logs/gru/version_0/checkpoints/last.ckpt"
    wait_for(last.exists)
    children = Path(f"/proc/{first.pid}/task/{first.pid}/children")
    second = int(children.read_text().split()[0])
    os.kill((first.pid, second)[rank], signal.SIGKILL)
    _, err = first.communicate(timeout=240)
    assert first.returncode == (-signal.SIGKILL if rank == 0 else 1)
    assert rank == 0 or err.endswith(
        "error: the connection to another process of the run is lost\n"
    )
    wait_for(lambda: not alive(second))
    step = state(last.parents[1])["global_step"]
    assert step > 0
    again = start(here, *GO_ON, last, f"--trainer.max_steps={step + 5}",
                  "--trainer.devices=1", "--trainer.strategy=auto")  # fmt: skip
    assert ends(again) == 0, (here / "err.txt").read_text()


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


# Disks


@contextmanager
def disk(path, size):
    """A small filesystem of its own."""
    path.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
    if shutil.which("mount") is None or _fails(mount):
        pytest.skip("mounting a filesystem needs root")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def _fails(command):
    return subprocess.run(command, capture_output=True, check=False).returncode != 0


def fill(folder, leave=0):
    """Leave no more than so many bytes."""
    free = shutil.disk_usage(folder).free - leave
    with (folder / "ballast").open("wb") as ballast:
        ballast.write(b"x" * max(0, free // 4096 * 4096))


def last_line(here):
    lines = (here / "err.txt").read_text().splitlines()
    assert not any("Traceback" in line for line in lines), lines
    return lines[-1]


def test_a_full_disk_leaves_the_old_checkpoint(here):
    with disk(here / "logs", "80k") as logs:
        run = start(here, *fit_args(here, "counts", "--trainer.logger=false"))
        assert ends(run) == 0, (here / "err.txt").read_text()
        folder = logs / "counts/version_0"
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert {path.name for path in before} >= {"best.ckpt", "last.ckpt"}
        for leave, name in ((12 * 1024, "last.ckpt"), (0, "versions.yaml")):
            fill(logs, leave)
            again = start(here, *GO_ON, "last", "--trainer.max_epochs=9")
            assert ends(again) == 1
            told = (
                rf"error: cannot save .*{name}: No space left on device \([\d,]+ bytes to write, "
            )
            assert re.match(told + r"[\d,]+ bytes free\);", last_line(here))
            (logs / "ballast").unlink()
            after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
            assert after.keys() == before.keys()  # no temporary file is left
            assert all(after[p] == before[p] for p in before if p.suffix == ".ckpt")
        assert ends(start(here, "validate", "--ckpt_path", "last")) == 0


def test_a_disk_too_small_for_any_checkpoint(here):
    with disk(here / "logs", "64k"):
        assert ends(start(here, *fit_args(here, "mlp", "--trainer.logger=false"))) == 1
        assert "ckpt: No space left on device (" in last_line(here)
        left = {path.name for path in here.glob("logs/mlp/version_0/checkpoints/*")}
        assert left <= {"best.ckpt"}  # whole, or not there
        assert not left or state(here / "logs/mlp/version_0", "best")


def test_a_folder_that_became_read_only(here):
    with disk(here / "logs", "1m") as logs:
        assert ends(start(here, *fit_args(here, "bigram", "--trainer.max_epochs=1"))) == 0
        folder = logs / "bigram/version_0"
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        subprocess.run(["mount", "-o", "remount,ro", str(logs)], check=True)
        assert ends(start(here, *GO_ON, "last", "--trainer.max_epochs=2")) == 2
        assert last_line(here).endswith("version_0 cannot be written")
        subprocess.run(["mount", "-o", "remount,rw", str(logs)], check=True)
        after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert after == before


def test_a_disk_full_of_curves_does_not_end_training(here):
    assert ends(start(here, *fit_args(here, "gru", "--run_name=whole"))) == 0
    with disk(here / "logs/gru/version_0", "64k") as run:
        assert ends(start(here, *fit_args(here, "gru", "--trainer.max_steps=5",
                                          "--run_name=begun"))) == 0  # fmt: skip
        begun = here / "logs/begun/version_0"
        (here / "elsewhere").mkdir()
        for path in (begun / "checkpoints").iterdir():
            shutil.copy(path, here / "elsewhere")
        (run / "checkpoints").symlink_to(here / "elsewhere")
        shutil.copy(begun / "config.yaml", run)
        fill(run, leave=12 * 1024)  # for config.yaml and versions.yaml, and few points
        again = [*GO_ON, run / "checkpoints/last.ckpt", "--trainer.max_steps=25"]
        assert ends(start(here, *again)) == 0, (here / "err.txt").read_text()
        assert "TensorBoard's file cannot be written any more" in (here / "err.txt").read_text()
        assert not differences(state(run)["state_dict"],
                               state(here / "logs/whole/version_0")["state_dict"])  # fmt: skip


# Two at once


def test_two_that_resume_one_run(here):
    first = start(here, *fit_args(here, "gru", "--trainer.max_steps=1000000", "--save_every=0"))
    last = here / "logs/gru/version_0/checkpoints/last.ckpt"
    wait_for(last.exists)
    (here / "second").mkdir()
    second = start(here / "second", *GO_ON, last)
    assert ends(second) == 2
    line = last_line(here / "second")
    assert line.startswith("error: --ckpt_path: another process is training in ")
    assert first.is_alive()
    first.kill()
    first.join()
    third = start(here, *GO_ON, last, "--trainer.max_steps=1")
    assert ends(third) == 0, (here / "err.txt").read_text()  # the kernel has let go of the lock


def test_runs_that_start_at_once_get_folders_of_their_own(here):
    runs = [start(here, *fit_args(here, "gru", "--trainer.max_steps=3")) for _ in range(4)]
    assert [ends(run) for run in runs] == [0] * 4
    folders = sorted(path.name for path in (here / "logs/gru").iterdir())
    assert folders == [f"version_{number}" for number in range(4)]
    first, *others = (state(here / "logs/gru" / name) for name in folders)
    assert all(not differences(first, other) for other in others)
