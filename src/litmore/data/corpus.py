"""The words of a file as one flat tensor of tokens."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Int, Integer
from torch import Tensor

from litmore.data.text import line_of_word, read_codepoints
from litmore.data.vocabulary import BOUNDARY, MAX_CHARACTERS, NEWLINE, UNKNOWN, Vocabulary
from litmore.errors import InputError

_CHUNK = 1 << 18
"""Words gathered at a time: bounds the index tensors that a gather needs."""


@dataclass(frozen=True)
class Corpus:
    """Words in one flat, contiguous token tensor: `. e m m a . o l i v i a . … .`

    Neighbours share the boundary between them, so every token but the first is a prediction to
    make: a corpus of N tokens has N − 1 examples, at any context length.

    Attributes:
        tokens: ids in the smallest integer type that holds the vocabulary.
        offsets: where each word's opening boundary stands; last, where the closing one does.
        vocabulary: the characters of the ids.

    """

    tokens: Integer[Tensor, " N"]
    offsets: Int[Tensor, " words_and_1"]
    vocabulary: Vocabulary

    @classmethod
    def read(cls, path: Path | str, vocabulary: Vocabulary | None = None) -> "Corpus":
        """Read a UTF-8 file of one word a line, plain or `.gz`.

        Args:
            path: the file.
            vocabulary: ids to use; None takes the file's own characters, sorted.

        Raises:
            InputError: the file cannot be used (see `read_codepoints`), holds a character that is
                not in `vocabulary`, or more than `MAX_CHARACTERS` different ones.

        """
        path = Path(path)
        codepoints = read_codepoints(path)
        if vocabulary is None:
            vocabulary = Vocabulary.of(codepoints)
            if len(vocabulary) - 1 > MAX_CHARACTERS:
                raise InputError(
                    f"{path}: {len(vocabulary) - 1:,} different characters;"
                    f" {MAX_CHARACTERS:,} are the most"
                )
        return cls._of_codepoints(codepoints, vocabulary, path)

    @classmethod
    def read_known(cls, path: Path | str, vocabulary: Vocabulary) -> tuple["Corpus", list[str]]:
        """The words of a file that a vocabulary can spell, and all its words, in order.

        Raises:
            InputError: the file cannot be used (see `read_codepoints`).

        """
        codepoints = read_codepoints(Path(path))
        words = codepoints.astype("<u4").tobytes().decode("utf-32-le").split("\n")[:-1]
        ends = codepoints == NEWLINE
        word = np.cumsum(ends) - ends  # of each codepoint
        strange = np.zeros(len(words), dtype=bool)
        strange[word[vocabulary.ids(codepoints) == UNKNOWN]] = True
        return cls._of_codepoints(codepoints[~strange[word]], vocabulary, None), words

    @classmethod
    def of(cls, words: Iterable[str], vocabulary: Vocabulary | None = None) -> "Corpus":
        """Words from memory, taken as they are.

        Raises:
            InputError: a word is empty, holds a newline, or a character not in `vocabulary`.

        """
        words = list(words)
        if any(not word or "\n" in word for word in words):
            raise InputError("a word is empty or holds a newline")
        text = "".join(word + "\n" for word in words)
        codepoints = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
        return cls._of_codepoints(codepoints, vocabulary, None)

    @classmethod
    def _of_codepoints(
        cls, codepoints: np.ndarray, vocabulary: Vocabulary | None, path: Path | None
    ) -> "Corpus":
        vocabulary = vocabulary or Vocabulary.of(codepoints)
        ids = vocabulary.ids(codepoints)
        strangers = np.flatnonzero(ids == UNKNOWN)
        if strangers.size:
            _refuse_stranger(codepoints, int(strangers[0]), vocabulary, path)
        tokens = np.empty(ids.size + 1, dtype=vocabulary.dtype)
        tokens[0] = BOUNDARY
        tokens[1:] = ids
        offsets = np.flatnonzero(tokens == BOUNDARY)
        return cls(torch.from_numpy(tokens), torch.from_numpy(offsets), vocabulary)

    def __len__(self) -> int:
        """How many words."""
        return len(self.offsets) - 1

    @property
    def num_examples(self) -> int:
        """How many characters there are to predict, each word's closing boundary included."""
        return len(self.tokens) - 1

    @property
    def lengths(self) -> Int[Tensor, " words"]:
        """Examples of each word: its characters and the closing boundary."""
        return self.offsets.diff()

    def __getitem__(self, words: slice) -> "Corpus":
        """A run of words, as a view of the same storage."""
        start, stop, step = words.indices(len(self))
        if step != 1:
            raise IndexError("a corpus is sliced in steps of 1")
        offsets = self.offsets[start : max(start, stop) + 1]
        first, last = int(offsets[0]), int(offsets[-1])
        return Corpus(self.tokens[first : last + 1], offsets - first, self.vocabulary)

    def __iter__(self) -> Iterator[str]:
        """The words as strings; for people, not for paths that grow with the corpus."""
        return iter(self.vocabulary.text(self.tokens[1:]).split("\n")[:-1])

    def select(self, words: Int[Tensor, " W"], margin: int = 0) -> "Corpus":
        """The words at these indices, in this order, in a storage of their own.

        Args:
            words: indices of words.
            margin: boundaries to lay before the first word, so that a context of up to
                `margin + 1` tokens is a view of the storage for the first example too.

        """
        lengths = self.lengths[words]
        offsets = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)])
        storage = torch.zeros(margin + int(offsets[-1]) + 1, dtype=self.tokens.dtype)
        tokens = storage[margin:]
        for first in range(0, len(words), _CHUNK):
            chunk = slice(first, first + _CHUNK)
            length, old, new = lengths[chunk], self.offsets[words[chunk]], offsets[:-1][chunk]
            start, stop = int(new[0]), int(new[-1] + length[-1])
            source = torch.arange(start, stop) + (old - new).repeat_interleave(length)
            tokens[start + 1 : stop + 1] = self.tokens[source + 1]
        return Corpus(tokens, offsets, self.vocabulary)

    def spellings(self) -> Int[Tensor, " words"]:
        """A number for each word, the same for two words exactly if they are spelt the same."""
        numbers = np.empty(len(self), dtype=np.int64)
        lengths, offsets = self.lengths.numpy(), self.offsets.numpy()
        tokens, used = self.tokens.numpy(), 0
        order = np.argsort(lengths, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1):
            if not group.size:
                continue
            width = int(lengths[group[0]]) - 1
            letters = tokens[offsets[group][:, None] + np.arange(1, width + 1)]
            # One fixed-width byte string a word: numpy sorts those as it sorts numbers.
            rows = np.ascontiguousarray(letters).view(f"S{width * letters.itemsize}")[:, 0]
            distinct, number = np.unique(rows, return_inverse=True)
            numbers[group] = number + used
            used += distinct.size
        return torch.from_numpy(numbers)

    def unique(self) -> "Corpus":
        """Each word once, in order of first appearance."""
        _, first = np.unique(self.spellings().numpy(), return_index=True)
        return self.select(torch.from_numpy(np.sort(first)))

    def known(self, words: "Corpus") -> Bool[Tensor, " W"]:
        """Which of these words, encoded by the same vocabulary, also stand here."""
        both = Corpus(
            torch.cat([self.tokens, words.tokens[1:]]),
            torch.cat([self.offsets, words.offsets[1:] + self.offsets[-1]]),
            self.vocabulary,
        ).spellings()
        return torch.isin(both[len(self) :], both[: len(self)])


def _refuse_stranger(
    codepoints: np.ndarray, at: int, vocabulary: Vocabulary, path: Path | None
) -> None:
    ends = np.flatnonzero(codepoints[:at] == NEWLINE)
    start = int(ends[-1]) + 1 if ends.size else 0
    word = codepoints[start : at + 1].astype("<u4").tobytes().decode("utf-32-le")
    where = f"{path}:{line_of_word(path, ends.size)}" if path else f"word {ends.size + 1}"
    raise InputError(
        f"{where}: {word[-1]!r} (in {word + '…'!r}) is not among the {len(vocabulary) - 1}"
        f" characters of the vocabulary, {vocabulary.characters!r}"
    )
