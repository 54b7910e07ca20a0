"""Run folders, `logs/<name>/version_N/`, and the checkpoints in them."""

import os
import re
import shutil
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from litmore.errors import InputError, RunError
from litmore.files import LONGEST_NAME, here
from litmore.locks import Lock, is_held
from litmore.system import relative

if TYPE_CHECKING:
    from lightning.pytorch import Trainer

LOGS = "logs"
"""The folder of all runs, where `--trainer.default_root_dir` names no other."""

CHECKPOINTS = "checkpoints"
CONFIG = "config.yaml"
VERSIONS = "versions.yaml"
EVENTS = "events.out.tfevents.*"
TABLE = "metrics.csv"
NAMED = ("last", "best")
"""Checkpoints that `--ckpt_path` knows by name; in a run's folder they are `<name>.ckpt`."""

AUTO = "auto"
"""To `fit`, `last` of the run that the same command line has begun (`litmore.runs.begun`)."""

LEASE = ".lease"
"""The file that tells other machines that a process is training in the folder."""

ROOT = "--trainer.default_root_dir"
"""The flag that names the folder of all runs."""

_VERSION = re.compile(r"version_(\d+)")


def is_first_process() -> bool:
    """Whether this is the one that writes and prints."""
    from lightning.pytorch.utilities import rank_zero_only

    return int(getattr(rank_zero_only, "rank", 0) or 0) == 0


def check_name(flag: str, name: str) -> str:
    """The name that a flag gives a folder of runs.

    Raises:
        InputError: it would lie elsewhere, or no folder can be called so.

    """
    if Path(name).name != name or name == ".." or "\0" in name:
        raise InputError(f"{flag} {name}: a name, not a path")
    if len(os.fsencode(name)) > LONGEST_NAME:
        raise InputError(f"{flag} {name}: too long; a name has {LONGEST_NAME} bytes at most")
    return name


class RunFolder:
    """One run's folder, made when the first thing is written to it and not before.

    Args:
        root: the logs folder.
        name: of the run, the folder below it.
        path: an earlier run's folder, to go on in.

    """

    def __init__(self, root: Path, name: str, path: Path | None = None) -> None:
        self.root = root
        self.name = name
        self.path = path
        self._lock: Lock | None = None

    def lock(self) -> None:
        """Let no other process train in the folder, for as long as this one lives.

        Raises:
            InputError: another one does.

        """
        assert self.path is not None
        held = f"another process is training in {relative(self.path)}"
        self._lock = Lock(self.path, self.path / LEASE, held)
        if not self._lock.take():
            raise InputError(f"--ckpt_path: {held}")

    def unlock(self) -> None:
        """Let another one."""
        if self._lock is not None:
            self._lock.release()

    @property
    def is_lost(self) -> bool:
        """Whether another machine's process goes on here, as this one gave no sign of life."""
        return self._lock is not None and self._lock.is_lost

    def check(self) -> None:
        """Say before anything is written if no run can lie there.

        Raises:
            InputError: the folder or what it lies in is a file, or cannot be written, or in it a
                folder lies in the place of a file.

        """
        parent = (self.path or self.root / self.name).absolute()
        try:
            there = [next(path for path in (parent, *parent.parents) if path.exists())]
        except OSError as error:  # a name that is too long
            raise InputError(f"{ROOT} {self.root}: {error.strerror}") from None
        files: list[Path] = []
        if self.path is not None:
            kept = parent / CHECKPOINTS
            there += [kept] if kept.exists() else []
            files = [parent / CONFIG, parent / VERSIONS, *(kept / f"{n}.ckpt" for n in NAMED)]
        for path in there:
            if not path.is_dir():
                raise InputError(f"{ROOT} {self.root}: {path} is a file")
            if not os.access(path, os.W_OK | os.X_OK):
                raise InputError(f"{ROOT} {self.root}: {path} cannot be written")
        for path in files:
            if path.is_dir():
                raise InputError(f"{ROOT} {self.root}: {path} is a folder; a file is to lie there")

    def check_there(self) -> None:
        """Say while it trains if somebody has taken the folder away.

        Raises:
            RunError: it is gone, or its config is, without which it is no run's.

        """
        if self.path is not None and not (self.path / CONFIG).is_file():
            gone = self.path if not self.path.is_dir() else self.path / CONFIG
            raise RunError(f"{os.path.relpath(gone)} was taken away: the run cannot be kept there")

    def discard(self) -> None:
        """Remove the folder that was claimed, where nothing has been trained."""
        if self.path is not None and not list(self.path.glob(f"{CHECKPOINTS}/*")):
            shutil.rmtree(self.path)
            self.path = None
            for parent in (self.root / self.name, self.root):
                with suppress(OSError):  # other runs lie in it
                    parent.rmdir()

    def claim(self) -> Path:
        """Make the next free version's folder; two runs that start at once get two.

        Raises:
            InputError: it cannot be made.

        """
        if self.path is None:
            parent = self.root / self.name
            try:
                parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(f"{ROOT} {self.root}: {error.strerror}") from None
            version = 1 + max((_version(path) for path in parent.iterdir()), default=-1)
            while self.path is None:
                try:
                    (parent / f"version_{version}").mkdir()
                    self.path = parent / f"version_{version}"
                    self.lock()
                except FileExistsError:
                    version += 1
        return self.path

    def share(self, trainer: "Trainer") -> Path:
        """The folder on every process: the first one claims it. A collective call."""
        claimed = str(self.claim()) if trainer.is_global_zero else ""
        self.path = Path(trainer.strategy.broadcast(claimed))
        return self.path


