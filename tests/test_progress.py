"""What is said while something takes long."""

import io
import sys

import pytest

from litmore.progress import aside, is_notebook, waiting


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "rank", "says"),
    [(Terminal, "0", True), (Terminal, "1", False), (io.StringIO, "0", False)],
)
def test_what_is_waited_for_is_said_on_a_terminal_and_wiped_out(monkeypatch, stream, rank, says):
    err = stream()
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setenv("LOCAL_RANK", rank)
    with waiting("starting"):
        assert err.getvalue() == ("starting …\r" if says else "")
    shown = err.getvalue().split("\r")
    assert shown == (["starting …", " " * len("starting …"), ""] if says else [""])


def test_in_a_notebook_hints_go_to_stdout(monkeypatch):
    """`tests/test_notebooks.py` asks a kernel; here is a stream of its kind."""
    assert not is_notebook()
    assert aside() is sys.stderr
    kernels = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})
    monkeypatch.setattr("sys.stderr", kernels())
    assert is_notebook()
    assert aside() is sys.stdout
