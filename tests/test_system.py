"""What systems do differently: here as on Windows, as far as that goes on another one."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from litmore import system

ROOT = Path(__file__).parents[1]
FIT = ["fit", "--config=mlp", "--data.max_words=300", "--trainer.accelerator=cpu"]
FIT += ["--trainer.enable_progress_bar=false", "--trainer.max_steps=4"]
LAST = "--ckpt_path=logs/mlp/version_0/checkpoints/last.ckpt"
GOES_ON = f"""
import os, signal, sys
from pathlib import Path
from litmore.cli import main
from litmore.locks import Lock
from litmore.runs import signals

assert not hasattr(os, "killpg") and not hasattr(signal, "SIGHUP")
assert len(signals.STOPPING) == 2
fit = {FIT}
assert main([*fit, "--data.memory_map=true"]) == 0
assert main([*fit, "{LAST}", "--trainer.max_steps=8"]) == 0
assert main([*fit, "--data.shuffle=maybe"]) == 2
assert main(["test", "{LAST}"]) == 0
assert main(["sample", "{LAST}", "--num_samples=3"]) == 0
run = Path("logs/mlp/version_0")
assert not (run / ".lease").exists()
lock = Lock(run, run / ".lease", "another process is training in it")
assert lock.take()
other = Lock(run, run / ".lease", "this one")
assert not other.take()
lock.release()
"""


@pytest.fixture
def as_windows(here):
    """Run Python in a process that has not what Windows has not."""
    (here / "sitecustomize.py").write_text("import as_windows\n")
    paths = [here, ROOT / "tests", ROOT / "src"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    environment |= {"LITMORE_CACHE": str(here / "cache")}

    def run(*args):
        return subprocess.run(
            [sys.executable, *args], env=environment, text=True, check=False,
            capture_output=True, timeout=500,
        )  # fmt: skip

    return run


def test_it_trains_goes_on_judges_and_samples(as_windows):
    done = as_windows("-c", GOES_ON)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("val/loss") == 2
    assert "saved" not in done.stderr


@pytest.mark.torture
def test_it_sweeps(as_windows):
    done = as_windows("-m", "litmore", "sweep", *FIT[1:], "--seeds=2", "--jobs=2")
    assert done.returncode == 0, done.stderr
    assert "(2 seeds)" in done.stdout


def test_when_a_process_was_started_is_known():
    begun = time.time()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert begun - 2 < system.started(process.pid) < time.time() + 1
        process.stdin.write(b"\n")


def test_so_it_is_without_proc(monkeypatch):
    """As on macOS, by `ps`."""
    known = system.started(os.getpid())
    monkeypatch.setattr(Path, "exists", lambda path: False)
    assert known - 3 < system.started(os.getpid()) <= known + 1
    monkeypatch.setenv("PATH", "")
    assert system.started(os.getpid()) == 0


def test_a_path_on_another_drive_is_shown_whole(monkeypatch):
    def no_way(path):
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    assert system.relative(Path.cwd() / "logs") == "logs"
    monkeypatch.setattr(os.path, "relpath", no_way)
    assert system.relative(Path("/logs")) == str(Path("/logs"))


def test_a_shell_takes_a_quoted_word_as_it_was(monkeypatch):
    assert system.quoted("sample", "the first's") == """sample 'the first'"'"'s'"""
    monkeypatch.delattr(os, "killpg")
    assert system.quoted("the first") == '"the first"'
