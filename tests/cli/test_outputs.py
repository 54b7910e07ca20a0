"""Whatever stdout and stderr are, and whatever becomes of them, a command does its work."""

import io
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Callback

from litmore.cli import main

ROOT = Path(__file__).parents[2]
WORDS = ["安娜", "玛丽", "Ёлка", "née", "👩‍🚀"] * 20


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a corpus of several scripts, and a run on it."""
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "words.txt").write_text("\n".join(WORDS), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        fit = ["--model=CountBigram", "--data.path=words.txt", "--data.block_size=1"]
        assert main(["fit", *fit, "--trainer.max_epochs=1", "--run_name=counts"]) == 0
    return folder


def test_in_a_notebook_errors_alone_are_on_stderr(trained, monkeypatch, capsys):
    monkeypatch.chdir(trained)
    kernels = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})
    err = kernels()
    monkeypatch.setattr(sys, "stderr", err)
    assert main(["sample", "--ckpt_path=last", "--num_samples=3"]) == 0
    assert "names are new" in capsys.readouterr().out
    assert sys.stderr is err
    assert err.getvalue() == ""
    assert main(["sample", "--ckpt_path=nowhere.ckpt"]) == 2
    assert err.getvalue().startswith("error: --ckpt_path nowhere.ckpt")


class Terminal(io.TextIOWrapper):
    """One of an encoding of its own."""

    def isatty(self):
        return True


@pytest.mark.parametrize("kind", [io.TextIOWrapper, Terminal])
@pytest.mark.parametrize("command", ["sample", "predict", "fit"])
def test_any_character_can_be_printed(trained, monkeypatch, kind, command):
    monkeypatch.chdir(trained)
    out, err = io.BytesIO(), io.BytesIO()
    monkeypatch.setattr(sys, "stdout", kind(out, encoding="cp1252"))
    monkeypatch.setattr(sys, "stderr", kind(err, encoding="ascii"))
    args = {
        "sample": ["--ckpt_path=last", "--run_name=counts"],
        "predict": ["--ckpt_path=last", "--data.predict_path=words.txt", "--run_name=counts"],
        "fit": ["--model=CountBigram", "--data.path=words.txt", "--data.block_size=1",
                "--trainer.max_epochs=1", "--run_name=more"],
    }  # fmt: skip
    assert main([command, *args[command]]) == 0
    sys.stdout.flush()
    if kind is Terminal:
        assert "\\u" in out.getvalue().decode("cp1252")
    else:
        assert any(ord(character) > 0x4DFF for character in out.getvalue().decode("utf-8"))


COMMANDS = {
    "sample": ["sample", "--ckpt_path=last", "--run_name=counts"],
    "predict": ["predict", "--ckpt_path=last", "--data.predict_path=words.txt"],
    "print_config": ["fit", "--model=CountBigram", "--print_config"],
    "compare": ["compare"],
}


FULL = (">/dev/full", "error: stdout cannot be written: No space left on device")
CLOSED = (">&-", "error: stdout is closed: the result has nowhere to go")
TRIED = [
    pytest.param(command, *stream, marks=[] if name in quick else pytest.mark.torture)
    for stream, quick in ((FULL, {"predict", "compare"}), (CLOSED, {"sample"}))
    for name, command in COMMANDS.items()
]


@pytest.mark.parametrize(("args", "shell", "says"), TRIED)
def test_a_result_that_cannot_be_written_is_an_error(trained, args, shell, says):
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {shell}', "sh", sys.executable, ROOT / "main.py", *args],
        cwd=trained, stderr=subprocess.PIPE, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "LITMORE_CHECKPOINT": ""},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == says


@pytest.mark.torture
def test_a_reader_that_leaves_loses_no_training(trained):
    """Of either stream, while it trains."""
    steps = 2000
    fit = ["--model=MLP", "--data.max_words=60", "--optimizer=SGD", "--optimizer.lr=0.01",
           f"--trainer.max_steps={steps}", "--run_name=alone"]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, ROOT / "main.py", "fit", *fit],
        cwd=trained, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    process.stdout.close()
    process.stderr.readline()
    process.stderr.close()
    assert process.wait(120) == 0
    last = trained / "logs/alone/version_0/checkpoints/last.ckpt"
    assert torch.load(last, weights_only=True)["global_step"] == steps


@pytest.fixture
def screen(monkeypatch, here):
    """Train; the exit code, and what a terminal of 60 columns has been sent on stderr."""

    def screen(*args, callbacks=()):
        monkeypatch.setenv("COLUMNS", "60")
        stream = Terminal(io.BytesIO(), encoding="utf-8")
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", stream)
            code = main([*FIT, *args], callbacks)
        stream.seek(0)
        return code, stream.read().replace("\r", "\n").splitlines()

    return screen


FIT = ["fit", "--model=MLP", "--data.max_words=60", "--optimizer=SGD", "--optimizer.lr=0.01"]


def test_what_others_say_stands_above_the_bar(screen, monkeypatch):
    def shown(message, *where):
        """As without pytest."""
        sys.stderr.write(f"{message}\n")

    monkeypatch.setattr(warnings, "showwarning", shown)

    class Warns(Callback):
        def on_train_batch_end(self, trainer, *args):
            if trainer.global_step == 5:
                warnings.showwarning("five is many", UserWarning, "five.py", 5)

    early = ["monitor=val/loss", "patience=0", "min_delta=10", "verbose=true"]
    flags = [
        "--trainer.callbacks=EarlyStopping",
        *(f"--trainer.callbacks.{each}" for each in early),
    ]
    code, lines = screen(*flags, "--trainer.max_epochs=3", callbacks=[Warns()])
    assert code == 0
    for said in ("Metric val/loss improved", "five is many"):
        assert any(line.startswith(said) for line in lines)
    assert any(line.rstrip().endswith("step/s") for line in lines)
    assert not any("left," in line and ("etric" in line or "five" in line) for line in lines)


def test_a_command_to_be_copied_is_not_broken(screen):
    class Interrupting(Callback):
        def on_train_batch_start(self, *args):
            signal.raise_signal(signal.SIGINT)

    code, lines = screen("--trainer.max_steps=3", callbacks=[Interrupting()])
    assert code == 130
    command = lines[lines.index("SIGINT: saved at step 1. Go on with:") + 1]
    assert command.endswith("fit --ckpt_path logs/mlp/version_0/checkpoints/last.ckpt")
