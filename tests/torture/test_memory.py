"""A corpus larger than the memory that a process may take trains all the same."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
MAY_TAKE = 256 << 20
SIZE = 320 << 20

pytestmark = pytest.mark.torture

# RLIMIT_DATA holds what is private and writable: what no file stands behind.
LIMITED = f"""
import resource, sys
import litmore.callbacks, litmore.cli.run, litmore.models
taken = int(open("/proc/self/status").read().split("VmData:")[1].split()[0]) << 10
resource.setrlimit(resource.RLIMIT_DATA, (taken + {MAY_TAKE},) * 2)
sys.exit(litmore.cli.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def folder():
    """Where the corpus lies, in words.txt; gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        generator = np.random.default_rng(0)
        letters = np.frombuffer(b"abcdefgh\n", dtype=np.uint8)
        with (Path(name) / "words.txt").open("wb") as file:
            for _ in range(SIZE >> 22):
                file.write(letters[generator.integers(0, len(letters), 1 << 22)].tobytes())
        yield Path(name)


def fit(folder, *args):
    settings = ["--config", ROOT / "configs" / "mlp.yaml", "--data.path", folder / "words.txt",
                "--trainer.accelerator", "cpu", "--trainer.max_steps", "5",
                "--trainer.limit_val_batches", "2"]  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", LIMITED, "fit", *map(str, settings), *args],
        cwd=folder,
        env=os.environ | {"LITMORE_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1",
                          "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )  # fmt: skip


def test_a_corpus_larger_than_the_memory_trains(folder):
    assert (folder / "words.txt").stat().st_size == SIZE > MAY_TAKE
    for view in ("counts", "windows"):  # the second one from the cache
        done = fit(folder, "--data.view", view)
        assert done.returncode == 0, done.stderr
        assert "val/loss" in done.stdout
    done = fit(folder, "--data.view", "windows", "--data.memory_map", "false")
    assert done.returncode == 2
    assert "words.txt: larger than the memory there is; --data.memory_map true" in done.stderr
