"""Ctrl-C and SIGTERM. Imported before anything that takes seconds to import."""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)


class Stopped(SystemExit):
    """Training was asked to stop, and has saved where it stands.

    Args:
        number: the signal's; the exit code is 128 more.
        told: what happened and how to go on, for people.

    """

    def __init__(self, number: int, told: str) -> None:
        super().__init__(128 + number)
        self.told = told


class _LeftOutError(BaseException):
    """What is left out ends here."""


class StopRequest:
    """While held: the first signal is remembered in `number`, the second stops at once."""

    _held: "StopRequest | None" = None
    _leaves_out = False

    def __init__(self) -> None:
        self.number = 0

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
        """From now on. Lightning's own handlers are replaced: they raise at the next best place."""
        self.number = 0
        StopRequest._held = self
        _handle(self._remember)

    def release(self) -> None:
        StopRequest._held = None
        stop_at_once()

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        stop_at_once()
        name = signal.Signals(number).name
        told = f"\n{name}: finishing the step and saving; once more stops at once\n"
        if os.environ.get("LOCAL_RANK", "0") == "0":
            os.write(2, told.encode())  # sys.stderr may be in the middle of a write
        if StopRequest._leaves_out:
            raise _LeftOutError


def stop_at_once() -> None:
    """Let a signal end the process where it is, with its exit code and without a traceback."""
    _handle(_leave)


def end_with_parent() -> None:
    """Let a process that another one launched not outlive it, even if that one is killed."""
    if int(os.environ.get("LOCAL_RANK", "0")) > 0:
        once_orphaned(lambda: os._exit(1))


def once_orphaned(do: Callable[[], object]) -> None:
    """Do something, in a thread, when the process that launched this one has gone."""
    threading.Thread(target=_watch, args=(os.getppid(), do), daemon=True).start()


def _watch(parent: int, do: Callable[[], object]) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    do()


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for number in STOPPING:
        # A shell that starts a job in the background has it ignore Ctrl-C.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)
