"""One process at a time, of all that see a file, on whatever machine.

The kernel's lock is let go when its holder dies, but it may end at the machine, and not every
filesystem has it. Where others may see the file, a lease stands beside it: a small file that the
holder touches while it lives.
"""

import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from litmore.system import open_folder

try:
    import fcntl
except ImportError:  # Windows: there the lease does it alone
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from filelock import SoftFileLease

log = logging.getLogger(__name__)

LEASE = 30.0
"""Seconds without a sign of life after which a holder on another machine is taken for dead."""

LOOK = 0.1
"""Seconds in which a look at a lock is long over."""

_PATIENCE = 1.0
"""Seconds of waiting that need no line."""

_UNTIL = "waiting until it has done or died"

_MOUNTS = Path("/proc/self/mounts")

_OWN = {"btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "ramfs", "tmpfs", "xfs", "zfs"}
"""Filesystems that no other machine sees."""


class Lock:
    """Of a file or folder that is there, until it is released or this process dies.

    Args:
        path: what is locked.
        lease: the file that stands beside it, where other machines may see it.
        held: what another one that has it is doing, for people.

    """

    def __init__(self, path: Path, lease: Path, held: str) -> None:
        self.path = path
        self.lease = lease
        self.held = held
        self._descriptor: int | None = None
        self._lease: SoftFileLease | None = None

    def take(self, *, patient: bool = False) -> bool:
        """Whether it is this process's by now. A holder that gives no sign of life is waited for.

        Args:
            patient: wait for one that lives, too.

        Raises:
            OSError: there is nothing to lock, or the lease cannot be written.

        """
        self._descriptor = open_folder(self.path)
        begun = time.monotonic()
        told = False
        while (is_locked := lock(self._descriptor)) is False:
            waited = time.monotonic() - begun
            if waited >= LOOK and not patient:
                self.release()
                return False
            if waited >= _PATIENCE and not told:
                told = True
                self._tell(_UNTIL)
            time.sleep(LOOK)
        if is_locked and not is_shared(self.path):
            return True
        try:
            is_ours = self._take_lease(patient)
        except OSError:
            self.release()
            raise
        if not is_ours:
            self.release()
        return is_ours

    def release(self) -> None:
        """Let another one."""
        if self._lease is not None:
            self._lease.release()
            self._lease = None
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        """Around what this process does alone."""
        self.take(patient=True)
        try:
            yield
        finally:
            self.release()

    @property
    def is_lost(self) -> bool:
        """Whether this process was silent for so long that another one has taken its place."""
        return self._lease is not None and self._lease.compromise is not None

    def _take_lease(self, patient: bool) -> bool:
        from filelock import SoftFileLease, Timeout

        lease = SoftFileLease(self.lease, lease_duration=LEASE, thread_local=False)
        seen, since, told = _stamp(self.lease), time.monotonic(), False
        while True:
            with suppress(Timeout):
                lease.acquire(timeout=_PATIENCE)
                self._lease = lease
                return True
            if (now := _stamp(self.lease)) != seen:
                if not patient:
                    return False
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > LEASE:
                _remove(self.lease, seen)
            if not told:
                told = True
                self._tell(_UNTIL if patient else f"waiting {LEASE:.0f} s for a sign of life")

    def _tell(self, what: str) -> None:
        if os.environ.get("LOCAL_RANK", "0") == "0":
            log.info("%s; %s", self.held, what)


def is_held(path: Path, lease: Path) -> bool:
    """Whether a process has such a lock, or died elsewhere less than `LEASE` seconds ago."""
    descriptor = open_folder(path)
    try:
        is_free = lock(descriptor, is_look=True)
    finally:
        if descriptor is not None:
            os.close(descriptor)
    if is_free is False:
        return True
    stamp = _stamp(lease)
    return stamp is not None and time.time() - stamp / 1e9 < LEASE


def lock(descriptor: int | None, *, is_look: bool = False) -> bool | None:
    """Whether an open file or folder is locked by now, or another has it; None: there are no locks.

    Args:
        descriptor: the kernel lets go once all copies are closed, whoever dies.
        is_look: others may look at once; else it is for one alone.

    """
    if fcntl is None or descriptor is None:
        return None
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if is_look else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def is_shared(path: Path) -> bool:
    """Whether other machines may see a path: they do not where its filesystem is known as local."""
    try:
        lines = _MOUNTS.read_bytes().splitlines()
    except OSError:  # not Linux
        return True
    path = path.resolve()
    kinds = {Path(_unescaped(fields[1])): fields[2].decode() for fields in map(bytes.split, lines)}
    place = max((each for each in kinds if path.is_relative_to(each)), key=lambda at: len(at.parts))
    return kinds[place] not in _OWN


def _unescaped(place: bytes) -> str:
    r"""A mount's place; spaces and the like are `\040` there."""
    return os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), place))


def _remove(lease: Path, seen: int | None) -> None:
    """Take away what a dead holder left: `filelock` does so only where two names can be swapped,
    and NFS cannot."""
    aside = lease.with_name(f"{lease.name}.{uuid4().hex}.tmp")
    with suppress(FileNotFoundError):  # another one was faster
        lease.rename(aside)
        if _stamp(aside) != seen:  # and holds it by now
            with suppress(FileExistsError):
                lease.hardlink_to(aside)
        aside.unlink()


def _stamp(lease: Path) -> int | None:
    """When a lease's holder last touched it; opened, for NFS to look at the server's."""
    with suppress(OSError):
        descriptor = os.open(lease, os.O_RDONLY)
        try:
            return os.fstat(descriptor).st_mtime_ns
        finally:
            os.close(descriptor)
    return None
