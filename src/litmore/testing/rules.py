"""How a rule is asked for: what breaks it is an AssertionError of one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from litmore.errors import one_line

PAGE = "litmore's docs/testing.md"
"""Where each rule has a heading."""

LONGEST = 400
"""Characters of what is quoted of another error."""


def require(holds: object, rule: str, says: str) -> None:
    """A rule that holds, or does not.

    Raises:
        AssertionError: it does not.

    """
    if not holds:
        raise AssertionError(f"{says} ({PAGE}#{rule})")


@contextmanager
def asked(rule: str, says: str) -> Iterator[None]:
    """What must not raise anything.

    Raises:
        AssertionError: it does.

    """
    try:
        yield
    except AssertionError as error:
        if PAGE in str(error):
            raise
        raise _broken(rule, says, error) from error
    except Exception as error:
        raise _broken(rule, says, error) from error


def _broken(rule: str, says: str, error: Exception) -> AssertionError:
    reason = one_line(error)
    reason = reason if len(reason) <= LONGEST else reason[:LONGEST] + "…"
    return AssertionError(f"{says}: {type(error).__name__}: {reason} ({PAGE}#{rule})")
