"""Whose a running trial is: a lock on one machine, a time stamp across machines."""

import os
import time
from contextlib import suppress
from pathlib import Path
from uuid import getnode, uuid4

import optuna
from optuna.trial import FrozenTrial

from litmore.locks import lock
from litmore.sweep.study import frozen, reopened

ALIVE = "alive"
"""A trial's user attribute: whose it is, and a time stamp, or None once it was given back."""

SETTLED = 1.0
"""Seconds in which another machine's claim of the same trial shows."""


class Claim:
    """A trial that is this process's to run; the lock lives as long as this or the run's process.

    Attributes:
        trial: the trial.
        folder: of its runs.
        owner: as the storage has it.
        descriptor: of the lock, for the run's process to inherit.

    """

    def __init__(self, trial: optuna.Trial, folder: Path, owner: str, descriptor: int) -> None:
        self.trial = trial
        self.folder = folder
        self.owner = owner
        self.descriptor = descriptor

    def stamp(self) -> None:
        """Have the storage tell that the trial is this owner's, and alive."""
        self.trial.set_user_attr(ALIVE, [self.owner, time.time()])

    def give_back(self) -> None:
        """Have the storage tell that anybody may go on with it."""
        self.trial.set_user_attr(ALIVE, [self.owner, None])

    def is_lost(self, now: FrozenTrial) -> bool:
        """Whether it is over by now, or another has taken it for dead and goes on with it."""
        return now.state.is_finished() or now.user_attrs[ALIVE][0] != self.owner

    def release(self) -> None:
        """Let the lock go."""
        with suppress(OSError):
            os.close(self.descriptor)


def claim(
    study: optuna.Study,
    trial: FrozenTrial,
    root: Path,
    *,
    is_new: bool = False,
    is_silent: bool = False,
) -> Claim | None:
    """Take a running trial that nobody runs; None where somebody does.

    Args:
        study: the trial's.
        trial: as the storage has it.
        root: the study's folder.
        is_new: this process has just asked for it.
        is_silent: no time stamp has come from it for long.

    """
    owner = f"{_place(root)}#{uuid4().hex[:8]}"
    is_here = _same_place(trial.user_attrs.get(ALIVE, [""])[0], owner)
    if not (is_new or is_here or is_silent):
        return None
    folder = root / f"trial_{trial.number}"
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
    is_locked = lock(descriptor)
    # Where there are locks, this one has told that nobody here is alive.
    is_free = is_new or (is_here and is_locked)
    if is_locked is False or not (is_free or is_silent):
        os.close(descriptor)
        return None
    taken = Claim(reopened(study, trial), folder, owner, descriptor)
    taken.stamp()
    if not is_free:
        time.sleep(SETTLED)
        if taken.is_lost(frozen(study, trial.number)):
            taken.release()
            return None
    return taken


def _place(root: Path) -> str:
    """The same for those who see the same locks: a machine since its start, and a folder."""
    with suppress(OSError):
        machine = Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
        return f"{machine}:{root.stat().st_dev}:{root.stat().st_ino}"
    return f"{getnode():x}:{root.stat().st_dev}:{root.stat().st_ino}"


def _same_place(one: str, other: str) -> bool:
    return one.partition("#")[0] == other.partition("#")[0]
