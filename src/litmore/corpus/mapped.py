"""A corpus larger than memory: tokenised once, in files that are memory-mapped.

In the cache's folder, `tokens/`:

    paths/<hash of a path>.json              what lay there: size, time, sha256
    <sha256>[-gz]/                           tokens, places, times, corpus.json
    <sha256>[-gz]-characters/, …-bytes/      the same of running text
    <…>-<hash of a given vocabulary>/        the same by other ids
    <…>/shuffled-<first>-<words>-<seed>/     the same of a shuffled storage

A corpus's folder is written beside its place and moved there when all of it is on the disk.
corpus.json has its files' hashes, and when they were written: one that has changed since is hashed
again, and if it is another, all is made anew. All of it may be deleted at any time.
"""

import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Integer
from torch import Tensor

from litmore.corpus.corpus import LEFT_PADDING, Corpus, Run, vocabulary_of
from litmore.corpus.download import CACHE_VARIABLE, cache_folder
from litmore.corpus.packed import is_packed
from litmore.corpus.reading import Reading
from litmore.corpus.shuffle import shuffle_as_python
from litmore.corpus.text import AS_IT_IS, Piece, codepoints_of, no_words, pieces, sha256_of
from litmore.corpus.vocabulary import Vocabulary
from litmore.errors import InputError
from litmore.files import written_whole
from litmore.locks import Lock
from litmore.progress import progress

NO_UNIQUE = (  # that needs all words at once
    "--data.unique true: not for a file that is memory-mapped; --data.memory_map false reads"
    " it whole, or keep each line once with `sort -u`"
)

_FORMAT = 4
"""Of a corpus's files; those of another one are made anew."""

_MAX_WORDS = 2**31 - 1
"""Words of a file: as many as an order of four bytes each can name."""

_FACTS = "corpus.json"

_SETTLED = 2 * 10**9
"""Nanoseconds after which a change of a file surely shows in its time."""

_CHUNK = 1 << 20
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
    def read(
        cls,
        path: Path | str,
        vocabulary: Vocabulary | None = None,
        reading: Reading = AS_IT_IS,
    ) -> "MappedCorpus":
        """As `Corpus.read`, by way of the cache.

        Raises:
            InputError: as there; a line is longer than `text.PIECE` bytes; or the cache cannot be
                written.

        """
        path = Path(path).absolute()
        corpus, folder, sha256 = kept(
            path,
            reading.key,
            vocabulary,
            lambda beside: _write_tokens(path, reading, vocabulary, beside),
        )
        return cls(corpus.tokens, corpus.places, corpus.vocabulary, corpus.times, folder, sha256)

    def shuffled(self, seed: int) -> Corpus:
        """As `Corpus.shuffled`, by way of the cache."""
        folder = self.folder / f"shuffled-{int(self.places[0])}-{len(self)}-{seed}"
        return _made(folder, lambda beside: _write_shuffled(self, seed, beside))

    def unique(self) -> Corpus:
        raise InputError(NO_UNIQUE)


def kept(
    path: Path, kind: str, vocabulary: Vocabulary | None, write: Callable[[Path], None]
) -> tuple[Corpus, Path, str]:
    """What the cache has of a file.

    Args:
        path: the file, absolute.
        kind: of what is made of it; a part of the folder's name.
        vocabulary: whose ids it is in; None: the file's own.
        write: fills an empty folder, where there is none yet.

    Returns:
        The tokens and their places, the folder that they lie in, and the file's sha256.

    Raises:
        InputError: the file cannot be read, changed meanwhile, or the cache cannot be written.

    """
    before = _state(path)
    sha256 = content_of(path)
    # By its name a file is read as it is, or unfolded.
    unfolded = path.suffix.replace(".", "-") if is_packed(path) else ""
    folder = own = _tokens_folder() / f"{sha256}{unfolded}{kind}"
    if vocabulary is not None:
        found = _opened(own)
        if found is None or found.vocabulary.characters != vocabulary.characters:
            folder = own.with_name(f"{own.name}-{_hash(vocabulary.characters)[:16]}")

    def checked(beside: Path) -> None:
        try:
            write(beside)
        finally:
            if _state(path) != before:
                raise InputError(f"{path}: changed while it was read")

    return _made(folder, checked), folder, sha256


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


