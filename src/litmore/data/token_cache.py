"""A file larger than memory: tokenised once, into files that are memory-mapped.

In the cache's folder, `tokens/`:

    paths/<hash of a path>.json              what lay there: size, time, sha256
    <sha256>[.gz]/                           tokens, places, corpus.json
    <…>-<hash of a given vocabulary>/        the same by other ids
    <…>/shuffled-<first>-<words>-<seed>/     the same of a shuffled storage

A folder is made beside its place and moved there when all of it is on the disk; how many bytes its
files must have its json tells. All of it may be deleted at any time.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import torch
from jaxtyping import Int, Integer
from torch import Tensor
from tqdm import tqdm

from litmore.data.corpus import Corpus, vocabulary_of
from litmore.data.download import CACHE_VARIABLE, cache_folder
from litmore.data.shuffle import shuffle
from litmore.data.text import MAX_WORD, Piece, codepoints_of, no_words, pieces, sha256_of
from litmore.data.vocabulary import Vocabulary
from litmore.errors import InputError

_FORMAT = 1
"""Of the files; those of another one are made anew."""

_MARGIN = MAX_WORD - 1
"""Boundaries before a shuffled storage: room for the longest context there may be."""

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
        folder = own = _tokens_folder() / (sha256 + ".gz" * (path.suffix == ".gz"))
        if vocabulary is not None:
            found = _opened(own)
            if found is None or found.vocabulary != vocabulary:
                folder = own.with_name(f"{own.name}-{_hash(vocabulary.characters)[:16]}")

        def write(beside: Path) -> None:
            try:
                _tokenise(path, vocabulary, beside)
            finally:
                if _state(path) != before:
                    raise InputError(f"{path}: changed while it was read")

        corpus = _made(folder, write)
        return cls(corpus.tokens, corpus.places, corpus.vocabulary, folder=folder, sha256=sha256)

    def shuffled(self, seed: int, margin: int = 0) -> Corpus:
        """The shuffled words, by way of the cache; with room for any margin.

        Raises:
            InputError: the cache cannot be written.

        """
        first = int(self.places[0])
        folder = self.folder / f"shuffled-{first}-{len(self)}-{seed}"
        return _made(folder, lambda beside: _shuffle(self, seed, beside))

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


# Making


def _tokenise(path: Path, vocabulary: Vocabulary | None, folder: Path) -> None:
    size = path.stat().st_size
    with _progress(f"reading {path.name}", size * (1 if vocabulary else 2), "B") as bar:

        def read() -> Iterator[Piece]:
            for piece in pieces(path):
                yield piece
                bar.update(piece.packed)

        if vocabulary is None:
            vocabulary = vocabulary_of(path, map(codepoints_of, read()))
        # Every token but the first is a byte of the file, or more; but of a .gz, who knows?
        small = path.suffix != ".gz" and size < _MAX_WORDS - 1
        with _writer(folder, vocabulary, small) as writer:
            for piece in read():
                part = Corpus.of_piece(piece, vocabulary)
                writer.add(part.tokens[1:], part.lengths)
                if writer.words > _MAX_WORDS:
                    raise InputError(f"{path}: more than {_MAX_WORDS:,} words")
        if not writer.words:
            raise no_words(path)


def _shuffle(corpus: Corpus, seed: int, folder: Path) -> None:
    words = len(corpus)
    name = folder / "order"
    with name.open("wb") as file:
        # Room for all of it: a mapped page that finds none when it is written kills the process.
        os.posix_fallocate(file.fileno(), 0, 4 * words)
    order = np.memmap(name, np.int32, "r+")
    for first in range(0, words, _RUN):
        order[first : first + _RUN] = np.arange(first, min(first + _RUN, words))
    with _progress("shuffling", 2 * words, " words") as bar:
        shuffle(order, seed, bar.update)
        small = corpus.num_examples < _MAX_WORDS
        with _writer(folder, corpus.vocabulary, small, _MARGIN) as writer:
            for tokens, lengths in corpus.gathered(torch.from_numpy(order)):
                writer.add(tokens, lengths)
                bar.update(len(lengths))
    name.unlink()


class _Writer:
    """Writes words to a file of tokens and one of places.

    Args:
        tokens: begins with the margin and the first boundary.
        places: as numbers of `places_type`.

    """

    def __init__(self, tokens: IO[bytes], places: IO[bytes], places_type: np.dtype) -> None:
        self.words = 0
        self.end = 0  # where the last word's closing boundary stands
        self._tokens, self._places, self._places_type = tokens, places, places_type
        places.write(np.zeros(1, places_type).data)

    def add(self, tokens: Integer[Tensor, " n"], lengths: Int[Tensor, " w"]) -> None:
        """Words, each followed by its boundary."""
        places = self.end + lengths.cumsum(0).numpy()
        self.end += len(tokens)
        self.words += len(lengths)
        self._tokens.write(tokens.numpy().data)
        self._places.write(places.astype(self._places_type).data)


@contextmanager
def _writer(
    folder: Path, vocabulary: Vocabulary, small: bool, margin: int = 0
) -> Iterator[_Writer]:
    """Write a corpus, some words at a time, and last of all what was written.

    Args:
        folder: an empty one.
        vocabulary: of the ids.
        small: whether four bytes hold every place.
        margin: boundaries to lay before the first word's.

    """
    places_type = np.dtype("int32" if small else "int64")
    with _file(folder / "tokens") as tokens, _file(folder / "places") as places:
        tokens.write(np.zeros(margin + 1, vocabulary.dtype).data)
        writer = _Writer(tokens, places, places_type)
        yield writer
    facts = {
        "format": _FORMAT,
        "characters": vocabulary.characters,
        "margin": margin,
        "tokens": writer.end + 1,
        "words": writer.words,
        "places": places_type.name,
    }
    with _file(folder / "corpus.json") as file:
        file.write(json.dumps(facts).encode())


@contextmanager
def _file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which afterwards is on the disk."""
    file = path.open("wb")
    try:
        yield file
        file.flush()
        os.fsync(file.fileno())
    finally:
        with suppress(OSError):  # if it was not written, what it still holds is not wanted
            file.close()


