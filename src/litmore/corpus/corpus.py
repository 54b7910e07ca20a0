"""The words of a file as one flat tensor of tokens."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Int, Integer
from torch import Tensor

from litmore.corpus.characters import alphabet, named
from litmore.corpus.lexicon import Lexicon, Spans
from litmore.corpus.normal_forms import spelt
from litmore.corpus.reading import Reading
from litmore.corpus.shuffle import python_order
from litmore.corpus.text import (
    AS_IT_IS,
    MAX_WORD,
    Piece,
    codepoints_of,
    line_of_word,
    read_codepoints,
)
from litmore.corpus.vocabulary import BOUNDARY, MAX_CHARACTERS, NEWLINE, UNKNOWN, Vocabulary
from litmore.errors import InputError
from litmore.progress import progress

LEFT_PADDING = MAX_WORD - 1
"""Boundaries that a storage begins with: its first character's longest context is a view too."""

_TOKENS = 1 << 19
"""Tokens looked at at a time: bounds the memory that going through a corpus takes."""

Run = tuple[Integer[Tensor, " n"], Int[Tensor, " w"], Int[Tensor, " w"] | None]
"""The tokens of some words, each followed by its closing boundary, the words' lengths and times."""


@dataclass(frozen=True)
class Corpus:
    """Words in one flat, contiguous token tensor: `. e m m a . o l i v i a . … .`

    Neighbours share the boundary between them, so every token but the first is a prediction to
    make: a corpus of N tokens has N − 1 examples, at any context length.

    Attributes:
        tokens: ids in the smallest integer type that holds the vocabulary.
        places: where each word's opening boundary stands in the storage that this is a part of;
            last, where the closing one does.
        vocabulary: the characters of the ids.
        times: how often each word counts; None: once.

    """

    tokens: Integer[Tensor, " N"]
    places: Int[Tensor, " words_and_1"]
    vocabulary: Vocabulary
    times: Int[Tensor, " words"] | None = None

    @classmethod
    def read(
        cls,
        path: Path | str,
        vocabulary: Vocabulary | None = None,
        reading: Reading = AS_IT_IS,
    ) -> "Corpus":
        """A UTF-8 file of one word a line, plain or packed; the ids its own characters', or given.

        Raises:
            InputError: the file cannot be used (see `read_codepoints`), holds a character that is
                not in `vocabulary`, or more than `MAX_CHARACTERS` different ones.

        """
        path = Path(path)
        codepoints, piece = read_codepoints(path, reading)
        vocabulary = vocabulary or vocabulary_of(path, [codepoints])
        return cls._of_codepoints(codepoints, vocabulary, piece)

    @classmethod
    def of_piece(cls, piece: Piece, vocabulary: Vocabulary) -> "Corpus":
        """The words of some lines of a file; maybe none."""
        return cls._of_codepoints(codepoints_of(piece), vocabulary, piece)

    @classmethod
    def read_known(
        cls, path: Path | str, vocabulary: Vocabulary, reading: Reading = AS_IT_IS
    ) -> tuple["Corpus", list[str]]:
        """The words of a file that a vocabulary can spell, and all its words, in order.

        A word that it knows in another normal form alone is taken in that.
        """
        codepoints, _ = read_codepoints(Path(path), reading)
        words = codepoints.astype("<u4").tobytes().decode("utf-32-le").split("\n")[:-1]
        ends = codepoints == NEWLINE
        word = np.cumsum(ends) - ends  # of each codepoint
        strange = np.zeros(len(words), dtype=bool)
        strange[word[vocabulary.ids(codepoints) == UNKNOWN]] = True
        respelt = {i: spelt(words[i], vocabulary) for i in np.flatnonzero(strange).tolist()}
        if any(respelt[i] != words[i] for i in respelt):
            known = (respelt.get(i, word) for i, word in enumerate(words))
            return cls.of((w for w in known if not vocabulary.unknown(w)), vocabulary), words
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
        cls, codepoints: np.ndarray, vocabulary: Vocabulary | None, source: Piece | None
    ) -> "Corpus":
        vocabulary = vocabulary or Vocabulary.of(codepoints)
        ids = vocabulary.ids(codepoints)
        strangers = np.flatnonzero(ids == UNKNOWN)
        if strangers.size:
            _refuse_stranger(codepoints, int(strangers[0]), vocabulary, source)
        storage = np.full(LEFT_PADDING + 1 + ids.size, BOUNDARY, dtype=vocabulary.dtype)
        storage[LEFT_PADDING + 1 :] = ids
        tokens = storage[LEFT_PADDING:]
        offsets = np.flatnonzero(tokens == BOUNDARY)
        weights = source.times if source is not None else None
        times = None if weights is None else torch.from_numpy(weights)
        places = torch.from_numpy(offsets)
        return cls(torch.from_numpy(storage)[LEFT_PADDING:], places, vocabulary, times)

    def __len__(self) -> int:
        return len(self.places) - 1

    @property
    def num_examples(self) -> int:
        """How many characters there are to predict, each word's closing boundary included."""
        return len(self.tokens) - 1

    @cached_property
    def _origin(self) -> int:
        return int(self.places[0])

    @property
    def offsets(self) -> Int[Tensor, " words_and_1"]:
        """Where each word's opening boundary stands in the tokens; last, the closing one."""
        return self.places - self._origin if self._origin else self.places

    def starts(self, words: Int[Tensor, " W"]) -> Int[Tensor, " W"]:
        """The `offsets` of these words alone."""
        return self.places[words].long() - self._origin

    @property
    def lengths(self) -> Int[Tensor, " words"]:
        """Examples of each word: its characters and the closing boundary."""
        return self.places.diff()

    @property
    def num_predicted(self) -> int:
        """The same, each word as often as it counts."""
        return self.num_examples if self.times is None else int((self.lengths * self.times).sum())

    def __getitem__(self, words: slice) -> "Corpus":
        """A run of words, as a view of the same storage."""
        start, stop, step = words.indices(len(self))
        if step != 1:
            raise IndexError("a corpus is sliced in steps of 1")
        places = self.places[start : max(start, stop) + 1]
        first, last = int(places[0]) - self._origin, int(places[-1]) - self._origin
        times = None if self.times is None else self.times[start : max(start, stop)]
        return replace(self, tokens=self.tokens[first : last + 1], places=places, times=times)

    def __iter__(self) -> Iterator[str]:
        """The words as strings; for people, not for paths that grow with the corpus."""
        return iter(self.vocabulary.text(self.tokens[1:]).split("\n")[:-1])

    def select(self, words: Int[Tensor, " W"]) -> "Corpus":
        """The words at these indices, in this order, in a storage of their own."""
        lengths = self.starts(words + 1) - self.starts(words)
        offsets = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)])
        storage = torch.zeros(LEFT_PADDING + int(offsets[-1]) + 1, dtype=self.tokens.dtype)
        end = LEFT_PADDING + 1
        for tokens, _, _ in self.gathered(words):
            storage[end : end + len(tokens)] = tokens
            end += len(tokens)
        times = None if self.times is None else self.times[words]
        return Corpus(storage[LEFT_PADDING:], offsets, self.vocabulary, times)

    def gathered(self, words: Int[Tensor, " W"]) -> Iterator[Run]:
        """The words at these indices, in this order, some at a time.

        Of each run the storage is read forwards, as a disk likes it, and arranged afterwards.
        """
        for first in range(0, len(words), self._words_at_once):
            some = words[first : first + self._words_at_once]
            ascending, order = _sorted(some)
            starts, ends = self.starts(ascending), self.starts(ascending + 1)
            tokens, lengths = _gather(self.tokens[1:], starts, ends)
            place = torch.empty_like(order)
            place[order] = torch.arange(len(order))  # of each word among those read
            starts = (lengths.cumsum(0) - lengths)[place]
            times = None if self.times is None else self.times[some.long()]
            yield *_gather(tokens, starts, starts + lengths[place]), times

    @property
    def _words_at_once(self) -> int:
        """How many words hold some `_TOKENS` tokens."""
        return max(1, _TOKENS * len(self) // len(self.tokens))

    def spellings(self) -> Int[Tensor, " words"]:
        """A number for each word, the same for two words exactly if they are spelt the same."""
        words = self._spans()
        return torch.from_numpy(Lexicon(words).find(words))

    def _spans(self) -> Spans:
        starts = self.starts(torch.arange(len(self)))
        return Spans(self.tokens.numpy(), (starts + 1).numpy(), (self.lengths - 1).numpy())

    def shuffled(self, seed: int) -> "Corpus":
        """The words as `random.Random(seed).shuffle` leaves them."""
        return self.select(torch.from_numpy(python_order(len(self), seed)))

    def frequencies(self) -> Int[Tensor, " V"]:
        """How often each id is to be predicted."""
        if self.times is None:
            return frequencies(self.tokens[1:], len(self.vocabulary))
        found = torch.zeros(len(self.vocabulary), dtype=torch.double)
        for first in range(0, len(self), self._words_at_once):
            some = self[first : first + self._words_at_once]
            assert some.times is not None
            weights = some.times.repeat_interleave(some.lengths).double()
            found += some.tokens[1:].long().bincount(weights, len(found))
        return found.long()

    def unique(self) -> "Corpus":
        """Each word once, in order of first appearance; it counts as often as all of it did."""
        _, first, word = np.unique(self.spellings().numpy(), return_index=True, return_inverse=True)
        order = first.argsort()
        found = self.select(torch.from_numpy(first[order]))
        if self.times is None:
            return found
        # Added as integers: floats would lose what is above 2⁵³.
        times = torch.zeros(len(first), dtype=torch.long)
        times.index_add_(0, torch.from_numpy(word), self.times.long())
        return replace(found, times=times[torch.from_numpy(order)])

    def known(self, words: "Corpus") -> Bool[Tensor, " W"]:
        """Which of these words, encoded by the same vocabulary, also stand here."""
        asked = words._spans()
        lexicon = Lexicon(asked)
        found = np.zeros(lexicon.size + 1, dtype=bool)  # the last place is of those not asked for
        with progress("looking words up", len(self), " words") as bar:
            for first in range(0, len(self), self._words_at_once):
                some = self[first : first + self._words_at_once]
                found[lexicon.find(some._spans())] = True
                bar.update(len(some))
        return torch.from_numpy(found[lexicon.find(asked)])


def frequencies(tokens: Integer[Tensor, " N"], vocab_size: int) -> Int[Tensor, " V"]:
    """How often each id is among the tokens."""
    times = torch.zeros(vocab_size, dtype=torch.long)
    for part in tokens.split(_TOKENS):
        times += part.long().bincount(minlength=vocab_size)
    return times


def vocabulary_of(path: Path, texts: Iterable[np.ndarray]) -> Vocabulary:
    """The characters of a file's pieces, sorted; refused if more than `MAX_CHARACTERS`."""
    characters: set[str] = set()
    for codepoints in texts:
        characters |= set(Vocabulary.of(codepoints).characters)
    if len(characters) > MAX_CHARACTERS:
        raise InputError(
            f"{path}: {len(characters):,} different characters; {MAX_CHARACTERS:,} are the most"
        )
    return Vocabulary("".join(sorted(characters)))


def _sorted(numbers: Int[Tensor, " W"]) -> tuple[Int[Tensor, " W"], Int[Tensor, " W"]]:
    """Numbers below 2³¹ in ascending order, and which one each was."""
    # A number and its place as one: sorted several times as fast as by an index.
    both = torch.from_numpy(
        np.sort(numbers.numpy().astype(np.int64) << 32 | np.arange(len(numbers)))
    )
    return both >> 32, both & (1 << 32) - 1


def _gather(
    tokens: Integer[Tensor, " N"], starts: Int[Tensor, " W"], ends: Int[Tensor, " W"]
) -> tuple[Integer[Tensor, " n"], Int[Tensor, " W"]]:
    """These runs of tokens, one behind the other."""
    lengths = ends - starts
    # numpy's own, as it repeats in half the time that torch takes.
    before = (lengths.cumsum(0) - lengths).numpy()
    source = np.repeat(starts.numpy() - before, lengths.numpy())
    source += np.arange(len(source))
    return torch.from_numpy(tokens.numpy()[source]), lengths


def _refuse_stranger(
    codepoints: np.ndarray, at: int, vocabulary: Vocabulary, source: Piece | None
) -> None:
    ends = np.flatnonzero(codepoints[:at] == NEWLINE)
    start = int(ends[-1]) + 1 if ends.size else 0
    word = codepoints[start : at + 1].astype("<u4").tobytes().decode("utf-32-le")
    where = f"word {ends.size + 1}"
    if source is not None:
        where = f"{source.path}:{line_of_word(source, ends.size)}"
    raise InputError(
        f"{where}: {named(word[-1])}, in {word + '…'!r}, is not among the vocabulary's"
        f" {alphabet(vocabulary.characters)}"
    )
