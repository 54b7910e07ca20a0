"""A corpus as files: written whole or not at all, and memory-mapped.

A corpus is a folder of `tokens`, `places` and `corpus.json`. It is made beside its place and moved
there when all of it is on the disk; how many bytes its files must have, the json tells.
"""

import errno
import fcntl
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np
import torch
from jaxtyping import Int, Integer
from torch import Tensor

from litmore.corpus.corpus import LEFT_PADDING, Corpus
from litmore.corpus.vocabulary import Vocabulary

_FORMAT = 2
"""Of the files; those of another one are made anew."""


def opened(folder: Path) -> Corpus | None:
    """The corpus of a folder; none where it does not lie there whole."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        facts = json.loads((folder / "corpus.json").read_bytes())
        if facts["format"] != _FORMAT:
            return None
        vocabulary = Vocabulary(facts["characters"])
        tokens = _mapped(folder / "tokens", vocabulary.dtype, LEFT_PADDING + facts["tokens"])
        places = _mapped(folder / "places", np.dtype(facts["places"]), facts["words"] + 1)
        if int(places[-1]) == facts["tokens"] - 1:
            return Corpus(tokens[LEFT_PADDING:], places, vocabulary)
    return None


def _mapped(path: Path, dtype: np.dtype, number: int) -> Integer[Tensor, " number"]:
    if path.stat().st_size != number * dtype.itemsize:
        raise ValueError(f"{path}: not whole")
    with warnings.catch_warnings():  # that it cannot be written is as it should be
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(np.memmap(path, dtype, "r"))


def made(folder: Path, write: Callable[[Path], None]) -> Corpus:
    """The corpus of a folder, which is written first if it does not lie there whole.

    Args:
        folder: its place.
        write: fills an empty folder, by `writer`.

    Raises:
        OSError: it cannot be written; nothing of it is left.

    """
    if (found := opened(folder)) is not None:
        return found
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder) as alone:
        if (found := opened(folder)) is not None:  # another process has made it meanwhile
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
    found = opened(folder)
    if found is None:
        raise OSError(errno.EIO, "what was written cannot be read")
    return found


def _move(beside: Path, folder: Path) -> None:
    try:
        beside.rename(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        if opened(folder) is None:  # damaged; else, without locks, another process was faster
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


class Writer:
    """Writes words to a file of tokens and one of places.

    Args:
        tokens: begins with the boundaries before the first word.
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
def writer(folder: Path, vocabulary: Vocabulary, small: bool) -> Iterator[Writer]:
    """Write a corpus, some words at a time, and last of all what was written.

    Args:
        folder: an empty one.
        vocabulary: of the ids.
        small: whether four bytes hold every place.

    """
    places_type = np.dtype("int32" if small else "int64")
    with _file(folder / "tokens") as tokens, _file(folder / "places") as places:
        tokens.write(np.zeros(LEFT_PADDING + 1, vocabulary.dtype).data)
        words = Writer(tokens, places, places_type)
        yield words
    facts = {
        "format": _FORMAT,
        "characters": vocabulary.characters,
        "tokens": words.end + 1,
        "words": words.words,
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
