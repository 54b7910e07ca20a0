"""Jobs of a real Slurm: what `scripts/slurm` ships, preempted, timed out, moved, cancelled."""

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest
from cluster import Cluster, missing

from litmore.cli import main
from litmore.runs.summary import read_summary
from survival import ROOT, as_if_never_stopped, fit_args

pytestmark = [pytest.mark.torture, pytest.mark.skipif(bool(missing()), reason=missing())]

PREEMPTIONS = 10
BEGUN = "characters to predict"
"""What a start of a run says before its first step."""

LONG = ["--trainer.max_steps=1500", "--trainer.val_check_interval=250",
        "--trainer.log_every_n_steps=50"]  # fmt: skip
PACED = ["--save_every=0.1", "--trainer.callbacks+=survival.Pace",
         "--trainer.callbacks.seconds=0.01"]  # fmt: skip
SLOW = [*PACED[:-1], "--trainer.callbacks.seconds=0.2"]


@pytest.fixture(scope="module")
def cluster():
    folder = Path(tempfile.mkdtemp(prefix="slurm"))  # a socket's path must be short
    try:
        with Cluster(folder) as cluster:
            yield cluster
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def submit(here, cluster, monkeypatch):
    """Submit one of the scripts from a clone; the job's number. No job outlives the test."""
    (here / ".venv").symlink_to(sys.prefix)
    for name in ("main.py", "configs", "scripts"):
        (here / name).symlink_to(ROOT / name)
    for name, value in {
        "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'src'}",
        "MASTER_ADDR": "127.0.0.1",  # no name server knows of n0
        "OMP_NUM_THREADS": "1",
    }.items():
        monkeypatch.setitem(cluster.environment, name, value)

    def submit(script, *args, by=()):
        told = cluster.run("sbatch", *by, f"scripts/slurm/{script}.sbatch", *args)
        return told.removeprefix("Submitted batch job ").strip()

    yield submit
    cluster.empty()
    assert not [*here.rglob("hpc_ckpt*")]


@pytest.fixture
def preempt(cluster):
    """Take all nodes away for a moment, and give them back."""

    def preempt():
        told = cluster.run("sbatch", "--partition=high", "--nodes=2", "--exclusive",
                           "--output=/dev/null", "--wrap=true")  # fmt: skip
        higher = told.split()[-1]
        cluster.wait_for(lambda: cluster.job(higher).get("JobState") == "COMPLETED", 90)

    return preempt


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run as it is if nothing happens to it."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PL_GLOBAL_SEED", "0")
        assert main(["fit", *args(folder, "mlp", *LONG)]) == 0
    return folder / "logs/mlp/version_0"


def args(here, name, *more):
    """What follows `fit`, which the scripts say themselves."""
    return fit_args(here, name, "--tensorboard.every_n_steps=0", *more)[1:]


def log(number):
    path = Path(f"slurm-{number}.log")
    return path.read_text() if path.exists() else ""


def is_running(cluster, number):
    return cluster.job(number).get("JobState") == "RUNNING"


def starts(cluster, number):
    """Wait until the job runs."""
    cluster.wait_for(
        lambda: is_running(cluster, number), told=lambda: f"{cluster.job(number)} {log(number)}"
    )


def trains(cluster, *names):
    """Wait until the runs of these names have begun, and saved."""
    cluster.wait_for(lambda: all([*Path("logs", name).glob("*/*/last.ckpt")] for name in names))


def ends(cluster, number, seconds=120):
    """What Slurm says of the job at its end, however often it is requeued before."""
    ended = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED")

    def is_over():
        return cluster.job(number)["JobState"] in ended

    cluster.wait_for(is_over, seconds, told=lambda: f"{cluster.job(number)} {log(number)}")
    return cluster.job(number)


@pytest.mark.long
def test_ten_preemptions_change_nothing(here, cluster, submit, preempt, whole):
    job = submit("one_node", *args(here, "mlp", *LONG, *PACED))
    moments = random.Random(1)
    survived = 0
    while survived < PREEMPTIONS:
        begun = log(job).count(BEGUN)
        starts(cluster, job)
        if survived % 2:
            cluster.wait_for(lambda begun=begun: log(job).count(BEGUN) > begun)
        time.sleep(moments.uniform(0, 3))  # of the start, which takes some four, or of training
        assert is_running(cluster, job), log(job)
        preempt()
        survived += 1
        assert int(cluster.job(job)["Restarts"]) == survived, log(job)
    assert ends(cluster, job)["JobState"] == "COMPLETED", log(job)
    assert [path.name for path in Path("logs/mlp").iterdir()] == ["version_0"]
    as_if_never_stopped(whole, here / "logs/mlp/version_0")
    stops = log(job).count("SIGTERM: saved at step")
    print(f"{survived} preemptions, {stops} of them in training, finished bit-equal")  # noqa: T201
    assert stops >= PREEMPTIONS / 4


