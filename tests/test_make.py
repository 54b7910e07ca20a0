"""What `make` says."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_its_targets_fit_on_a_terminal():
    said = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert "  make fit " in said
    assert max(map(len, said.splitlines())) <= 80
