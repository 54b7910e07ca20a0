"""What to type, by how the process was started."""

import sys
import sysconfig
from pathlib import Path

import pytest

import litmore
from litmore import program
from litmore.runs.trust import importable

PACKAGE = Path(litmore.__file__).parent


@pytest.mark.parametrize(
    ("script", "typed"),
    [
        ("main.py", "python main.py"),
        ("/else where/main.py", "python '/else where/main.py'"),
        ("/venv/bin/litmore", "litmore"),
        ("C:/venv/Scripts/litmore.exe", "litmore"),
        (str(PACKAGE / "__main__.py"), "python -m litmore"),
        ("-c", "python main.py"),
        ("", "python main.py"),
        ("/venv/bin/pytest", "python main.py"),
    ],
)
def test_it_is_what_was_typed(monkeypatch, script, typed):
    monkeypatch.setattr(sys, "argv", [script])
    assert program.program() == typed


def test_installed_the_script_is_there(monkeypatch):
    monkeypatch.setattr(program, "CHECKOUT", None)
    monkeypatch.setattr(sys, "argv", ["/venv/bin/pytest"])
    assert program.program() == "litmore"


def test_what_lies_beside_litmores_own_scripts_is_not_trusted(monkeypatch, tmp_path):
    beside = tmp_path / "beside"
    beside.mkdir()
    (beside / "own_model_beside.py").write_text("")
    monkeypatch.syspath_prepend(beside)
    monkeypatch.setattr(sys, "argv", [str(beside / "main.py")])
    assert "own_model_beside" in importable(False)
    monkeypatch.setattr(sys, "argv", [str(beside / "litmore")])
    assert "own_model_beside" not in importable(False)


def test_what_lies_beside_a_notebooks_kernel_is_not_trusted(monkeypatch):
    installed = Path(sysconfig.get_path("purelib"))
    monkeypatch.setattr(sys, "argv", [str(installed / "ipykernel_launcher.py")])
    assert importable(False).isdisjoint({"jsonargparse", "numpy", "pytest"})