def content_of(path: Path) -> str:
    """The sha256 of a file; hashed only if its size or time is another than when it last was.

    Raises:
        InputError: the file cannot be read, or the cache not written.

    """
    now = _state(path)
    record = _tokens_folder() / "paths" / f"{_hash(str(path.absolute()))}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = _unsealed(record.read_bytes())
        if known["state"] == now:
            return str(known["sha256"])
    sha256 = sha256_of(path)
    if now is not None and _state(path) == now and time.time_ns() - now[1] > _SETTLED:
        with _told():
            record.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(record) as file:
                file.write(_sealed({"path": str(path), "state": now, "sha256": sha256}))
    return sha256


def _sealed(facts: dict[str, Any]) -> bytes:
    """As JSON, with its own hash."""
    return json.dumps({**facts, "seal": _hash(json.dumps(facts))}).encode()


def _unsealed(content: bytes) -> dict[str, Any]:
    """What was sealed.

    Raises:
        ValueError: it was something else, or is another by now.

    """
    facts = json.loads(content)
    if not isinstance(facts, dict) or facts.pop("seal", None) != _hash(json.dumps(facts)):
        raise ValueError("damaged")
    return facts


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


@_told()
def _made(folder: Path, write: Callable[[Path], None]) -> Corpus:
    """The corpus of a folder; if it does not lie there whole, `write` fills an empty one first."""
    if (found := _opened(folder)) is not None:
        return found
    folder.parent.mkdir(parents=True, exist_ok=True)
    name = folder.with_name(f"{folder.name}.lock")
    name.touch()
    lock = Lock(name, name.with_suffix(".lease"), f"another process is writing {folder}")
    with lock.waited_for():
        for left in folder.parent.glob(f"{folder.name}.*.tmp"):  # by killed processes
            shutil.rmtree(left, ignore_errors=True)
        if (found := _opened(folder)) is not None:  # another process has made it meanwhile
            return found
        beside = Path(tempfile.mkdtemp(".tmp", f"{folder.name}.", folder.parent))
        damaged = beside.with_name(f"{beside.name}.damaged.tmp")
        try:
            write(beside)
            with suppress(OSError):  # one that was silent for long, and is not dead, may be faster
                if _opened(folder) is None and folder.exists():
                    folder.rename(damaged)
                beside.rename(folder)
        finally:
            for left in (beside, damaged):
                shutil.rmtree(left, ignore_errors=True)
    if (found := _opened(folder)) is None:
        raise OSError(errno.EIO, "what was written cannot be read")
    return found


def _opened(folder: Path) -> Corpus | None:
    """The corpus of a folder; none where it does not lie there whole."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        facts = _unsealed((folder / _FACTS).read_bytes())
        if facts["format"] != _FORMAT or not _is_as_written(folder, facts):
            return None
        vocabulary = Vocabulary(facts["characters"])
        storage = _map(folder / "tokens", vocabulary.dtype, LEFT_PADDING + facts["tokens"])
        places = _map(folder / "places", np.dtype(facts["places"]), facts["words"] + 1)
        times = None
        if facts["is_weighted"]:
            times = _map(folder / "times", np.dtype("int64"), facts["words"])
        if int(places[-1]) == facts["tokens"] - 1:
            return Corpus(storage[LEFT_PADDING:], places, vocabulary, times)
    return None


def _is_as_written(folder: Path, facts: dict[str, Any]) -> bool:
    """Whether a corpus's files are what was written; hashed only where they changed since."""
    now = {name: _stamp(folder / name) for name in facts["files"]}
    if all(known["stamp"] == now[name] for name, known in facts["files"].items()):
        return True
    for name, known in facts["files"].items():
        if sha256_of(folder / name) != known["sha256"]:
            return False
        known["stamp"] = now[name]
    with suppress(OSError), written_whole(folder / _FACTS) as file:  # need not be hashed again
        file.write(_sealed(facts))
    return True


def _stamp(path: Path) -> list[int]:
    """What changes whenever a file does, or is copied; nobody can set the last of it."""
    found = path.stat()
    return [found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]


