"""What can be pulled down: a copy of the project without it trains, tests, samples, and its suite
collects. Nothing else needs an edit."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WINGS = {
    "micrograd": [
        "src/litmore/micrograd",
        "configs/micrograd.yaml",
        "tests/micrograd",
        "benchmarks/micrograd.py",
        "notebooks/building_micrograd.ipynb",
        "notebooks/building_gpt.ipynb",
    ],
    "mixture": ["src/litmore/mixture.py", "configs/trained/mixture.yaml", "tests/test_mixture.py"],
    "completion": ["src/litmore/completion", "tests/completion"],
    "configs": ["src/litmore/configs", "tests/configs"],
    "schema": ["src/litmore/schema", "tests/schema"],
    "sweep": ["src/litmore/sweep", "configs/sweep", "tests/sweep", "benchmarks/sweep.py"],
    "compare": ["src/litmore/compare", "tests/compare", "benchmarks/compare.py"],
    "new": ["src/litmore/new", "tests/new", "tests/torture/test_new_projects.py"],
    "testing": [
        "src/litmore/testing",
        "tests/testing",
        "docs/testing.md",
        "tests/models/test_rules.py",
        "src/litmore/new",
        "tests/new",
        "tests/torture/test_new_projects.py",
    ],
    "export": ["src/litmore/export", "tests/export", "docs/export.md", "benchmarks/export.py"],
    "docs": ["docs", "tests/docs"],
    "notebooks": ["notebooks", "tests/test_notebooks.py"],
    "benchmarks": ["benchmarks", "tests/test_benchmarks.py"],
    "scripts": ["scripts", "tests/torture/slurm"],
    "job scripts": ["scripts/slurm", "tests/torture/slurm", "docs/cluster.md"],
    "one picture": ["src/litmore/watch/parts/heat_map.py", "tests/watch"],
    "lectures": ["configs/lecture", "scripts/lecture*.py", "tests/test_lectures.py"],
}
"""All of each, as globs: what it is, what shows it, what tests it."""

IN_THE_COPY = """
from pathlib import Path

import pytest

import litmore
from litmore.cli import main

assert Path(litmore.__file__).is_relative_to(Path.cwd()), litmore.__file__
small = ["--data.max_words=300", "--trainer.max_steps=4", "--trainer.accelerator=cpu"]
assert main(["fit", "--config=configs/mlp.yaml", *small]) == 0
assert main(["test", "--ckpt_path=best"]) == 0
assert main(["sample", "--ckpt_path=best", "--num_samples=3"]) == 0

# All is collected; what knows of files by name is run, but for what takes seconds.
plain = ["-q", "-p", "no:cacheprovider", "-o", "addopts=", "-o", "filterwarnings="]
by_name = "(test_docs or test_floors or test_notebooks) and not (it_runs or a_model or a_command)"
assert pytest.main([*plain, "-k", by_name, "tests"]) == 0
"""


@pytest.mark.torture
@pytest.mark.parametrize("wing", WINGS)
def test_it_stands_without(wing, tmp_path):
    copy = tmp_path / "litmore"
    shutil.copytree(
        ROOT, copy, ignore=shutil.ignore_patterns(".*", "logs", "shared", "build", "*.egg-info")
    )
    for pattern in WINGS[wing]:
        found = list(copy.glob(pattern))
        assert found, f"{pattern}: not there to be deleted"
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        [sys.executable, "-c", IN_THE_COPY],
        cwd=copy, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
