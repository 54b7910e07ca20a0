"""Where a command speaks: standard output and standard error, whatever becomes of them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from litmore.errors import RunError
from litmore.progress import is_notebook


@contextmanager
def open_streams(outlasted: tuple[str, ...]) -> Iterator[Any]:
    """Let each take any character; what none can hear is no error.

    A file or a pipe gets UTF-8. A terminal keeps its encoding, and shows what that has no
    character for by its number.

    Args:
        outlasted: streams whose reader may leave, or whose disk be full, without ending the
            command. Of another one that is a `RunError`, which names it.

    Yields:
        Where errors go: stderr, also where a notebook has all else on stdout.

    """
    before = sys.stdout, sys.stderr
    in_notebook = is_notebook()
    for number, name in enumerate(("stdout", "stderr"), 1):
        stream: Any = getattr(sys, name)
        is_closed = stream is None  # `>&-`
        if is_closed:
            _occupy(number)
            stream = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        if hasattr(stream, "reconfigure"):
            if stream.isatty():
                stream.reconfigure(errors="backslashreplace")
            else:  # a file's name may be of bytes that are no text
                stream.reconfigure(encoding="utf-8", errors="surrogateescape")
        kind = _Outlasted if name in outlasted else _Closed if is_closed else _Needed
        setattr(sys, name, kind(stream, name))
    errors = sys.stderr
    if in_notebook:
        sys.stderr = sys.stdout
    try:
        yield errors
    finally:
        sys.stdout, sys.stderr = (
            now if was is None else was
            for was, now in zip(before, (sys.stdout, sys.stderr), strict=True)
        )


def _occupy(descriptor: int) -> None:
    """Let no file that is opened get the number of a stream, to which libraries write."""
    try:
        os.fstat(descriptor)
    except OSError:
        opened = os.open(os.devnull, os.O_WRONLY)
        if opened != descriptor:
            os.dup2(opened, descriptor)
            os.close(opened)


class _Stream:
    """A stream that heeds what becomes of what is written."""

    def __init__(self, stream: Any, name: str) -> None:
        self._stream = stream
        self._name = name

    def write(self, text: str) -> int:
        with self._heeded():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._heeded():
            self._stream.flush()

    @contextmanager
    def _heeded(self) -> Iterator[None]:
        yield

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Needed(_Stream):
    """What cannot be written ends the command; a reader that leaves is another matter."""

    @contextmanager
    def _heeded(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            with suppress(OSError):  # nor is it to be tried again at the exit
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            raise RunError(f"{self._name} cannot be written: {error.strerror}") from error


class _Closed(_Stream):
    """There is nowhere to write."""

    def write(self, text: str) -> int:
        raise RunError(f"{self._name} is closed: the result has nowhere to go")


class _Outlasted(_Stream):
    """What cannot be written is dropped."""

    @contextmanager
    def _heeded(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            # Nor is what is left to be flushed at the exit an error.
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        except OSError:
            pass
