"""On a cluster: Slurm's programs are there, or this is its job. `tests/torture` has a real one."""

import os
import signal
import subprocess
import sys
import warnings
from datetime import timedelta
from pathlib import Path

import pytest
import torch

from litmore.cli import main
from litmore.runs import agreement
from litmore.runs.signals import STOPPING
from survival import fit_args

RUN = Path("logs/gru/version_0")
STOP = ["--trainer.callbacks+=survival.Signal", "--trainer.callbacks.hook=on_train_batch_start",
        "--trainer.callbacks.step=3"]  # fmt: skip


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put an executable on the PATH, in front of all others."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    def program(name, script=""):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return program


@pytest.fixture
def task(monkeypatch):
    """This process is the one task of a job."""
    numbers = {"JOB_ID": 71, "NTASKS": 1, "PROCID": 0, "LOCALID": 0, "NODEID": 0, "NNODES": 1}
    for name, value in {**numbers, "JOB_NAME": "names", "NODELIST": "localhost"}.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    before = {number: signal.getsignal(number) for number in STOPPING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_no_command_hints_at_srun(program, command_line, word_file):
    program("srun")
    words = word_file(["emma", "olivia", "ava"] * 9)
    small = ["--data.path", words, "--data.block_size", 1, "--trainer.max_epochs", 1]
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        assert command_line("fit", "--model", "CountBigram", *small)[0] == 0
        assert command_line("validate", "--ckpt_path", "last")[0] == 0
    assert not [str(warning.message) for warning in caught if "srun" in str(warning.message)]


@pytest.mark.parametrize("plugin", [[], ["--trainer.plugins=SLURMEnvironment"]])
def test_lightnings_way_with_slurm_is_out_of_the_way(here, task, program, plugin):
    program("scontrol", "touch asked")
    assert main(fit_args(here, "counts", "--run_name=other")) == 0
    left = Path("logs/hpc_ckpt_3.ckpt")
    left.write_bytes(Path("logs/other/version_0/checkpoints/last.ckpt").read_bytes())
    number = int(signal.SIGUSR1)
    code = main(fit_args(here, "gru", *plugin, *STOP, f"--trainer.callbacks.number={number}"))
    assert code == 128 + number
    assert torch.load(RUN / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 4
    assert [*Path("logs").rglob("hpc_ckpt*")] == [left]
    assert not Path("asked").exists()


@pytest.mark.parametrize(
    ("tasks", "step", "devices", "started"),
    [(2, "0", 1, 2), (2, None, 2, 1), (1, "0", 2, 1)],
    ids=["each would train alone", "no srun", "srun of one task"],
)
def test_processes_that_slurm_has_not_started_are_not_waited_for(
    here, capsys, task, monkeypatch, tasks, step, devices, started
):
    monkeypatch.setenv("SLURM_NTASKS", str(tasks))
    monkeypatch.setenv("SLURM_NTASKS_PER_NODE", str(tasks))
    if step is not None:
        monkeypatch.setenv("SLURM_STEP_ID", step)
        monkeypatch.setattr(agreement, "HURRY", timedelta(seconds=1))  # the other never comes
    else:
        monkeypatch.setattr(agreement, "_store", lambda *_: pytest.fail("there is no other"))
    ddp = [f"--trainer.devices={devices}", "--trainer.strategy=ddp"] if devices > 1 else []
    assert main(fit_args(here, "gru", *ddp)) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    told = f"Slurm has started {started} process(es) of this command; put srun in front of it"
    assert line.startswith(f"error: --trainer.devices {devices}, --trainer.num_nodes 1: {told}")
    assert not Path("logs").exists()


# Requeuing


RUNNING = 'echo "$*" >> asked; echo "JobId=71 JobState=RUNNING Reason=None"'


def requeued(here, capfd, number=signal.SIGTERM):
    """The last line of a run that gets a signal, and what Slurm was asked for."""
    stop = [*STOP, f"--trainer.callbacks.number={int(number)}", "--requeue"]
    assert main(fit_args(here, "gru", *stop)) == 128 + number
    assert torch.load(RUN / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 4
    asked = Path("asked").read_text().splitlines() if Path("asked").exists() else []
    return capfd.readouterr().err.splitlines()[-1], asked


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_job_whose_time_is_up_is_requeued_once(here, capfd, task, program, number):
    program("scontrol", RUNNING)
    line, asked = requeued(here, capfd, number)
    assert line == "job 71 is requeued"
    assert asked == ["show job -o 71", "requeue 71"]


def test_an_element_of_an_array_is_requeued_alone(here, capfd, task, program, monkeypatch):
    program("scontrol", RUNNING)
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "71")  # the last element's own number, too
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "4")
    assert requeued(here, capfd)[1][-1] == "requeue 71_4"


def test_who_stops_a_run_by_hand_does_not_want_it_again(here, capfd, task, program):
    program("scontrol", RUNNING)
    line, asked = requeued(here, capfd, signal.SIGINT)
    assert line.endswith("fit --ckpt_path logs/gru/version_0/checkpoints/last.ckpt")
    assert asked == []


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo JobState=COMPLETING Reason=None", "it was cancelled, or is requeued already"),
        ("echo Unable to contact controller >&2; exit 1", "scontrol says: Unable to contact cont"),
        (f'{RUNNING}; [ "$1" = show ] || {{ echo no >&2; exit 1; }}', "scontrol says: no"),
    ],
)
def test_what_is_not_requeued_is_a_line(here, capfd, task, program, script, told):
    program("scontrol", script)
    assert requeued(here, capfd)[0].startswith(f"job 71 is not requeued: {told}")


def test_without_scontrol_it_is_a_line_too(here, capfd, task, monkeypatch):
    monkeypatch.setenv("PATH", str(here))  # as in a container
    assert requeued(here, capfd)[0] == "job 71 is not requeued: there is no scontrol here"


def test_elsewhere_the_flag_is_noted(here, capfd, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert main(fit_args(here, "counts", "--requeue")) == 0
    assert "--requeue has no effect: this is no job of Slurm's" in capfd.readouterr().err
    assert "requeue" not in (Path("logs/counts/version_0/config.yaml")).read_text()
    Path("cluster.yaml").write_text("requeue: true\n")
    assert main(fit_args(here, "counts", "--config=cluster.yaml")) == 2
    assert "--requeue: is about where a run runs" in capfd.readouterr().err


def test_a_job_that_is_stopped_before_it_trains_is_requeued(here, task, program):
    program("scontrol", RUNNING)
    code = "import os; from litmore.runs.signals import stop_at_once; stop_at_once()"
    code += "; os.kill(os.getpid(), 15)"
    for flags in ([], ["--requeue"]):
        done = subprocess.run(
            [sys.executable, "-c", code, "fit", *flags], capture_output=True, check=False
        )
        assert (done.returncode, done.stdout) == (143, b"")
        assert done.stderr == (b"job 71 is requeued\n" if flags else b"")
    assert Path("asked").read_text().splitlines()[1:] == ["requeue 71"]
