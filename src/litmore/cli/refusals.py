"""What a library says against its arguments, as one line; a bug keeps its traceback."""

import re
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb

import litmore
from litmore.cli.parser import LONGEST
from litmore.errors import InputError, RunError, causes, one_line, out_of_memory

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
        raise InputError(f"{flag}: {one_line(error)[:LONGEST]}") from error


def _blamed(error: BaseException, named: Mapping[type, str]) -> str | None:
    """The flag that named the library's class inside which an error was raised, if one did."""
    if not said_by_a_library(error):
        return None
    owners = [frame.f_locals.get("self") for frame, _ in walk_tb(error.__traceback__)]
    return next((named[type(each)] for each in reversed(owners) if type(each) in named), None)


@contextmanager
def blame_refused(
    named: Mapping[type, str], when: Callable[[], bool] = lambda: True
) -> Iterator[None]:
    """Around what makes or runs the classes of the settings: what they refuse is bad input.

    Args:
        named: the classes of the settings, and their flags.
        when: only if this holds; later on it is a run that breaks.

    Raises:
        InputError: in place of such a class's error; the message begins with its flag.

    """
    try:
        yield
    except (InputError, RunError):
        raise
    except Exception as error:
        flag: str | None = None
        cause: BaseException = error
        for each in causes(error):
            if is_users(each) or not when():
                raise
            if said_of := _blamed(each, named):
                flag, cause = said_of, each
        if flag is None:
            raise
        said = one_line(cause) or "is there to be subclassed"
        hint = _HINTS.get(flag.rpartition(" ")[2], "")
        raise InputError(f"{flag}: {said[:LONGEST]}{hint}") from error


_HINTS = {"LearningRateFinder": "; the optimizer's own is found by litmore.callbacks.LRFinder"}
"""By class: what to take instead."""


def said_by_a_library(error: BaseException) -> bool:
    """Whether no user's code stands between litmore's call and an error that is not litmore's."""
    files = _files(error)
    return not is_users(error) and not _is_in(files[-1], [_LITMORE])


def is_users(error: BaseException) -> bool:
    """Whether a user's code stands between litmore's call and an error."""
    return not all(_is_in(file, [_LITMORE, *_LIBRARIES]) for file in _files(error))


def _files(error: BaseException) -> list[str]:
    return [frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__)]


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
        if said := out_of_memory(error):
            return said
        text = one_line(error)
        found = re.search(r".* overflowed|[Oo]verflow\w*[^:]*", text)
        if isinstance(error, OverflowError) or found:
            return found[0] if found else text
        error = error.__cause__
    return None