# Keeping


def _opened(folder: Path) -> Corpus | None:
    """The corpus of a folder; none where it does not lie there whole."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        facts = json.loads((folder / "corpus.json").read_bytes())
        if facts["format"] != _FORMAT:
            return None
        vocabulary, margin = Vocabulary(facts["characters"]), facts["margin"]
        tokens = _mapped(folder / "tokens", vocabulary.dtype, margin + facts["tokens"])
        places = _mapped(folder / "places", np.dtype(facts["places"]), facts["words"] + 1)
        if int(places[-1]) == facts["tokens"] - 1:
            return Corpus(tokens[margin:], places, vocabulary)
    return None


def _mapped(path: Path, dtype: np.dtype, number: int) -> Integer[Tensor, " number"]:
    if path.stat().st_size != number * dtype.itemsize:
        raise ValueError(f"{path}: not whole")
    with warnings.catch_warnings():  # that it cannot be written is as it should be
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(np.memmap(path, dtype, "r"))


def _made(folder: Path, write: Callable[[Path], None]) -> Corpus:
    """The corpus of a folder, which is written first if it does not lie there whole."""
    if (found := _opened(folder)) is not None:
        return found
    with _told():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder) as alone:
            if (found := _opened(folder)) is not None:  # another process has made it meanwhile
                return found
            if alone:  # what killed processes have left
                for left in folder.parent.glob(f"{folder.name}.*.tmp"):
                    shutil.rmtree(left, ignore_errors=True)
            beside = tempfile.mkdtemp(".tmp", f"{folder.name}.", folder.parent)
            try:
                write(Path(beside))
                _move(Path(beside), folder)
            finally:
                shutil.rmtree(beside, ignore_errors=True)
        found = _opened(folder)
        if found is None:
            raise OSError(errno.EIO, "what was written cannot be read")
    return found


def _move(beside: Path, folder: Path) -> None:
    try:
        beside.rename(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        if _opened(folder) is None:  # damaged; else, without locks, another process was faster
            damaged = beside.with_name(f"{beside.name}.damaged.tmp")
            folder.rename(damaged)
            beside.rename(folder)
            shutil.rmtree(damaged, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Only one process at a time, as long as it lives; whether that is sure."""
    with folder.with_name(f"{folder.name}.lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a filesystem without locks
            yield False
        else:
            yield True


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


def _progress(what: str, total: int, unit: str) -> tqdm:
    return tqdm(
        total=total,
        desc=what,
        unit=unit,
        unit_scale=True,
        delay=2.0,  # what is done sooner need not be shown
        leave=False,
        disable=not sys.stderr.isatty(),
    )
