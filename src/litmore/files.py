"""Files that are there whole or not at all, and where they may be written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from uuid import uuid4

from litmore.errors import InputError

TEMPORARY = ".tmp"
"""What the name of a file ends with that is not whole yet."""

LONGEST_NAME = 255
"""Bytes of a name: more no common filesystem takes."""

_PIECE = 32
"""Characters of a file's own name in that of what is not whole yet."""


@contextmanager
def written_whole(path: Path, *, to_disk: bool = False) -> Iterator[IO[bytes]]:
    """A file to write, which comes to its place once it is whole, or not at all.

    It is written beside its place, under a name that nobody can foresee, and only if nothing lies
    there: a link that was planted is not followed.

    Args:
        path: the place; a link that lies there is replaced, not followed.
        to_disk: its content is on the disk before it comes there.

    Raises:
        OSError: it cannot be written; what lay there before is as it was.

    """
    beside = path.with_name(f"{path.name[:_PIECE]}.{uuid4().hex}{TEMPORARY}")
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            if to_disk:
                os.fsync(file.fileno())
        beside.replace(path)
    finally:
        with suppress(OSError):  # a folder that turned read-only: the next start removes it
            beside.unlink(missing_ok=True)


def here(flag: str, given: str | os.PathLike[str] | None) -> Path:
    """The place on this machine that a flag names, `~` being one's own folder.

    Raises:
        InputError: it names none: nothing, a URL, or no path at all.

    """
    if given is None:
        raise InputError(f"{flag} null: name a folder")
    path = str(given)
    if "://" in path:
        raise InputError(f"{flag} {path}: a URL; name a place on this machine")
    if "\0" in path:
        raise InputError(f"{flag} {path!r}: no path: it holds U+0000")
    try:
        return Path(path).expanduser()
    except RuntimeError:  # `~somebody`
        raise InputError(f"{flag} {path}: there is no such user") from None
