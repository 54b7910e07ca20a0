"""A machine of a cluster: Slurm's `srun` is on the PATH."""

import os
import warnings

import pytest


@pytest.fixture
def srun(tmp_path, monkeypatch):
    """An executable of that name, and Python's own way with warnings."""
    program = tmp_path / "bin" / "srun"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        yield caught


def test_no_command_hints_at_it(srun, command_line, word_file):
    words = word_file(["emma", "olivia", "ava"] * 9)
    small = ["--data.path", words, "--data.block_size", 1, "--trainer.max_epochs", 1]
    assert command_line("fit", "--model", "CountBigram", *small)[0] == 0
    assert command_line("validate", "--ckpt_path", "last")[0] == 0
    assert not [str(warning.message) for warning in srun if "srun" in str(warning.message)]
