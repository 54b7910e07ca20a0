"""What Linux, macOS and Windows do differently; asked for by what is there, not by their names."""

import _thread
import os
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any


def signals(*names: str) -> tuple[signal.Signals, ...]:
    """Those that this system has."""
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


def relative(path: Path) -> str:
    """A path as seen from here; of another drive than this one, the whole."""
    try:
        return os.path.relpath(path)
    except ValueError:
        return str(path)


def quoted(*words: str) -> str:
    """A command line's words, as the system's shell takes them."""
    return shlex.join(words) if hasattr(os, "killpg") else subprocess.list2cmdline(words)


def may_link() -> bool:
    """Whether anybody can make symbolic links."""
    return hasattr(os, "killpg")


def open_folder(folder: Path) -> int | None:
    """A descriptor, to lock it or have its names on the disk; None: folders cannot be opened."""
    try:
        return os.open(folder, os.O_RDONLY)
    except PermissionError:
        if hasattr(os, "O_DIRECTORY"):
            raise
        return None


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, where that is not the system's own affair."""
    descriptor = open_folder(folder)
    if descriptor is not None:
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def own_group(*descriptors: int) -> dict[str, Any]:
    """How `Popen` starts a process that Ctrl-C here does not reach.

    Args:
        descriptors: what it inherits, where it can.

    """
    if hasattr(os, "killpg"):
        return {"start_new_session": True, "pass_fds": descriptors}
    return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined]


def ask_group_to_stop(process: "subprocess.Popen[bytes]") -> None:
    """Send a process that was started so, and those that it launched, what asks them to stop."""
    with suppress(ProcessLookupError, PermissionError):  # it has gone
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGTERM)
        else:
            process.send_signal(signal.CTRL_BREAK_EVENT)  # type: ignore[attr-defined]


def ask_self_to_stop() -> None:
    """From a thread, as if another process had asked."""
    if hasattr(os, "killpg"):
        os.kill(os.getpid(), signal.SIGTERM)
    else:  # there `os.kill` ends a process on the spot
        _thread.interrupt_main(signal.SIGTERM)


def started(pid: int) -> float:
    """When a process was, in seconds since the epoch; 0 where that is not known."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
        ticks = int(stat.read_text("utf-8").rpartition(")")[2].split()[19])
        return time.time() - since_boot + ticks / os.sysconf("SC_CLK_TCK")
    with suppress(OSError, ValueError, subprocess.CalledProcessError):
        command = ["ps", "-o", "etime=", "-p", str(pid)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        days, _, clock = told.strip().rpartition("-")
        seconds = 0
        for part in clock.split(":"):
            seconds = 60 * seconds + int(part)
        return time.time() - 86400 * int(days or 0) - seconds - 1  # `ps` rounds down
    return 0.0
