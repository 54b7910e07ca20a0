"""Fixtures that several tests share; litmore itself is imported by the tests, once checked."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
import yaml
from hypothesis import settings
from lightning.pytorch import Trainer

settings.register_profile("same every time", derandomize=True, deadline=None, database=None)
settings.load_profile("same every time")

ROOT = Path(__file__).parents[1]

collect_ignore = [] if hasattr(os, "killpg") else [
    "cli/test_processes.py", "cli/test_refuse.py", "cli/test_slurm.py", "compare/test_compare.py",
    "corpus/test_mapped.py", "corpus/test_text.py", "export/test_command.py",
    "parity/test_resume.py", "runs/test_agreement.py", "runs/test_signals.py",
    "runs/test_survive.py", "sweep/test_sweep.py", "test_locks.py", "test_system.py",
]  # fmt: skip
"""On Windows, what sends signals, limits memory, makes devices or takes rights from a file."""


def pytest_configure(config: pytest.Config) -> None:
    """One thread a process, and no error where Lightning itself is what torch warns of."""
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    for message in (
        r".*isinstance\(treespec, LeafSpec\)` is deprecated:FutureWarning",
        ".*Total length of `list` across ranks is zero",  # a split that is left out
        ".*configure_optimizers` returned `None`",  # as the counting model's does
        "The `srun` command is available on your system but is not used",  # on a login node
    ):
        config.addinivalue_line("filterwarnings", f"ignore:{message}")


def _environment() -> Iterator[None]:
    """Leave nothing of a run behind: it would be the next one's seed, or one of several processes.

    What a package sets as it is imported stays.
    """
    names = ("PL_GLOBAL_SEED", "MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK",
             "WORLD_SIZE")  # fmt: skip
    before = {name: os.environ.get(name) for name in names}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


of_module = pytest.fixture(_environment, scope="module", autouse=True)
of_test = pytest.fixture(_environment, autouse=True)


@pytest.fixture(scope="session")
def makemore_names() -> Path:
    """The lectures' own names.txt, which is not part of the project."""
    return _fetched("makemore")


@pytest.fixture(scope="session")
def shakespeare() -> Path:
    """The char-rnn project's tiny Shakespeare, which is not part of the project."""
    return _fetched("shakespeare")


def _fetched(name: str) -> Path:
    from litmore.corpus.download import cached

    config = ROOT / "configs" / "data" / f"{name}.yaml"
    data = yaml.safe_load(config.read_text())["data"]
    settings = data.get("init_args", data)
    path = cached(settings["url"], settings["sha256"])
    if path is None:
        pytest.skip(f"was never fetched: {config.relative_to(ROOT)} does it")
    return path


@pytest.fixture
def word_file(tmp_path: Path) -> Callable[[Iterable[str]], str]:
    """Write words one a line; the file's path."""

    def write(words: Iterable[str], name: str = "words.txt") -> str:
        path = tmp_path / name
        path.write_text("".join(f"{word}\n" for word in words), encoding="utf-8", newline="")
        return str(path)

    return write


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command_line(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command line of this process, in an empty folder: exit code, stdout, stderr."""
    from litmore.cli import main

    def run(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(arg) for arg in args])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def trainer(tmp_path: Path) -> Callable[..., Trainer]:
    """Make a Trainer on the CPU that writes and prints nothing."""

    def make(**flags: Any) -> Trainer:
        quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
        return Trainer(
            accelerator="cpu",
            devices=1,
            default_root_dir=tmp_path,
            **dict.fromkeys(quiet, False) | flags,
        )

    return make


@pytest.fixture
def seed_everything() -> Callable[[int], None]:
    """Lightning's `seed_everything`, in silence."""
    return lambda seed: lightning.seed_everything(seed, verbose=False)
