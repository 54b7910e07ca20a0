"""What a library says against its arguments, as one line; a bug keeps its traceback."""

import re
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb

import litmore
from litmore.cli.parser import LONGEST
from litmore.errors import InputError

_LITMORE = Path(litmore.__file__).parent
_LIBRARIES = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")]


@contextmanager
def refused(flag: str) -> Iterator[None]:
    """Around a call of a library that is given settings: what it raises about them is bad input.

    Raises:
        InputError: in place of the library's error; the message begins with the flag.

    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if not said_by_a_library(error):
            raise
        raise InputError(f"{flag}: {' '.join(str(error).split())[:LONGEST]}") from error


def said_by_a_library(error: BaseException) -> bool:
    """Whether no user's code stands between litmore's call and an error that is not litmore's."""
    files = [frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__)]
    known = [_is_in(file, [_LITMORE, *_LIBRARIES]) for file in files]
    return all(known) and not _is_in(files[-1], [_LITMORE])


def _is_in(file: str, folders: list[Path]) -> bool:
    return file.startswith("<frozen") or any(Path(file).is_relative_to(each) for each in folders)


@contextmanager
def too_large_refused() -> Iterator[None]:
    """Around the making of a model: one that does not fit into this machine is bad input.

    Raises:
        InputError: it does not.

    """
    try:
        yield
    except (RuntimeError, MemoryError, OverflowError, ValueError, TypeError) as error:
        if not (reason := _too_large(error)):
            raise
        raise InputError(f"--model: too large for this machine: {reason}") from None


def _too_large(error: BaseException | None) -> str | None:
    """What was asked for, if an error is about more memory than there is."""
    while error is not None:
        text = " ".join(str(error).split())
        found = re.search(
            r"tried to allocate \d+ bytes|out of memory|.* overflowed|overflows", text
        )
        if isinstance(error, MemoryError | OverflowError) or found:
            return found[0] if found else text
        error = error.__cause__
    return None
