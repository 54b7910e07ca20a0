"""Characters and their ids; id 0 is the boundary, which is no character."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor

from litmore.errors import InputError

BOUNDARY = 0
"""The id that starts and ends every word."""

UNKNOWN = -1
"""What `Vocabulary.ids` answers for a character it does not hold."""

NEWLINE = ord("\n")
"""The codepoint that stands for the boundary wherever words are text."""

MAX_CHARACTERS = 30_000
"""Different characters that a file may hold: more than any script's daily use."""

_CODEPOINTS = 0x110000


@dataclass(frozen=True)
class Vocabulary:
    """The characters with ids 1, 2, …, in this order.

    A plain string describes a vocabulary whole, so a checkpoint carries it as one.

    Raises:
        InputError: a character stands twice, or is the newline that parts words.

    """

    characters: str

    def __post_init__(self) -> None:
        if len(set(self.characters)) != len(self.characters) or "\n" in self.characters:
            raise InputError(
                f"vocabulary {self.characters!r}: a character stands twice or is a newline"
            )

    def __str__(self) -> str:
        return self.characters

    def __len__(self) -> int:
        return len(self.characters) + 1  # V: the boundary too

    @classmethod
    def of(cls, codepoints: np.ndarray) -> "Vocabulary":
        """The characters that occur in a text, sorted by codepoint; newlines are no characters."""
        seen = np.zeros(_CODEPOINTS, dtype=bool)
        seen[codepoints] = True
        seen[NEWLINE] = False
        return cls("".join(map(chr, np.flatnonzero(seen))))

    @property
    def dtype(self) -> np.dtype:
        """The smallest integer type that holds every id and that torch can index."""
        types = map(np.dtype, ("uint8", "int16", "int32"))
        return next(dtype for dtype in types if len(self) - 1 <= np.iinfo(dtype).max)

    @cached_property
    def _id_of_character(self) -> dict[str, int]:
        return {character: i for i, character in enumerate(self.characters, 1)}

    @cached_property
    def _codepoint_of_id(self) -> np.ndarray:
        return np.array([NEWLINE, *map(ord, self.characters)], dtype=np.uint32)

    @cached_property
    def _id_of_codepoint(self) -> np.ndarray:
        table = np.full(_CODEPOINTS, UNKNOWN, dtype=np.int32)
        table[self._codepoint_of_id] = np.arange(len(self))
        return table

    def ids(self, codepoints: np.ndarray) -> np.ndarray:
        """The id of each codepoint, int32; newline → `BOUNDARY`, a stranger → `UNKNOWN`."""
        return self._id_of_codepoint[codepoints]

    def text(self, ids: Tensor) -> str:
        """The characters of any ids, flattened; a boundary reads as a newline."""
        codepoints = self._codepoint_of_id[ids.flatten().cpu().numpy()]
        return codepoints.astype("<u4").tobytes().decode("utf-32-le")

    def encode(self, text: str) -> list[int]:
        """The id of each character; a stranger → `UNKNOWN`."""
        return [self._id_of_character.get(character, UNKNOWN) for character in text]

    def unknown(self, text: str) -> list[str]:
        """The characters of `text` that have no id, each once, in order of appearance."""
        return [c for c in dict.fromkeys(text) if c not in self._id_of_character]
