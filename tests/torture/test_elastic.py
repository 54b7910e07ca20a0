"""torchrun starts dead processes again: the run goes on, wherever they died."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from survival import ROOT, as_if_never_stopped, fit_args, state

pytestmark = pytest.mark.torture

DEATHS = 5
PACE = ["--trainer.max_steps=300", "--trainer.val_check_interval=50", "--save_every=0.2",
        "--trainer.callbacks+=survival.Pace", "--trainer.callbacks.seconds=0.02",
        "--tensorboard.every_n_steps=0"]  # fmt: skip


@pytest.fixture
def torchrun(here):
    """Start command lines by torchrun in an empty folder; what still runs at the end is killed."""
    started = []

    def torchrun(*args, of=(), by=(), name="0"):
        command = [*by, sys.executable, "-m", "torch.distributed.run", "--monitor_interval=0.2",
                   *of, str(ROOT / "main.py"), *args]  # fmt: skip
        path = os.pathsep.join([str(ROOT / "tests"), *sys.path])
        with (here / f"{name}.txt").open("a") as said:
            process = subprocess.Popen(
                list(map(str, command)), cwd=here, stdout=said, stderr=said, start_new_session=True,
                env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            )  # fmt: skip
        started.append(process)
        return process

    yield torchrun
    for process in started:
        kill(process)


def workers(process):
    """Of a torchrun, its children."""
    try:
        found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    except OSError:
        return []
    return [int(pid) for pid in found.split()]


def kill(process):
    """torchrun and all that it has started."""
    for pid in (process.pid, *workers(process)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def wait_for(condition, process, seconds=300):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        assert process.poll() is None, process.returncode
        time.sleep(0.05)


def step(run):
    return state(run)["global_step"] if (run / "checkpoints/last.ckpt").exists() else 0


@pytest.fixture
def whole(here, torchrun):
    """The run of two processes that nobody kills."""
    process = torchrun(*fit_args(here, "gru", *PACE, *TWO, "--run_name=whole"), of=LOCAL)
    assert process.wait(120) == 0, (here / "0.txt").read_text()
    return here / "logs/whole/version_0"


LOCAL = ["--nproc_per_node=2"]
TWO = ["--trainer.devices=2", "--trainer.strategy=ddp"]


@pytest.mark.parametrize(("launcher", "more"), [([], []), (["--standalone"], ["--ckpt_path=auto"])])
@pytest.mark.long
def test_a_worker_killed_five_times(here, torchrun, whole, launcher, more):
    process = torchrun(*fit_args(here, "gru", *PACE, *TWO, *more),
                       of=[*LOCAL, *launcher, f"--max_restarts={DEATHS}"])  # fmt: skip
    run = here / "logs/gru/version_0"
    before = 0
    for death in range(DEATHS):
        wait_for(lambda before=before: step(run) > before + 20, process)
        before = step(run)
        os.kill(workers(process)[death % 2], signal.SIGKILL)
    assert process.wait(120) == 0, (here / "0.txt").read_text()
    as_if_never_stopped(whole, run)
    assert [path.name for path in run.parent.iterdir()] == ["version_0"]
    print(f"{DEATHS} deaths of {DEATHS}, the last one after step {before}")  # noqa: T201


@pytest.fixture
def nodes():
    """Two network namespaces with an address each: what a command is started by there."""
    names = [f"lm{os.getpid() % 10**6}{side}" for side in "ab"]
    made = [["link", "add", names[0], "type", "veth", "peer", "name", names[1]]]
    for number, name in enumerate(names, 1):
        inside = ["-n", name]
        made[:0] = [["netns", "add", name]]
        made += [
            ["link", "set", name, "netns", name],
            [*inside, "addr", "add", f"10.77.0.{number}/24", "dev", name],
            [*inside, "link", "set", "lo", "up"],
            [*inside, "link", "set", name, "up"],
        ]
    if shutil.which("ip") is None or os.geteuid():
        pytest.skip("network namespaces need root, and iproute2")
    try:
        for args in made:
            done = subprocess.run(["ip", *args], capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"ip {' '.join(args)}: {done.stderr.strip()}")
        # Else a node that comes back waits in vain for an address that nobody tells it.
        own = "TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1"
        yield [
            ["ip", "netns", "exec", name, "env", own, f"GLOO_SOCKET_IFNAME={name}"]
            for name in names
        ]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def rendezvous(number, nnodes=2, **more):
    """A node's part in a job, which meets at the first one's address."""
    flags = {
        "nnodes": nnodes, "nproc_per_node": 1, "max_restarts": 5, "rdzv_backend": "c10d",
        "rdzv_id": "job", "rdzv_endpoint": "10.77.0.1:29400", "local_addr": f"10.77.0.{number}",
        "rdzv_conf": f"is_host={int(number == 1)},join_timeout=120", **more,
    }  # fmt: skip
    return [f"--{name}={value}" for name, value in flags.items()]


def test_a_node_gone_and_back(here, torchrun, whole, nodes):
    args = fit_args(here, "gru", *PACE, "--ckpt_path=auto", "--trainer.num_nodes=2",
                    "--trainer.devices=1", "--trainer.strategy=ddp")  # fmt: skip

    def node(number):
        return torchrun(*args, of=rendezvous(number), by=nodes[number - 1], name=f"node{number}")

    first, second = node(1), node(2)
    run = here / "logs/gru/version_0"
    wait_for(lambda: step(run) > 20, first)
    kill(second)
    wait_for(lambda: "connection to another" in (here / "node1.txt").read_text(), first)
    before = step(run)
    assert before < 300
    second = node(2)
    assert first.wait(120) == 0, (here / "node1.txt").read_text()
    assert second.wait(60) == 0, (here / "node2.txt").read_text()
    as_if_never_stopped(whole, run)
    assert [path.name for path in run.parent.iterdir()] == ["version_0"]
    again = torchrun(*fit_args(here, "gru", *PACE, "--ckpt_path=auto"), of=["--nproc_per_node=1"])
    assert again.wait(60) == 0
    assert "logs/gru/version_0 is finished" in (here / "0.txt").read_text()


def test_a_port_that_is_taken(here):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [sys.executable, ROOT / "main.py", *fit_args(here, "gru", *TWO)], cwd=here, text=True,
            capture_output=True, timeout=60, check=False,
            env={**os.environ, "MASTER_PORT": str(taken.getsockname()[1]),
                 "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
    assert done.returncode == 1
    assert "error: the processes of the run do not meet: " in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_comes(here):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]  # nobody listens there
        env = {"TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_USE_AGENT_STORE": "True", "RANK": "1",
               "LOCAL_RANK": "0", "WORLD_SIZE": "2", "GROUP_RANK": "1", "MASTER_ADDR": "127.0.0.1",
               "MASTER_PORT": str(port)}  # fmt: skip
        limit = ["--trainer.strategy.class_path=DDPStrategy", "--trainer.strategy.timeout=0:00:02",
                 "--trainer.num_nodes=2", "--trainer.devices=1"]  # fmt: skip
        done = subprocess.run(
            [sys.executable, ROOT / "main.py", *fit_args(here, "gru", *limit)], cwd=here, text=True,
            capture_output=True, timeout=60, check=False,
            env={**os.environ, **env, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
    assert done.returncode == 1
    assert re.fullmatch(r"error: the other processes are not found at 127.0.0.1:\d+: .*",
                        done.stderr.splitlines()[-1])  # fmt: skip
    assert "Traceback" not in done.stderr
