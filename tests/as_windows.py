"""What Windows has not, taken from a process when it imports litmore; what that needs keeps it.

Imported by a `sitecustomize.py`, so that the processes that it starts are so, too.
"""

import builtins
import errno
import importlib
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib.abc import MetaPathFinder

GONE = ("fcntl", "grp", "pty", "pwd", "resource", "termios")
FUNCTIONS = (
    "fchmod", "fork", "forkpty", "geteuid", "getgid", "getpgid", "getuid", "killpg", "mkfifo",
    "posix_fallocate", "sched_getaffinity", "setpgid", "setsid", "statvfs", "sync", "sysconf",
    "uname",
)  # fmt: skip
SIGNALS = ("SIGALRM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
NEEDED = ("torch", "lightning.pytorch", "torch.utils.tensorboard", "matplotlib.pyplot", "filelock")


class AsWindows(MetaPathFinder):
    """Takes it all away when litmore is about to be imported, and keeps modules away from then."""

    is_taken = False

    def find_spec(self, name, path=None, target=None):
        if name == "litmore" and not self.is_taken:
            for needed in NEEDED:
                importlib.import_module(needed)
            AsWindows.is_taken = True
            take_away()
        if self.is_taken and name in GONE:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def take_away():
    for name in GONE:
        sys.modules.pop(name, None)
    for name in FUNCTIONS:
        delattr(os, name)
    for name in SIGNALS:
        delattr(signal, name)
    for name in ("CLOCK_BOOTTIME", "clock_gettime"):
        delattr(time, name)
    del os.O_DIRECTORY
    os.open = refusing(os.open, is_a_folder)
    for module in (builtins, io):
        module.open = refusing(module.open, is_of_linux)
    shutil._use_fd_functions = False
    os.symlink = refusing(os.symlink, lambda path: True)
    for name in ("unlink", "remove", "rmdir", "rename", "replace"):
        setattr(os, name, refusing(getattr(os, name), is_in_use))
    rename = os.rename
    os.rename = lambda old, new: rename(old, new) if not os.path.lexists(new) else there_is(new)
    signal.CTRL_BREAK_EVENT = signal.SIGINT
    subprocess.CREATE_NEW_PROCESS_GROUP = 0x200
    begin = subprocess.Popen.__init__

    def as_a_group(self, *args, creationflags=0, pass_fds=(), **kwargs):
        assert not pass_fds, "pass_fds not supported on Windows"
        begin(self, *args, start_new_session=creationflags == 0x200, **kwargs)

    subprocess.Popen.__init__ = as_a_group


def refusing(do, is_refused):
    def wrapped(path, *args, **kwargs):
        if isinstance(path, str | bytes | os.PathLike) and is_refused(os.fsdecode(path)):
            raise PermissionError(errno.EACCES, "as on Windows", path)
        return do(path, *args, **kwargs)

    return wrapped


is_directory, links = os.path.isdir, os.readlink
listed = os.listdir
linux_open = io.open


def is_a_folder(path):
    return is_directory(path)


def is_of_linux(path):
    return path.startswith(("/proc/", "/sys/"))


def is_in_use(path):
    """Whether a file, or one in a folder, is open in this process, or mapped."""
    path = os.path.abspath(path)  # noqa: PTH100
    used = []
    for descriptor in listed("/proc/self/fd"):
        with suppress(OSError):  # the one of the listing itself
            used.append(links(f"/proc/self/fd/{descriptor}"))
    with linux_open("/proc/self/maps") as maps:
        used += [line.split(maxsplit=5)[-1].strip() for line in maps]
    return any(each == path or each.startswith(f"{path}/") for each in used)


def there_is(path):
    raise FileExistsError(errno.EEXIST, "as on Windows", path)


sys.meta_path.insert(0, AsWindows())
