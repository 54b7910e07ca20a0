"""Characters and their ids; id 0 is the boundary of words, in running text the newline."""

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

    A plain string describes a vocabulary whole, so a checkpoint carries it as one. That of running
    text begins with a newline: there it is a character like any other, and its id is 0.

    Raises:
        InputError: a character stands twice, or is the newline that parts words.

    """

    characters: str
    is_text: bool = False

    def __post_init__(self) -> None:
        if self.characters.startswith("\n"):
            object.__setattr__(self, "characters", self.characters[1:])
            object.__setattr__(self, "is_text", True)
        if len(set(self.characters)) != len(self.characters) or "\n" in self.characters:
            raise InputError(
                f"vocabulary {self.characters!r}: a character stands twice or is a newline"
            )

    def __str__(self) -> str:
        return "\n" * self.is_text + self.characters

    def __len__(self) -> int:
        return len(self.characters) + 1  # V: the boundary too

    @property
    def is_bytes(self) -> bool:
        """Whether the tokens are the 256 bytes, each named by its character in Latin-1."""
        return self.is_text and self.characters == BYTES

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
        ids = {character: i for i, character in enumerate(self.characters, 1)}
        return ids | {"\n": BOUNDARY} if self.is_text else ids

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
        """The characters of any ids, flattened; a boundary reads as a newline.

        Bytes are read as UTF-8, and those that are none as U+FFFD.
        """
        codepoints = self._codepoint_of_id[ids.flatten().cpu().numpy()]
        if self.is_bytes:
            return codepoints.astype(np.uint8).tobytes().decode("utf-8", "replace")
        return codepoints.astype("<u4").tobytes().decode("utf-32-le")

    def encode(self, text: str) -> list[int]:
        """The id of each character, or of each byte; a stranger → `UNKNOWN`."""
        return [self._id_of_character.get(c, UNKNOWN) for c in self._named(text)]

    def unknown(self, text: str) -> list[str]:
        """The characters of `text` that have no id, each once, in order of appearance."""
        return [c for c in dict.fromkeys(self._named(text)) if c not in self._id_of_character]

    def _named(self, text: str) -> str:
        """By the characters that name the tokens."""
        return text.encode("utf-8", "surrogateescape").decode("latin-1") if self.is_bytes else text

    @cached_property
    def bytes_of_ids(self) -> np.ndarray:
        """How many bytes of UTF-8 each token is written in."""
        names = "\n" + self.characters
        return np.array(
            [1 if self.is_bytes else len(name.encode("utf-8", "replace")) for name in names]
        )


BYTES = "".join(map(chr, range(256))).replace("\n", "")
"""All bytes but the newline's, which has id 0."""
