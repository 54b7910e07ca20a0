"""Which file the words come from, and what is taken of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from litmore.corpus.corpus import Corpus
from litmore.corpus.download import check_sha256, fetch
from litmore.corpus.mapped import NO_UNIQUE, MappedCorpus, content_of
from litmore.corpus.normal_forms import written_twice
from litmore.corpus.reading import NormalForm, Reading
from litmore.corpus.text import sha256_of, unfolded_size
from litmore.corpus.vocabulary import UNKNOWN, Vocabulary
from litmore.errors import InputError

NAMES = Path(__file__).parents[1] / "data" / "names.txt"
"""The embedded default: US given names of 2018, public domain (`docs/data.md` tells its origin)."""

_QUOTED = re.compile(r'".*",?')

_JUDGED = 10_000
"""Words that are looked at for what a file may be."""

LARGE = 1 << 26
"""Bytes of text from which on a file is memory-mapped, where nothing else is said."""


@dataclass
class Source:
    """A file of words, and how to read it: the settings of `NamesDataModule` of the same names.

    Args:
        path: the file; none takes what `url` names, or else the embedded names.
        url: where to fetch it.
        sha256: of the file; another content is refused. Filled in when the file is read.
        max_words: take only so many words, the file's first.
        unique: keep each word once.
        vocabulary: the characters in the order of their ids; none takes the file's own, sorted.
        memory_map: keep the tokens in files that are memory-mapped (`litmore.corpus.mapped`);
            none does so for more than `LARGE` bytes of text, unless each word is to be kept once.
        column: see `Reading`, as of the two below.
        weight: how often each word counts.
        normalize: the normal form of the words.

    Raises:
        InputError: a setting cannot be used.

    """

    path: str | None = None
    url: str | None = None
    sha256: str | None = None
    max_words: int | None = None
    unique: bool = False
    vocabulary: str | None = None
    memory_map: bool | None = None
    column: int | str | None = None
    weight: int | str | None = None
    normalize: NormalForm | None = None

    def __post_init__(self) -> None:
        if self.sha256 is not None:
            check_sha256(self.sha256)
        elif self.url is not None and self.path is None:
            raise InputError(f"--data.url {self.url}: give the content's hash too, --data.sha256")
        self.reading = Reading(self.column, self.weight, self.normalize)
        if self.unique and self.memory_map:
            raise InputError(NO_UNIQUE)
        if self.path is not None:
            self.path = str(Path(self.path).expanduser().absolute())
        self.given_vocabulary = None if self.vocabulary is None else Vocabulary(self.vocabulary)
        if self.given_vocabulary is not None and self.given_vocabulary.is_text:
            raise InputError(
                "--data.vocabulary: running text's, whose newline is a character; words have none"
                " (--data TextDataModule reads running text)"
            )

    @cached_property
    def file(self) -> Path:
        """The one given, the one fetched, or the embedded names."""
        if self.path is None and self.url is not None:
            return fetch(self.url, self.sha256 or "")
        return Path(self.path) if self.path is not None else NAMES

    @cached_property
    def is_mapped(self) -> bool:
        if self.memory_map is None:
            return not self.unique and unfolded_size(self.file) > LARGE
        return self.memory_map

    def doubts(self) -> list[str]:
        """What the words look as if they were not meant to be, a line each."""
        found = []
        if self.column is None and (commas := _commas(self.corpus)):
            found.append(
                f"{self.file.name}: each line has {commas} comma(s): a table? --data.column reads a"
                " column, by the name at its head or, where it has none, its number"
            )
        if self.column is None and all(_QUOTED.fullmatch(word) for word in self.corpus[:_JUDGED]):
            found.append(
                f"{self.file.name}: each word stands in quotes; --data.column 1 reads what is"
                " between them"
            )
        if self.normalize is None and (twice := written_twice(self.corpus)):
            found.append(
                f"{self.file.name}: {twice} is written in two ways; --data.normalize NFC makes them"
                " one"
            )
        return found

    def note(self, found: str) -> None:
        """The file's hash, once it is read; another than the one asked for is refused."""
        if self.sha256 not in (None, found):
            raise InputError(
                f"--data.sha256 {self.sha256}: {self.file} is another content, {found};"
                " --data.sha256 null takes it as it is"
            )
        self.sha256 = found

    @contextmanager
    def checked(self) -> Iterator[None]:
        """Around reading the file. Of another content, what does not fit is no wonder."""
        if not self.is_mapped or self.sha256 is not None:  # else it is hashed where it is read
            self.note(content_of(self.file) if self.is_mapped else sha256_of(self.file))
        try:
            yield
        except MemoryError:
            raise InputError(
                f"{self.file}: larger than the memory there is; --data.memory_map true reads it"
                " by way of files"
            ) from None

    @cached_property
    def corpus(self) -> Corpus:
        """All words of the file, or its first, or each once with `unique`.

        Raises:
            InputError: the file cannot be used, does not fit into memory, or its content is
                another.

        """
        with self.checked():
            kind = MappedCorpus if self.is_mapped else Corpus
            corpus = kind.read(self.file, self.given_vocabulary, self.reading)
        if isinstance(corpus, MappedCorpus):
            self.note(corpus.sha256)
        if self.max_words is not None:
            corpus = corpus[: self.max_words]
        return corpus.unique() if self.unique else corpus


def _commas(corpus: Corpus) -> int:
    """How many each of the first words has, where all have as many."""
    (comma,) = corpus.vocabulary.encode(",")
    some = corpus[:_JUDGED]
    if comma == UNKNOWN or not len(some):
        return 0
    word = torch.searchsorted(some.offsets, (some.tokens == comma).nonzero()[:, 0]) - 1
    commas = word.bincount(minlength=len(some))
    return int(commas[0]) if (commas == commas[0]).all() else 0
