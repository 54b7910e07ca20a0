"""Signals to a run of several processes, to any of them or to what launched them."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from litmore.runs.summary import read_summary
from survival import ROOT, fit_args, state

pytestmark = pytest.mark.torture

RUN = Path("logs/gru/version_0")
LAST = RUN / "checkpoints/last.ckpt"


@pytest.fixture
def launch(here):
    """Start a run of two processes that has no end, and wait until it has saved."""
    started = []

    def launch(by):
        command = [sys.executable]
        if by == "torchrun":
            with socket.create_server(("127.0.0.1", 0)) as unused:
                port = unused.getsockname()[1]
            command += ["-m", "torch.distributed.run", "--nproc_per_node=2",
                        "--signals-to-handle=SIGTERM,SIGINT,SIGHUP,SIGUSR1",
                        "--master_addr=127.0.0.1", f"--master_port={port}"]  # fmt: skip
        two = ["--trainer.devices=2", "--trainer.strategy=ddp", "--save_every=0.1"]
        endless = ["--trainer.max_steps=1000000", "--tensorboard.every_n_steps=0"]
        process = subprocess.Popen(
            [*command, str(ROOT / "main.py"), *fit_args(here, "gru", *two, *endless)], text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        started.append(process)
        deadline = time.monotonic() + 120
        while not LAST.exists():
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return process

    yield launch
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stderr.close()


def child(process, rank):
    """The process of a rank, below its launcher."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    environments = {int(pid): Path(f"/proc/{pid}/environ").read_bytes() for pid in children}
    return next(pid for pid, env in environments.items() if b"LOCAL_RANK=%d" % rank in env)


def stopped(process, number):
    """The exit code and what was said of a run that has stopped, saved once, at one step."""
    _, said = process.communicate(timeout=240)
    name = signal.Signals(number).name
    assert said.count(f"{name}: saved at step {state(RUN)['global_step']:,}. Go on with:") == 1
    assert (read_summary(RUN).status, read_summary(RUN).why) == ("stopped", name)
    return process.returncode, said


@pytest.mark.parametrize(("rank", "number"), [(0, signal.SIGHUP), (1, signal.SIGUSR1)])
def test_either_process_may_get_it(launch, rank, number):
    process = launch("lightning")
    os.kill(process.pid if rank == 0 else child(process, 1), number)
    assert stopped(process, number)[0] == 128 + number


def test_ctrl_c_reaches_all_at_once(launch):
    process = launch("lightning")
    os.killpg(process.pid, signal.SIGINT)
    code, said = stopped(process, signal.SIGINT)
    assert code == 130
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("number", "to_all"),
    [(signal.SIGTERM, False), (signal.SIGINT, True), (signal.SIGUSR1, True)],
)
def test_torchrun_passes_it_on(launch, number, to_all):
    process = launch("torchrun")
    (os.killpg if to_all else os.kill)(process.pid, number)
    stopped(process, number)


def test_a_worker_of_torchrun_may_get_it(launch):
    process = launch("torchrun")
    os.kill(child(process, 1), signal.SIGUSR2)
    stopped(process, signal.SIGUSR2)
