"""Where a command speaks: standard output and standard error, whatever becomes of them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def open_streams(outlasted: tuple[str, ...]) -> Iterator[None]:
    """Let each take any character; what none can hear is no error.

    A file or a pipe gets UTF-8. A terminal keeps its encoding, and shows what that has no
    character for by its number.

    Args:
        outlasted: streams whose reader may leave, or whose disk be full, without ending the
            command.

    """
    before = sys.stdout, sys.stderr
    for name in ("stdout", "stderr"):
        stream: Any = getattr(sys, name)
        if stream is None:  # closed (`>&-`)
            stream = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        if hasattr(stream, "reconfigure"):
            if stream.isatty():
                stream.reconfigure(errors="backslashreplace")
            else:  # a file's name may be of bytes that are no text
                stream.reconfigure(encoding="utf-8", errors="surrogateescape")
        setattr(sys, name, _Outlasted(stream) if name in outlasted else stream)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = (
            now if was is None else was
            for was, now in zip(before, (sys.stdout, sys.stderr), strict=True)
        )


class _Outlasted:
    """A stream that drops what it cannot write."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with self._dropping():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._dropping():
            self._stream.flush()

    @contextmanager
    def _dropping(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            # Nor is what is left to be flushed at the exit an error.
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        except OSError:
            pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