def is_locked(run: Path) -> bool:
    """Whether a process is training in a run's folder."""
    return is_held(run, run / LEASE)


def find_checkpoint(
    ckpt_path: str,
    root: Path,
    name: str | None,
    flag: str = "--ckpt_path",
    root_flag: str | None = None,
) -> Path:
    """The file that a flag means: a path, or `last` or `best` of the newest run.

    Args:
        ckpt_path: what was given.
        root: the logs folder.
        name: look only at runs of this name; None: at all.
        flag: what it was given to.
        root_flag: what says where runs are, if anything does.

    Raises:
        InputError: there is no such file, or no run that has one.

    """
    if ckpt_path == AUTO:
        raise InputError(f"{flag} {AUTO}: is for `fit --ckpt_path`; here say last or best")
    if ckpt_path not in NAMED:
        if "://" in ckpt_path:
            raise InputError(f"{flag} {ckpt_path}: a URL; fetch the file first")
        path = here(flag, ckpt_path)
        try:
            if not path.is_file():
                what = "a folder" if path.is_dir() else "no such file"
                raise InputError(f"{flag} {ckpt_path}: {what}")
        except OSError as error:  # a name that is too long, a folder that cannot be looked into
            raise InputError(f"{flag} {ckpt_path}: {error.strerror}") from None
        return path.absolute()
    runs = runs_below(root, name)
    # One that was killed before it had saved anything is no run yet.
    saved = (run for run in runs if any((run / CHECKPOINTS).glob("*.ckpt")))
    run = next(saved, next(iter(runs), None))
    if run is None:
        elsewhere = f" ({root_flag} says where else runs are)" if root_flag else ""
        where = root / name if name else root
        raise InputError(f"{flag} {ckpt_path}: no run in {where}{elsewhere}")
    path = run / CHECKPOINTS / f"{ckpt_path}.ckpt"
    if not path.is_file():
        raise InputError(f"{flag} {ckpt_path}: the newest run, {run}, has none; name a file")
    return path.absolute()


def runs_below(root: Path, name: str | None) -> list[Path]:
    """The folders of all runs, or of those of a name; the one last trained in first."""
    found = {}
    with suppress(OSError):  # one may go while it is looked at; in a name too long there are none
        for path in root.glob(f"{escape(name) if name else '*'}/version_*/{CONFIG}"):
            with suppress(OSError):
                if _version(path.parent) >= 0 and path.is_file():
                    found[path.parent] = path.stat().st_mtime_ns
    return sorted(found, key=found.__getitem__, reverse=True)


def run_of(checkpoint: Path) -> Path | None:
    """The run's folder that a checkpoint lies in, if it lies in one."""
    run = checkpoint.parents[1]
    inside = checkpoint.parent.name == CHECKPOINTS and (run / CONFIG).is_file()
    return run if inside else None


def _version(path: Path) -> int:
    match = _VERSION.fullmatch(path.name)
    return int(match[1]) if match else -1
