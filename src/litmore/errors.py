"""What a user can put right or must know: one line, no traceback."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches


class InputError(ValueError):
    """Bad input or configuration; its message is one line that names the flag or `file:line`.

    The exit code is 2.
    """


class RunError(RuntimeError):
    """A run that cannot go on: a full disk, a loss that is no number; one line, exit code 1."""


def one_line(said: object) -> str:
    """An error, or any other text, without line breaks and runs of spaces."""
    return " ".join(str(said).split())


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what it was raised from, and so on."""
    while error is not None:
        yield error
        error = error.__cause__


def out_of_memory(error: BaseException) -> str | None:
    """What was asked for, if an error is about more memory than there is."""
    text = one_line(error)
    found = re.search(r"tried to allocate [\d.]+ \w+|out of memory|[Uu]nable to allocate.*", text)
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and found):
        return found[0] if found else text or "no more is there"
    return None


def nearest(name: str, names: Sequence[str]) -> str:
    """The end of a message about a name that does not exist: the one that may be meant, or ""."""
    found = get_close_matches(name, names, n=1)
    return f"; is {found[0]} meant?" if found else ""
