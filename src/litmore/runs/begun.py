"""Which run a command line has begun: `--ckpt_path auto`, and what torchrun starts again."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from litmore.errors import InputError
from litmore.runs.folder import AUTO, CHECKPOINTS, CONFIG, VERSIONS, is_locked, runs_below
from litmore.runs.requeue import slurm_job
from litmore.runs.signals import number_in
from litmore.runs.summary import Summary, written
from litmore.system import started

_OF_A_START = ("--trainer.devices", "--trainer.num_nodes", "--trainer.strategy")
"""Flags that do not tell runs apart: one may go on with more processes, or fewer."""


@dataclass(frozen=True)
class Begun:
    """A run that was begun, as it stands.

    Attributes:
        run: its folder.
        last: what to go on from; None: it was killed before it had saved anything.
        saved: when that was, in nanoseconds.
        is_finished: whether nothing is left to do.

    """

    run: Path
    last: Path | None
    saved: int
    is_finished: bool

    @classmethod
    def at(cls, run: Path) -> "Begun":
        """The run in a folder."""
        last = run / CHECKPOINTS / "last.ckpt"
        saved = last.stat().st_mtime_ns if last.is_file() else 0
        summary = _summary(run)
        is_finished = summary is not None and summary.status == "finished"
        return cls(run, last.absolute() if saved else None, saved, is_finished)


def job() -> str | None:
    """The job of Slurm or torchrun that this process is of; requeued or restarted, it is the same.

    torchrun tells its jobs apart where `--rdzv_id` does, or `--standalone`.
    """
    if number := slurm_job():
        return f"slurm {number}"
    name = os.environ.get("TORCHELASTIC_RUN_ID", "none")
    return None if name == "none" else f"torchrun {name}"


def restarted_since() -> float | None:
    """When torchrun was started, in seconds since the epoch, if this is not its first attempt."""
    if number_in("TORCHELASTIC_RESTART_COUNT") == 0:
        return None
    return started(os.getppid())


def find_begun(
    command: Sequence[str],
    root: Path,
    name: str | None,
    *,
    is_named: bool = False,
    seed: object = None,
    since: float | None = None,
) -> Begun | None:
    """The run that a command line has begun: of this job, else of whichever.

    Where its name was given by hand, a stopped run of that name will do, if none was begun by the
    same command line; but none of another seed, and of an array of jobs none of another task.

    Args:
        command: the arguments as given.
        root: the logs folder.
        name: of the run; None: any.
        is_named: whether it is given by hand.
        seed: that is given by hand.
        since: look only at runs of this job and command that were begun since.

    """
    own = job()
    runs = [(run, read_origin(run)) for run in runs_below(root, name)]
    same = [each for each in runs if _told(each[1].get("command")) == _told(command)]
    others = [run for run, origin in same if not _are_siblings(own, origin.get("job"))]
    of_job = [run for run, origin in same if origin.get("job") == own]
    if since is not None:
        found = next((run for run in of_job if _started(run) >= since), None)
    else:
        preferred = of_job if own is not None else []
        found = next(iter([*preferred, *others]), None)
        if found is None and is_named:
            found = next(_by_name(runs, own, seed), None)
    return None if found is None else Begun.at(found)


def read_origin(run: Path) -> dict[str, Any]:
    """What a run's versions.yaml tells: with what, by which command, in which job it was begun."""
    try:
        found = yaml.safe_load((run / VERSIONS).read_bytes())
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _by_name(
    runs: Sequence[tuple[Path, dict[str, Any]]], own: str | None, seed: object
) -> Iterator[Path]:
    for run, origin in runs:
        is_sibling = _are_siblings(own, origin.get("job"))
        summary = _summary(run)
        known = seed if summary is None else summary.config.get("seed_everything")
        is_other = is_sibling or (type(seed) is int and known != seed)
        is_over = summary is not None and summary.status == "finished"
        if not is_other and not is_over and not is_locked(run):
            yield run


def _are_siblings(own: str | None, other: object) -> bool:
    """Whether two jobs are two tasks of one array."""
    return own != other and _array(own) is not None and _array(own) == _array(other)


def _array(of_job: object) -> str | None:
    found = re.fullmatch(r"(slurm \d+)_\d+", str(of_job))
    return found and found[1]


def _told(command: object) -> list[str] | None:
    """What of a command line tells a run from others."""
    if not isinstance(command, list | tuple):
        return None
    kept: list[str] = []
    left = iter(map(str, command))
    for arg in left:
        flag, equals, value = arg.partition("=")
        if flag in (*_OF_A_START, "--ckpt_path"):
            value = value if equals else next(left, "")
            if flag == "--ckpt_path" and value != AUTO:
                kept += [flag, value]
        else:
            kept.append(arg)
    return kept


def _started(run: Path) -> float:
    summary = _summary(run)
    return (run / CONFIG).stat().st_mtime if summary is None else summary.started


def _summary(run: Path) -> Summary | None:
    with suppress(InputError):  # damaged: its checkpoint tells how far it is
        return written(run)
    return None
