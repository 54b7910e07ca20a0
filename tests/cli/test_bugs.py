"""A bug keeps its traceback, whoever's it is; what a library says of its arguments is one line."""

import traceback

import pytest

from litmore.errors import InputError

BUGS = {
    "in the model's making": ("def __init__", "self.nonsense", AttributeError),
    "in a step": ("def training_step", "torch.zeros(2) @ torch.zeros(3)", RuntimeError),
    "in a step, of a value": ("def training_step", "int('three')", ValueError),
    "beside an InputError that it handles": ("def training_step", "lookup()", KeyError),
    "in setting up": ("def setup", "raise ValueError('mine')", ValueError),
    "in its optimizer": ("def configure_optimizers", "[][1]", IndexError),
}

MODEL = """
import torch
from litmore.errors import InputError
from litmore.models import MLP


def lookup():
    try:
        raise InputError("--data.path: handled")
    except InputError:
        raise KeyError("mine")


class Broken(MLP):
    def __init__(self, vocabulary: str, hidden_dim: int = 8):
        super().__init__(vocabulary, hidden_dim=hidden_dim)
        self.save_hyperparameters()
"""
BODY = """
    {method}(self, *args, **kwargs):
        {bug}
"""


@pytest.mark.parametrize(("method", "bug", "error"), BUGS.values(), ids=BUGS)
def test_a_users_bug_keeps_its_traceback(command_line, tmp_path, monkeypatch, method, bug, error):
    name = f"broken_{list(BUGS.values()).index((method, bug, error))}"
    body = f"        {bug}\n" if method == "def __init__" else BODY.format(method=method, bug=bug)
    (tmp_path / f"{name}.py").write_text(MODEL + body)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises((error, ValueError)) as raised:  # jsonargparse wraps one of the making
        command_line("fit", "--model", f"{name}.Broken", "--data.max_words", 50,
                     "--trainer.accelerator", "cpu", "--trainer.max_steps", 2)  # fmt: skip
    assert not isinstance(raised.value, InputError)
    shown = "".join(traceback.format_exception(raised.value))
    assert f"{name}.py" in shown
    assert f"\n{error.__name__}: " in shown


def test_a_users_callback_keeps_its_traceback(command_line, tmp_path, monkeypatch):
    (tmp_path / "broken_callback.py").write_text(
        "from lightning.pytorch import Callback\n"
        "class Broken(Callback):\n"
        "    def on_fit_start(self, trainer, pl_module):\n"
        "        raise ValueError('mine')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="mine"):
        command_line("fit", "--model", "MLP", "--data.max_words", 50, "--trainer.max_steps", 2,
                     "--trainer.callbacks+=broken_callback.Broken")  # fmt: skip


def test_no_optimizer_is_litmores_own(command_line):
    code, out, err = command_line("fit", "--model", "MLP", "--data.max_words", 300,
                                  "--trainer.max_steps", 30)  # fmt: skip
    assert code == 0, err
    assert "val/loss" in out
    assert "AdamW" in err


SURROUNDINGS = {
    "memory": ("torch.empty(1 << 50)", "error: not enough memory (tried to allocate "),
    "an array's memory": ("__import__('numpy').empty(1 << 45)", "error: not enough memory ("),
}


@pytest.mark.parametrize(("does", "says"), SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_memory_that_is_not_there_is_no_bug(command_line, tmp_path, monkeypatch, does, says):
    name = f"greedy_{list(SURROUNDINGS.values()).index((does, says))}"
    body = BODY.format(method="def training_step", bug=does)
    (tmp_path / f"{name}.py").write_text(MODEL + body)
    monkeypatch.syspath_prepend(tmp_path)
    limits = ["--data.max_words", 50, "--trainer.accelerator", "cpu", "--trainer.max_steps", 2]
    code, _, err = command_line("fit", "--model", f"{name}.Broken", *limits)
    assert code == 1
    last = err.splitlines()[-1]
    assert last.startswith(says)
    assert "--data.batch_size" in last


def test_a_place_where_a_library_cannot_write_is_no_bug(command_line, tmp_path):
    (tmp_path / "file").touch()
    code, _, err = command_line("fit", "--model", "MLP", "--data.max_words", 50,
                                "--trainer.max_steps", 2, "--trainer.logger", "CSVLogger",
                                "--trainer.logger.save_dir", "file")  # fmt: skip
    assert code == 1
    assert err.splitlines()[-1].endswith("file/lightning_logs: Not a directory")


def test_a_users_own_place_keeps_its_traceback(command_line, tmp_path, monkeypatch):
    body = BODY.format(method="def training_step", bug="open('/no/such/file')")
    (tmp_path / "lost_file.py").write_text(MODEL + body)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(FileNotFoundError):
        command_line("fit", "--model", "lost_file.Broken", "--data.max_words", 50,
                     "--trainer.accelerator", "cpu", "--trainer.max_steps", 2)  # fmt: skip
