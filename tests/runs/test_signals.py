"""Whatever asks a run to stop: one path, and an exit code for each signal."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Callback

from litmore.cli import main
from litmore.runs.signals import STOPPING, StopRequest
from litmore.runs.summary import read_summary
from survival import ROOT, fit_args

RUN = Path("logs/gru/version_0")


class Signals(Callback):
    """Get these, one after the other, in the middle of the fourth step."""

    def __init__(self, *numbers):
        self.numbers = numbers

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == 3:
            for number in self.numbers:
                os.kill(os.getpid(), number)


def fit(here, *numbers):
    return main(fit_args(here, "gru"), callbacks=[Signals(*numbers)])


def saved():
    return torch.load(RUN / "checkpoints/last.ckpt", weights_only=True)["global_step"]


@pytest.mark.parametrize("number", STOPPING, ids=lambda number: number.name)
def test_each_signal_finishes_the_step_and_saves_it(here, capsys, number):
    before = [signal.getsignal(each) for each in STOPPING]
    assert fit(here, number) == 128 + number
    assert f"{number.name}: saved at step 4. Go on with:" in capsys.readouterr().err
    assert saved() == 4
    summary = read_summary(RUN)
    assert (summary.status, summary.why, summary.step) == ("stopped", number.name, 4)
    assert [signal.getsignal(each) for each in STOPPING] == before


def test_what_was_ignored_at_the_start_stays_ignored(here):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        assert fit(here, signal.SIGHUP) == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert saved() == 25


def test_the_kernel_repeats_sigxcpu(here):
    assert fit(here, signal.SIGXCPU, signal.SIGXCPU) == 128 + signal.SIGXCPU
    assert saved() == 4


@pytest.mark.parametrize("launcher", ["SLURM_JOB_ID", "TORCHELASTIC_RUN_ID"])
def test_a_launcher_passes_on_what_its_processes_have_got_already(here, monkeypatch, launcher):
    monkeypatch.setenv(launcher, "7")
    assert fit(here, signal.SIGTERM, signal.SIGTERM) == 143
    assert saved() == 4


def test_a_second_one_stops_at_once(here):
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        StopRequest().hold()
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGTERM)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 143


def test_before_training_there_is_nothing_to_save(here):
    command = [sys.executable, str(ROOT / "main.py"), *fit_args(here, "gru")]
    processes = {
        number: subprocess.Popen(
            command,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for number in STOPPING
    }  # fmt: skip
    for number, process in processes.items():
        while not _catches(process.pid, signal.SIGXCPU):
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.01)
        process.send_signal(number)
    for number, process in processes.items():
        said, _ = process.communicate(timeout=240)
        assert (process.returncode, said) == (128 + number, "")
    assert not Path("logs").exists()


def _catches(pid, number):
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return int(caught.split()[1], 16) >> (number - 1) & 1
