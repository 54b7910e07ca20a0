"""What asks a training to stop. Imported before anything that takes seconds to import."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from litmore.system import signals

STOPPING = signals("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGBREAK")
"""What people, terminals, schedulers and the kernel end a program by; all mean the same here."""

ECHO = 2.0
"""Seconds in which a launcher passes on a signal that its processes have got already."""


class Stopped(SystemExit):
    """Training was asked to stop, and has saved where it stands.

    Args:
        number: the signal's; the exit code is 128 more.
        told: what happened and how to go on, for people.
        request: it is still held, until all is written.

    """

    def __init__(self, number: int, told: str, request: "StopRequest") -> None:
        super().__init__(128 + number)
        self.number = number
        self.told = told
        self.request = request


class _LeftOutError(BaseException):
    """What is left out ends here."""


class StopRequest:
    """While held: the first signal is remembered in `number`, the second stops at once."""

    _held: "StopRequest | None" = None
    _leaves_out = False

    def __init__(self) -> None:
        self.number = 0
        self._since = 0.0
        self._before: dict[int, _Handler] = {}

    @classmethod
    def unless_asked(cls, do: Callable[[], object]) -> None:
        """Do what a run can do without: a signal ends it in the middle, or lets it not begin."""
        try:
            try:
                cls._leaves_out = True
                if cls._held is None or not cls._held.number:
                    do()
            finally:
                cls._leaves_out = False
        except _LeftOutError:
            cls._leaves_out = False

    def hold(self) -> None:
        """From now on."""
        self.number = 0
        StopRequest._held = self
        self._before = {number: signal.getsignal(number) for number in STOPPING}
        _handle(dict.fromkeys(STOPPING, self._remember))

    def release(self) -> None:
        """Let signals mean what they did."""
        StopRequest._held = None
        _handle(self._before)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self.number:
            if not self._is_the_same(number):
                _leave(number, frame)
            return
        self.number, self._since = number, time.monotonic()
        name = signal.Signals(number).name
        told = f"\n{name}: finishing the step and saving; once more stops at once\n"
        if is_first_rank():
            with suppress(OSError):  # nobody may listen
                os.write(2, told.encode())  # sys.stderr may be in the middle of a write
        if StopRequest._leaves_out:
            raise _LeftOutError

    def _is_the_same(self, number: int) -> bool:
        """Whether a signal is the first one's echo."""
        if number == self.number and number in signals("SIGXCPU"):
            return True  # the kernel repeats it every second
        is_launched = any(name in os.environ for name in _LAUNCHED)
        return is_launched and time.monotonic() - self._since < ECHO


def stop_at_once() -> None:
    """Let a signal end the process where it is, with its exit code and without a traceback."""
    _handle(dict.fromkeys(STOPPING, _leave))


def stop_no_more() -> None:
    """Let no signal disturb the end of a process that has nothing else left to do."""
    _handle(dict.fromkeys(STOPPING, lambda number, frame: None))


def is_first_rank() -> bool:
    """Whether this process is the only one of its run, or its launcher's first."""
    return not any(number_in(rank) for rank in _RANKS)


def number_in(variable: str) -> int:
    """What an environment variable counts; 0 where it is unset, empty or no number."""
    text = os.environ.get(variable, "")
    return int(text) if text.isdecimal() else 0


def end_with_parent() -> None:
    """Let a process that another one launched not outlive it, even if that one is killed."""
    if number_in("LOCAL_RANK"):
        once_orphaned(lambda: os._exit(1))


def once_orphaned(do: Callable[[], object]) -> None:
    """Do something, in a thread, when the process that launched this one has gone."""
    threading.Thread(target=_watch, args=(os.getppid(), do), daemon=True).start()


def _watch(parent: int, do: Callable[[], object]) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    do()


_Handler = Callable[[int, FrameType | None], object] | int | None

_RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")

_LAUNCHED = ("SLURM_JOB_ID", "TORCHELASTIC_RUN_ID")


def _handle(handlers: "dict[int, _Handler]") -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for number, handler in handlers.items():
        # A shell that starts a job in the background has it ignore Ctrl-C, nohup SIGHUP.
        if handler is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _leave(number: int, frame: FrameType | None) -> None:
    from litmore.runs.requeue import requeue

    requeue(sys.argv, number)
    os._exit(128 + number)
