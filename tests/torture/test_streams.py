"""What goes to stdout: memory does not grow with it, and a reader may leave."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.torture

PEAK = """
import resource, sys
from litmore.cli import main
code = main(sys.argv[1:])
sys.stderr.write(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}\\n")
sys.exit(code)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where a counted bigram lies in logs/."""
    folder = tmp_path_factory.mktemp("streams")
    config = ROOT / "configs" / "bigram_counts.yaml"
    fit = ["fit", "--config", config, "--trainer.accelerator", "cpu"]
    start(folder, [ROOT / "main.py"], fit).communicate(timeout=120)
    return folder


def start(folder, script, args, stdout=subprocess.PIPE):
    command = [sys.executable, *script, *args]
    return subprocess.Popen(
        list(map(str, command)),
        cwd=folder,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )


def peak_kilobytes(folder, number):
    args = ["sample", "--ckpt_path", "last", "--num_samples", number]
    process = start(folder, ["-c", PEAK], args, stdout=subprocess.DEVNULL)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return int(err.split("peak ")[1])


@pytest.mark.long
def test_a_million_names_need_no_more_memory_than_some(folder):
    some, million = peak_kilobytes(folder, 20_000), peak_kilobytes(folder, 1_000_000)
    assert million < some + 20_000  # as text alone the names are 7,000 kB, as objects 60,000


@pytest.mark.parametrize(
    "args",
    [["--help"], ["fit", "--help"], ["fit", "--print_config"],
     ["predict", "--ckpt_path", "last", "--data.predict_path", ROOT / "src/litmore/data/names.txt"],
     ["validate", "--ckpt_path", "last"], ["sample", "--ckpt_path", "last"]],
    ids=lambda args: " ".join(map(str, args[:2])),
)  # fmt: skip
def test_a_reader_that_left_is_no_error(folder, args):
    read, write = os.pipe()
    os.close(read)
    process = start(folder, [ROOT / "main.py"], args, stdout=write)
    os.close(write)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0
    assert [line for line in err.splitlines() if "Error" in line or "Exception" in line] == []
