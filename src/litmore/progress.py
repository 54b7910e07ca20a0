"""How far something is that may take more than some seconds."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from textwrap import wrap
from typing import Any

from tqdm import tqdm

SILENT = 2.0
"""Seconds; what takes no longer shows no bar."""


def is_notebook() -> bool:
    """Whether stderr is a notebook's, which shows it on red, as it does errors."""
    stream = getattr(sys.stderr, "_stream", sys.stderr)  # the command line wraps it
    return type(stream).__module__ == "ipykernel.iostream"


def aside() -> Any:
    """Where bars and hints go: stderr; in a notebook stdout, lest they look like faults."""
    return sys.stdout if is_notebook() else sys.stderr


def progress(what: str, total: int | None, unit: str) -> tqdm:
    """A bar on a terminal's stderr, of the first process alone; what is done at once shows none."""
    return tqdm(
        total=total,
        desc=what,
        unit=unit,
        unit_scale=unit == "B" or (total or 0) >= 10_000,  # 38/60 is no 38.0/60.0
        ncols=room(),
        delay=SILENT,
        leave=False,
        disable=not _is_watched(),
    )


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say there at once what is being done, until it is done."""
    if not _is_watched():
        yield
        return
    said = f"{what} {'…' if is_unicode() else '...'}"[: room()]
    write(f"{said}\r")
    try:
        yield
    finally:
        write(" " * len(said) + "\r")


def wipe() -> None:
    """Leave nothing on a terminal's line, so that what is said next does not stand behind a bar."""
    if has_bar():
        write(f"\r{' ' * room()}\r")


def write(text: str) -> None:
    """There, at once; what none can hear is no error."""
    with suppress(OSError):
        if (stream := aside()) is not None:  # as of a process without a console
            stream.write(text)
            stream.flush()


def has_bar() -> bool:
    """Whether a line there can be drawn over."""
    return is_terminal() or is_notebook()


def is_terminal() -> bool:
    """Whether somebody sees stderr as it is written."""
    return sys.stderr is not None and sys.stderr.isatty()


def columns() -> int:
    """Of the terminal that stderr is; COLUMNS says so too, and where nothing does there are 80."""
    try:
        width = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError, AttributeError):
        width = 0
    asked = os.environ.get("COLUMNS", "")
    return int(asked) if asked.isdecimal() and int(asked) else width or 80


def room() -> int:
    """Columns that a bar may take: some terminals go on to the next line after the last one."""
    return max(columns() - 1, 1)


def wrapped(line: str) -> list[str]:
    """A line for stderr, broken between words where a terminal would break it in one.

    What is indented is there to be copied, and left as it is.
    """
    if not is_terminal() or line.startswith(" "):
        return [line]
    width = max(columns(), 3)
    whole = wrap(
        line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return whole or [line]


def is_unicode() -> bool:
    """Whether stderr takes more than ASCII."""
    return (getattr(sys.stderr, "encoding", None) or "utf-8").lower().startswith("utf")


def duration(seconds: float) -> str:
    """As one says it: 15 s, 3 min 20 s, 2 h 5 min."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _is_watched() -> bool:
    return is_terminal() and os.environ.get("LOCAL_RANK", "0") == "0"
