"""Characters as people can read them, whatever the script and whatever shape they have."""

import unicodedata
from collections.abc import Sequence

SHOWN = 60
"""Characters of an alphabet that a line names at most."""


def visible(character: str) -> str:
    """What stands for it where any font is at hand: ␣, ◌́, U+200D."""
    if character == " ":
        return "␣"
    if unicodedata.combining(character):
        return f"◌{character}"
    return character if character.isprintable() else code_point(character)


def code_point(character: str) -> str:
    """Its number: U+00E9."""
    return f"U+{ord(character):04X}"


def named(character: str) -> str:
    """It and its number: 'é' (U+00E9)."""
    seen, number = visible(character), code_point(character)
    return number if seen == number else f"{seen!r} ({number})"


def alphabet(characters: Sequence[str]) -> str:
    """How many there are, and which, at most the first `SHOWN`."""
    more = "" if len(characters) <= SHOWN else ", …"
    seen = [visible(character) for character in characters[:SHOWN]]
    parted = " " if any(len(each) > 2 for each in seen) else ""
    return f"{len(characters):,} characters, {parted.join(seen)}{more}"
