"""A file larger than memory: tokenised once, into files that are memory-mapped.

In the cache's folder, `tokens/`:

    paths/<hash of a path>.json              what lay there: size, time, sha256
    <sha256>[-gz]/                           tokens, places, corpus.json
    <…>-<hash of a given vocabulary>/        the same by other ids
    <…>/shuffled-<first>-<words>-<seed>/     the same of a shuffled storage

All of it may be deleted at any time.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from litmore.corpus.corpus import Corpus, vocabulary_of
from litmore.corpus.download import CACHE_VARIABLE, cache_folder
from litmore.corpus.shuffle import shuffle_as_python
from litmore.corpus.stored import made, opened, writer
from litmore.corpus.text import Piece, codepoints_of, no_words, pieces, sha256_of
from litmore.corpus.vocabulary import Vocabulary
from litmore.errors import InputError
from litmore.progress import progress

_MAX_WORDS = 2**31 - 1
"""Words of a file: as many as an order of four bytes each can name."""

_SETTLED = 2 * 10**9
"""Nanoseconds after which a change of a file surely shows in its time."""

_RUN = 1 << 20
"""Numbers written at a time."""


@dataclass(frozen=True)
class MappedCorpus(Corpus):
    """A corpus whose storage is a file, mapped into memory: the kernel reads what is looked at.

    Attributes:
        folder: where it lies.
        sha256: of the file that the words come from.

    """

    folder: Path = Path()
    sha256: str = ""

    @classmethod
    def read(cls, path: Path | str, vocabulary: Vocabulary | None = None) -> "MappedCorpus":
        """As `Corpus.read`, by way of the cache.

        Raises:
            InputError: as there; a line is longer than `text.PIECE` bytes; or the cache cannot be
                written.

        """
        path = Path(path).absolute()
        before = _state(path)
        sha256 = content_of(path)
        # By its name a file is read as it is, or unfolded.
        folder = own = _tokens_folder() / (sha256 + "-gz" * (path.suffix == ".gz"))
        if vocabulary is not None:
            found = opened(own)
            if found is None or found.vocabulary != vocabulary:
                folder = own.with_name(f"{own.name}-{_hash(vocabulary.characters)[:16]}")

        def write(beside: Path) -> None:
            try:
                _tokenise(path, vocabulary, beside)
            finally:
                if _state(path) != before:
                    raise InputError(f"{path}: changed while it was read")

        with _told():
            corpus = made(folder, write)
        return cls(corpus.tokens, corpus.places, corpus.vocabulary, folder=folder, sha256=sha256)

    def shuffled(self, seed: int) -> Corpus:
        """The shuffled words, by way of the cache.

        Raises:
            InputError: the cache cannot be written.

        """
        first = int(self.places[0])
        folder = self.folder / f"shuffled-{first}-{len(self)}-{seed}"
        with _told():
            return made(folder, lambda beside: _write_shuffled(self, seed, beside))

    def unique(self) -> Corpus:
        """Not of a file that may be larger than memory.

        Raises:
            InputError: always.

        """
        raise no_unique()


def no_unique() -> InputError:
    """What to say where each word is to be kept once: that needs all of them at once."""
    return InputError(
        "--data.unique true: not for a file that is memory-mapped; --data.memory_map false reads"
        " it whole, or keep each line once with `sort -u`"
    )


def content_of(path: Path) -> str:
    """The sha256 of a file; hashed only if its size or time is another than when it last was.

    Raises:
        InputError: the file cannot be read, or the cache not written.

    """
    now = _state(path)
    record = _tokens_folder() / "paths" / f"{_hash(str(path.absolute()))}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(record.read_text())
        if known["state"] == now:
            return str(known["sha256"])
    sha256 = sha256_of(path)
    if now is not None and _state(path) == now and time.time_ns() - now[1] > _SETTLED:
        with _told():
            record.parent.mkdir(parents=True, exist_ok=True)
            beside = record.with_name(f"{record.name}.{os.getpid()}.tmp")
            beside.write_text(json.dumps({"path": str(path), "state": now, "sha256": sha256}))
            beside.replace(record)
    return sha256


def _tokens_folder() -> Path:
    return cache_folder().absolute() / "tokens"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _state(path: Path) -> list[int] | None:
    """What changes with a file's content: size, time, inode; none where there is no file."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def _tokenise(path: Path, vocabulary: Vocabulary | None, folder: Path) -> None:
    size = path.stat().st_size
    with progress(f"reading {path.name}", size * (1 if vocabulary else 2), "B") as bar:

        def read() -> Iterator[Piece]:
            for piece in pieces(path):
                yield piece
                bar.update(piece.packed)

        if vocabulary is None:
            vocabulary = vocabulary_of(path, map(codepoints_of, read()))
        # Every token but the first is a byte of the file, or more; but of a .gz, who knows?
        small = path.suffix != ".gz" and size < _MAX_WORDS - 1
        with writer(folder, vocabulary, small) as words:
            for piece in read():
                part = Corpus.of_piece(piece, vocabulary)
                words.add(part.tokens[1:], part.lengths)
                if words.words > _MAX_WORDS:
                    raise InputError(f"{path}: more than {_MAX_WORDS:,} words")
        if not words.words:
            raise no_words(path)


def _write_shuffled(corpus: Corpus, seed: int, folder: Path) -> None:
    number = len(corpus)
    name = folder / "order"
    with name.open("wb") as file:
        # Room for all of it: a mapped page that finds none when it is written kills the process.
        os.posix_fallocate(file.fileno(), 0, 4 * number)
    order = np.memmap(name, np.int32, "r+")
    for first in range(0, number, _RUN):
        order[first : first + _RUN] = np.arange(first, min(first + _RUN, number))
    with progress("shuffling", 2 * number, " words") as bar:
        shuffle_as_python(order, seed, bar.update)
        small = corpus.num_examples < _MAX_WORDS
        with writer(folder, corpus.vocabulary, small) as words:
            for tokens, lengths in corpus.gathered(torch.from_numpy(order)):
                words.add(tokens, lengths)
                bar.update(len(lengths))
    name.unlink()


@contextmanager
def _told() -> Iterator[None]:
    """A full disk or a folder that cannot be written is one line."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{CACHE_VARIABLE} {cache_folder()}: cannot keep the corpus's tokens there"
            f" ({error.strerror}); set it to a folder with room, or pass --data.memory_map false"
        ) from None
