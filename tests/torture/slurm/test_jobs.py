"""Jobs of a real Slurm: what is shipped in `scripts/slurm`, preempted, timed out, drained, requeued."""

import random
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pytest
import torch

from cluster import Cluster, missing
from litmore.cli import main
from survival import ROOT, as_if_never_stopped, differences, fit_args, state

pytestmark = [pytest.mark.torture, pytest.mark.skipif(bool(missing()), reason=missing())]

PREEMPTIONS = 10


@pytest.fixture(scope="module")
def cluster():
    folder = Path(tempfile.mkdtemp(prefix="slurm"))  # a socket's path must be short
    try:
        with Cluster(folder) as cluster:
            yield cluster
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def home(here, cluster, monkeypatch):
    """A clone to submit from, with a cluster whose jobs end with the test."""
    (here / ".venv").symlink_to(sys.prefix)
    for name in ("main.py", "configs", "scripts"):
        (here / name).symlink_to(ROOT / name)
    monkeypatch.setitem(cluster.environment, "PYTHONPATH", f"{ROOT / 'tests'}:{ROOT / 'src'}")
    monkeypatch.setitem(cluster.environment, "MASTER_ADDR", "127.0.0.1")  # no name server has n0
    monkeypatch.setitem(cluster.environment, "OMP_NUM_THREADS", "1")
    yield here
    cluster.empty()


@pytest.fixture
def submit(home, cluster):
    def submit(script, *args, by=()):
        told = cluster.run("sbatch", *by, f"scripts/slurm/{script}.sbatch", *args)
        return told.removeprefix("Submitted batch job ").strip()

    return submit


def args_of(here, name, *more):
    """What `fit` is told, without the command itself."""
    return fit_args(here, name, *more)[1:]


def log(number):
    path = Path(f"slurm-{number}.log")
    return path.read_text() if path.exists() else ""
