"""Text as TensorBoard's text tab reads it."""

import re
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+.!|<>&~$-])")


def escaped(text: str) -> str:
    """The text as it is, whatever Markdown makes of its characters; an empty one shows as ∅."""
    return _MARKUP.sub(r"\\\1", text).replace(" ", "␣") if text else "∅"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table of cells that are Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def code(text: str) -> str:
    """A block of text in fixed pitch, as it stands."""
    return "".join(f"    {line}\n" for line in text.splitlines())
