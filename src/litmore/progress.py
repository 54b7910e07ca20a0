"""How far something is that may take more than some seconds."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm


def is_notebook() -> bool:
    """Whether stderr is a notebook's, which shows it on red, as it does errors."""
    return type(sys.stderr).__module__ == "ipykernel.iostream"


def aside() -> Any:
    """Where bars and hints go: stderr; in a notebook stdout, lest they look like faults."""
    return sys.stdout if is_notebook() else sys.stderr


def progress(what: str, total: int, unit: str) -> tqdm:
    """A bar on a terminal's stderr, of the first process alone; what is done at once shows none."""
    return tqdm(
        total=total,
        desc=what,
        unit=unit,
        unit_scale=True,
        delay=2.0,
        leave=False,
        disable=not _is_watched(),
    )


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say there at once what is being done, until it is done."""
    if not _is_watched():
        yield
        return
    sys.stderr.write(f"{what} …\r")
    sys.stderr.flush()
    try:
        yield
    finally:
        sys.stderr.write(" " * (len(what) + 2) + "\r")
        sys.stderr.flush()


def _is_watched() -> bool:
    return sys.stderr.isatty() and os.environ.get("LOCAL_RANK", "0") == "0"
