"""What lies around a process is looked at before anything relies on it."""

import os

import pytest

from litmore.cli import main
from litmore.cli.surroundings import COUNTED, THREADS


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("value", ["", "abc", "-1", "²", "1.0"])
def test_what_counts_something_must_be_a_number(monkeypatch, capsys, name, value):
    monkeypatch.setenv(name, value)
    assert main(["validate", "--ckpt_path", "last"]) == 2
    assert capsys.readouterr().err.startswith(f"error: {name}={value!r} in the environment: must ")


@pytest.mark.parametrize("name", THREADS)
def test_more_threads_than_can_be_are_refused(monkeypatch, capsys, name):
    monkeypatch.setenv(name, "100000")
    assert main(["sample", "--ckpt_path", "last"]) == 2
    assert f"error: {name}=100000 in the environment: " in capsys.readouterr().err


@pytest.mark.parametrize("args", [["fit"], ["sample"], ["compare"], ["--help"], []])
def test_a_working_directory_that_is_gone_is_one_line(tmp_path, monkeypatch, capsys, args):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert main(args) == 2
    says = "error: the working directory cannot be used (No such file or directory): cd to one"
    assert capsys.readouterr().err.startswith(says)
    os.chdir(tmp_path)