def _map(path: Path, dtype: np.dtype, size: int) -> Integer[Tensor, " size"]:
    if path.stat().st_size != size * dtype.itemsize:
        raise ValueError(f"{path}: not whole")
    with warnings.catch_warnings():  # that it cannot be written is as it should be
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(np.memmap(path, dtype, "r"))


def write_runs(folder: Path, vocabulary: Vocabulary, small: bool, runs: Iterable[Run]) -> None:
    """Write a corpus, and last of all what was written; `small`: four bytes hold every place."""
    files = {name: _Hashed(folder / name) for name in ("tokens", "places", "times")}
    places_type = np.dtype("int32" if small else "int64")
    end = words = 0
    is_weighted = False
    with (
        files["tokens"] as tokens_file,
        files["places"] as places_file,
        files["times"] as times_file,
    ):
        tokens_file.write(np.zeros(LEFT_PADDING + 1, vocabulary.dtype).data)
        places_file.write(np.zeros(1, places_type).data)
        for tokens, lengths, times in runs:
            tokens_file.write(tokens.numpy().data)
            places_file.write((end + lengths.cumsum(0)).numpy().astype(places_type).data)
            if times is not None:
                times_file.write(times.long().numpy().data)
                is_weighted = True
            end += len(tokens)
            words += len(lengths)
    facts = {
        "format": _FORMAT,
        "characters": vocabulary.characters,
        "tokens": end + 1,
        "words": words,
        "places": places_type.name,
        "is_weighted": is_weighted,
        "files": {name: file.told() for name, file in files.items()},
    }
    with written_whole(folder / _FACTS, to_disk=True) as file:
        file.write(_sealed(facts))


class _Hashed:
    """A file to write, which afterwards is on the disk, and whose hash is known."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hash = hashlib.sha256()

    def __enter__(self) -> "_Hashed":
        self._file = self._path.open("xb")
        return self

    def write(self, data: memoryview) -> None:
        self._hash.update(data)
        self._file.write(data)

    def __exit__(self, *_: object) -> None:
        with self._file as file:
            file.flush()
            os.fsync(file.fileno())

    def told(self) -> dict[str, Any]:
        return {"sha256": self._hash.hexdigest(), "stamp": _stamp(self._path)}


def _write_tokens(
    path: Path, reading: Reading, vocabulary: Vocabulary | None, folder: Path
) -> None:
    size = path.stat().st_size
    with progress(f"reading {path.name}", size * (1 if vocabulary else 2), "B") as bar:

        def read() -> Iterator[Piece]:
            for piece in pieces(path, reading):
                yield piece
                bar.update(piece.packed)

        ids = vocabulary or vocabulary_of(path, map(codepoints_of, read()))

        def runs() -> Iterator[Run]:
            words = 0
            for piece in read():
                part = Corpus.of_piece(piece, ids)
                words += len(part)
                if words > _MAX_WORDS:
                    raise InputError(f"{path}: more than {_MAX_WORDS:,} words")
                yield part.tokens[1:], part.lengths, part.times
            if not words:
                raise no_words(path, reading)

        # Every token but the first is a byte of the file, or more; of a packed one, who knows?
        write_runs(folder, ids, not is_packed(path) and size < _MAX_WORDS - 1, runs())


def _write_shuffled(corpus: Corpus, seed: int, folder: Path) -> None:
    number = len(corpus)
    name = folder / "order"
    with name.open("wb") as file:  # whole: a mapped page that the disk has no room for kills
        for first in range(0, number, _CHUNK):
            last = min(first + _CHUNK, number)
            file.write(np.arange(first, last, dtype=np.int32).data)
    order = np.memmap(name, np.int32, "r+")
    with progress("shuffling", 2 * number, " words") as bar:
        shuffle_as_python(order, seed, bar.update)

        def runs(order: np.ndarray) -> Iterator[Run]:
            for run in corpus.gathered(torch.from_numpy(order)):
                yield run
                bar.update(len(run[1]))

        write_runs(folder, corpus.vocabulary, corpus.num_examples < _MAX_WORDS, runs(order))
    del order  # a file that is mapped cannot be removed everywhere
    name.unlink()
