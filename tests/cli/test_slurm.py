"""On a cluster: Slurm's programs are on the PATH, or this is a job of its. A real one is in torture."""

import os
import signal
import warnings
from pathlib import Path

import pytest
import torch

from litmore.cli import main
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
    for name, value in {"JOB_ID": 71, "NTASKS": 1, "PROCID": 0, "LOCALID": 0, "NODEID": 0,
                        "NNODES": 1, "JOB_NAME": "names", "NODELIST": "localhost"}.items():  # fmt: skip
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    for name in ("MASTER_ADDR", "MASTER_PORT"):  # Lightning leaves them behind
        monkeypatch.setenv(name, "0")
        monkeypatch.delenv(name)


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


# Requeuing


RUNNING = 'echo "$*" >> asked; echo "JobId=71 JobState=RUNNING Reason=None"'


def requeued(here, capsys, number=signal.SIGTERM):
    """The last line of a run that gets a signal, and what Slurm was asked for."""
    stop = [*STOP, f"--trainer.callbacks.number={int(number)}", "--requeue"]
    assert main(fit_args(here, "gru", *stop)) == 128 + number
    assert torch.load(RUN / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 4
    asked = Path("asked").read_text().splitlines() if Path("asked").exists() else []
    return capsys.readouterr().err.splitlines()[-1], asked


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_job_whose_time_is_up_is_requeued_once(here, capsys, task, program, number):
    program("scontrol", RUNNING)
    line, asked = requeued(here, capsys, number)
    assert line == "job 71 is requeued"
    assert asked == ["show job --oneliner 71", "requeue 71"]


def test_an_element_of_an_array_is_requeued_alone(here, capsys, task, program, monkeypatch):
    program("scontrol", RUNNING)
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "71")  # the last element's own number, too
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "4")
    assert requeued(here, capsys)[1][-1] == "requeue 71_4"


def test_who_stops_a_run_by_hand_does_not_want_it_again(here, capsys, task, program):
    program("scontrol", RUNNING)
    line, asked = requeued(here, capsys, signal.SIGINT)
    assert line.endswith("fit --ckpt_path logs/gru/version_0/checkpoints/last.ckpt")
    assert asked == []


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo JobState=COMPLETING Reason=None", "it was cancelled, or is requeued already"),
        ("echo slurm_load_jobs error: down >&2; exit 1", "scontrol says: slurm_load_jobs error: d"),
        ('[ "$1" = show ] && echo JobState=RUNNING || { echo no >&2; exit 1; }', "scontrol says: no"),
    ],
)  # fmt: skip
def test_what_is_not_requeued_is_a_line(here, capsys, task, program, script, told):
    program("scontrol", script)
    assert requeued(here, capsys)[0].startswith(f"job 71 is not requeued: {told}")


def test_without_scontrol_it_is_a_line_too(here, capsys, task, monkeypatch):
    monkeypatch.setenv("PATH", str(here))  # as in a container
    assert requeued(here, capsys)[0] == "job 71 is not requeued: there is no scontrol here"


def test_elsewhere_the_flag_is_noted(here, capsys, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert main(fit_args(here, "counts", "--requeue")) == 0
    assert "--requeue has no effect: this is no job of Slurm's" in capsys.readouterr().err
    assert "requeue" not in (Path("logs/counts/version_0/config.yaml")).read_text()