@pytest.mark.long
def test_a_job_out_of_time_goes_on_in_its_next_turn(here, cluster, submit, whole):
    warned = submit("one_node", *args(here, "mlp", *LONG, *PACED, "--run_name=warned"))
    ended = submit("one_node", *args(here, "mlp", *LONG, *PACED, "--run_name=ended"),
                   by=["--signal=URG@1"])  # fmt: skip
    trains(cluster, "warned", "ended")
    cluster.run("scontrol", "update", f"job={warned}", "EndTime=now+100")
    cluster.run("scontrol", "update", f"job={ended}", "EndTime=now+1")
    for job, name, number in ((warned, "warned", "SIGUSR1"), (ended, "ended", "SIGTERM")):
        cluster.wait_for(lambda job=job: f"job {job} is requeued" in log(job), 240)
        assert f"{number}: saved at step" in log(job)
        # It may have finished by now.
        cluster.run("scontrol", "update", f"job={job}", "TimeLimit=10", check=False)
        job_ = ends(cluster, job)
        assert (job_["JobState"], job_["Restarts"]) == ("COMPLETED", "1"), log(job)
        as_if_never_stopped(whole, here / "logs" / name / "version_0")


@pytest.mark.long
def test_a_drained_node_gives_its_job_to_another(here, cluster, submit, whole):
    job = submit("one_node", *args(here, "mlp", *LONG, *PACED))
    trains(cluster, "mlp")
    node = cluster.job(job)["NodeList"]
    cluster.run("scontrol", "update", f"node={node}", "state=drain", "reason=test")
    cluster.run("scontrol", "requeue", job)
    cluster.wait_for(lambda: cluster.job(job)["JobState"] == "PENDING")
    ended = ends(cluster, job)
    assert (ended["JobState"], ended["Restarts"]) == ("COMPLETED", "1"), log(job)
    assert ended["NodeList"] != node
    assert "SIGTERM: saved at step" in log(job)
    assert f"job {job} is not requeued: it was cancelled, or is requeued already" in log(job)
    as_if_never_stopped(whole, here / "logs/mlp/version_0")


@pytest.mark.long
def test_what_is_cancelled_or_must_not_be_requeued_stays_ended(here, cluster, submit, preempt):
    cancelled = submit("one_node", *args(here, "gru", *SLOW, "--run_name=cancelled"))
    once = submit("one_node", *args(here, "gru", *SLOW, "--run_name=once"), by=["--no-requeue"])
    trains(cluster, "cancelled", "once")
    cluster.run("scancel", cancelled)
    preempt()
    assert ends(cluster, cancelled)["JobState"] == "CANCELLED"
    assert f"job {cancelled} is not requeued: it was cancelled" in log(cancelled)
    ended = ends(cluster, once)
    assert ended["Restarts"] == "0"
    assert f"job {once} is not requeued: scontrol says: " in log(once)
    for job in (cancelled, once):
        assert "SIGTERM: saved at step" in log(job)


def test_two_tasks_stop_at_one_step_whichever_is_told(here, cluster, submit):
    two = ["--ntasks-per-node=1"]
    more = ["--trainer.max_steps=30"]
    undisturbed = submit("several_nodes", *args(here, "gru", *more, "--run_name=whole"), by=two)
    assert ends(cluster, undisturbed)["JobState"] == "COMPLETED", log(undisturbed)
    job = submit("several_nodes", *args(here, "gru", *more, *SLOW), by=two)
    trains(cluster, "gru")
    os.kill(_pid(job, rank=1), signal.SIGUSR1)
    ended = ends(cluster, job)
    assert (ended["JobState"], ended["Restarts"]) == ("COMPLETED", "1"), log(job)
    assert log(job).count("SIGUSR1: saved at step") == 1
    assert log(job).count("is requeued") == 1
    as_if_never_stopped(here / "logs/whole/version_0", here / "logs/gru/version_0")


def _pid(job, rank):
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:  # it has gone
            continue
        if {b"SLURM_JOB_ID=%d" % int(job), b"SLURM_PROCID=%d" % rank} <= set(words):
            name = (path.parent / "comm").read_text()
            if name.startswith("python"):
                return int(path.parent.name)
    raise AssertionError(f"no task {rank}")


def test_an_array_of_seeds_is_requeued_element_by_element(here, cluster, submit, preempt):
    array = submit("seeds", *args(here, "gru", *SLOW), by=["--array=1-3"])
    jobs = [f"{array}_{seed}" for seed in (1, 2, 3)]
    cluster.wait_for(lambda: len([*Path("logs/gru").rglob("last.ckpt")]) == 3)
    preempt()
    for job in jobs:
        ended = ends(cluster, job)
        assert (ended["JobState"], ended["Restarts"]) == ("COMPLETED", "1"), log(job)
        assert f"job {job} is requeued" in log(job)
    found = [read_summary(run) for run in Path("logs/gru").iterdir()]
    assert {(run.status, run.config["seed_everything"]) for run in found} == {
        ("finished", seed) for seed in (1, 2, 3)
    }
    assert len(found) == 3


@pytest.mark.long
def test_a_sweep_goes_on_after_a_preemption(here, cluster, submit, preempt):
    array = submit("sweep", *args(here, "gru", *SLOW), "--seeds=3",
                   by=["--array=1-2", "--cpus-per-task=1"])  # fmt: skip
    jobs = [f"{array}_{task}" for task in (1, 2)]
    cluster.wait_for(lambda: len([*Path("logs").rglob("last.ckpt")]) >= 2)
    preempt()
    for job in jobs:
        assert ends(cluster, job)["JobState"] == "COMPLETED", log(job)
        assert f"job {job} is requeued" in log(job)
    runs = [path.parent for path in Path("logs").rglob("summary.json")]
    assert [read_summary(run).status for run in runs] == ["finished"] * 3
