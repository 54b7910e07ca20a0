"""What to write for a character, whatever the script, and in which font."""

import logging
import unicodedata
from functools import lru_cache

from litmore.corpus.characters import visible

BASE = "DejaVu Sans"
"""Comes with matplotlib: Latin, Greek, Cyrillic, Hebrew, Arabic and more."""

BOUNDARY_LABEL = "."

NEWLINE_LABEL = "↵"
"""Of running text, whose full stops are characters."""

VOWELS = frozenset("aeiouαεηιουωаеиоуыэюяіїєё")

COLOURS = {
    "vowel": "#d1495b",
    "consonant": "#2e6f95",
    "other": "#6c757d",
    "boundary": "#1f2430",
}
"""Of the kinds of characters, wherever they are told apart."""


@lru_cache(maxsize=8)
def legible(characters: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A label for the boundary (or newline) and each character, and the fonts that can write them.

    Space shows as ␣, and what has no shape of its own, or is in no font of this machine, by its
    number: U+4E2D.

    Args:
        characters: a vocabulary's, in the order of their ids, from 1; of running text, from 0.

    Returns:
        V labels and the fonts' names, the first one first.

    """
    labels = [zero_label(characters), *map(visible, characters.removeprefix("\n"))]
    fonts = _Fonts()
    labels = [label if fonts.can_write(label) else f"U+{ord(label[-1]):04X}" for label in labels]
    return tuple(labels), tuple(fonts.names)


def zero_label(characters: str) -> str:
    """What stands for id 0: of words the boundary, of running text the newline it begins with."""
    return NEWLINE_LABEL if characters.startswith("\n") else BOUNDARY_LABEL


def kind(character: str) -> str:
    """`vowel`, `consonant` or `other`; accents do not matter, and some scripts have neither."""
    low = character.lower()
    base = low if low == "й" else unicodedata.normalize("NFD", low)[0]
    if base in VOWELS:
        return "vowel"
    alphabet = unicodedata.name(base, "").split(" ")[0]
    return "consonant" if alphabet in ("LATIN", "GREEK", "CYRILLIC") else "other"


class _Fonts:
    """The base font, and others as they are needed."""

    def __init__(self) -> None:
        from matplotlib import font_manager

        # Looking for a font that is not there is no news.
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
        self.names = [BASE]
        self._known = set(font_manager.get_font(font_manager.findfont(BASE)).get_charmap())
        self._others: list[tuple[str, frozenset[int]]] | None = None

    def can_write(self, label: str) -> bool:
        """Whether a font has all of it; that font is taken in."""
        missing = set(map(ord, label)) - self._known
        if not missing:
            return True
        for name, letters in self._installed():
            if missing <= letters:
                self.names.append(name)
                self._known |= letters
                return True
        return False

    def _installed(self) -> list[tuple[str, frozenset[int]]]:
        from matplotlib import font_manager

        if self._others is None:  # reads every font there is: only where the base does not do
            self._others = []
            for entry in font_manager.fontManager.ttflist:
                plain = entry.style == "normal" and entry.weight in (400, "normal", "regular")
                # The font of last resort has a box for everything.
                if not plain or entry.name == BASE or entry.name.startswith("Last Resort"):
                    continue
                try:
                    font = font_manager.get_font(entry.fname)
                except (OSError, RuntimeError):
                    continue
                if font.scalable:
                    self._others.append((entry.name, frozenset(font.get_charmap())))
        return self._others
