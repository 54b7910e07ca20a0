"""Running text as one flat tensor of tokens."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Int, Integer
from torch import Tensor

from litmore.corpus.characters import alphabet, named
from litmore.corpus.corpus import LEFT_PADDING, Run, frequencies, vocabulary_of
from litmore.corpus.kinds import HEAD, check_text
from litmore.corpus.mapped import kept, write_runs
from litmore.corpus.source import Source
from litmore.corpus.text import BOM, chunks
from litmore.corpus.vocabulary import BYTES, NEWLINE, UNKNOWN, Vocabulary
from litmore.errors import InputError
from litmore.progress import progress

Tokens = Literal["characters", "bytes"]


@dataclass(frozen=True)
class RunningText:
    """N tokens of text, one after the other, and the one before the first of them.

    The text's own first token stands behind a newline. All of a text stays as it is, its blank
    lines, spaces and control characters too; the newline has id 0, whether it occurs or not.

    Attributes:
        tokens: ids in the smallest integer type that holds the vocabulary.
        vocabulary: the characters of the ids.

    """

    tokens: Integer[Tensor, " N_and_1"]
    vocabulary: Vocabulary

    def __len__(self) -> int:
        return self.num_examples

    @property
    def num_examples(self) -> int:
        """N: how many tokens there are to predict."""
        return len(self.tokens) - 1

    def __getitem__(self, places: slice) -> "RunningText":
        """A part, as a view of the same storage."""
        first, last, step = places.indices(len(self))
        if step != 1:
            raise IndexError("running text is sliced in steps of 1")
        return replace(self, tokens=self.tokens[first : max(first, last) + 1])

    def frequencies(self) -> Int[Tensor, " V"]:
        """How often each id is to be predicted."""
        return frequencies(self.tokens[1:], len(self.vocabulary))


@dataclass
class TextSource(Source):
    """A file of running text, and how to read it: `Source`, whose words are not asked for.

    Args:
        tokens: what a token is, a character of UTF-8 or a byte of any file.

    """

    tokens: Tokens = "characters"

    def __post_init__(self) -> None:
        given, self.vocabulary = self.vocabulary, None
        super().__post_init__()
        if given is not None:
            self.given_vocabulary = Vocabulary("\n" + given.removeprefix("\n"))
        if self.tokens == "bytes":
            if self.given_vocabulary not in (None, Vocabulary("\n" + BYTES)):
                raise InputError(
                    "--data.tokens bytes: the vocabulary, given or a checkpoint's, is of characters"
                )
            self.given_vocabulary = Vocabulary("\n" + BYTES)

    @cached_property
    def text(self) -> RunningText:
        """All of the file.

        Raises:
            InputError: the file cannot be used, does not fit into memory, or its content is
                another.

        """
        with self.checked():
            return self._mapped() if self.is_mapped else self._read()

    def _mapped(self) -> RunningText:
        path = self.file.absolute()
        corpus, _, sha256 = kept(
            path,
            f"-{self.tokens}",
            self.given_vocabulary,
            lambda folder: self._write(path, folder),
        )
        self.note(sha256)
        return RunningText(corpus.tokens, Vocabulary("\n" + corpus.vocabulary.characters))

    def _read(self) -> RunningText:
        ids = self.given_vocabulary or _vocabulary_of(self.file)
        parts = [np.zeros(LEFT_PADDING + 1, ids.dtype)]
        parts += (tokens for tokens, _ in _tokens(self.file, self.tokens, ids))
        return RunningText(torch.from_numpy(np.concatenate(parts))[LEFT_PADDING:], ids)

    def _write(self, path: Path, folder: Path) -> None:
        passes = 1 if self.given_vocabulary else 2
        with progress(f"reading {path.name}", path.stat().st_size * passes, "B") as bar:
            ids = self.given_vocabulary or _vocabulary_of(path, bar.update)

            def runs() -> Iterator[Run]:
                for tokens, packed in _tokens(path, self.tokens, ids):
                    yield torch.from_numpy(tokens), torch.tensor([len(tokens)]), None
                    bar.update(packed)

            write_runs(folder, ids, False, runs())


def _vocabulary_of(path: Path, told: Callable[[int], object] = int) -> Vocabulary:
    """The characters of a text, sorted, behind the newline."""

    def read() -> Iterator[np.ndarray]:
        for codepoints, packed in _characters(path):
            yield codepoints
            told(packed)

    return Vocabulary("\n" + vocabulary_of(path, read()).characters)


def _tokens(path: Path, tokens: Tokens, ids: Vocabulary) -> Iterator[tuple[np.ndarray, int]]:
    """A file as ids, some at a time, and how many bytes of it were read for them."""
    line, is_empty = 1, True
    read = _bytes(path) if tokens == "bytes" else _characters(path)
    for codepoints, packed in read:
        found = ids.ids(codepoints)
        strangers = np.flatnonzero(found == UNKNOWN)
        if strangers.size:
            at = int(strangers[0])
            line += int(np.count_nonzero(codepoints[:at] == NEWLINE))
            raise InputError(
                f"{path}:{line}: {named(chr(codepoints[at]))} is not among the vocabulary's"
                f" {alphabet(ids.characters)}"
            )
        line += int(np.count_nonzero(codepoints == NEWLINE))
        is_empty &= not found.size
        yield found.astype(ids.dtype), packed
    if is_empty:
        raise InputError(f"{path}: no text in it")


def _bytes(path: Path) -> Iterator[tuple[np.ndarray, int]]:
    """Each byte as the codepoint that names it."""
    for raw, packed in chunks(path):
        yield np.frombuffer(raw, np.uint8), packed


def _characters(path: Path) -> Iterator[tuple[np.ndarray, int]]:
    """Codepoints of UTF-8 without a byte-order mark; uint8 where all is ASCII, else uint32.

    Raises:
        InputError: the file cannot be read, is not UTF-8, or holds a NUL.

    """
    line, at, rest = 1, 0, b""
    for chunk, packed in chunks(path):
        is_first = not at and not rest
        if is_first:
            check_text(path, chunk[:HEAD])
        raw = rest + (chunk.removeprefix(BOM) if is_first else chunk)
        text, rest = _decoded(raw, path, line, at)
        if (nul := raw.find(b"\0")) >= 0:
            line += raw.count(b"\n", 0, nul)
            raise InputError(
                f"{path}:{line}: a NUL, which no text holds; --data.tokens bytes takes any file"
            )
        line += raw.count(b"\n")
        at += len(raw) - len(rest)
        yield text, packed
    if rest:
        raise _no_utf8(path, line, rest[0], at)


def _decoded(raw: bytes, path: Path, line: int, at: int) -> tuple[np.ndarray, bytes]:
    """The codepoints, and the bytes of a last character whose end is not among them."""
    if raw.isascii():
        return np.frombuffer(raw, np.uint8), b""
    end = len(raw)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        end = error.start
        if error.reason != "unexpected end of data":
            raise _no_utf8(path, line + raw.count(b"\n", 0, end), raw[end], at + end) from None
        text = raw[:end].decode()
    return np.frombuffer(text.encode("utf-32-le"), "<u4"), raw[end:]


def _no_utf8(path: Path, line: int, byte: int, at: int) -> InputError:
    return InputError(
        f"{path}:{line}: not UTF-8 (byte 0x{byte:02x} at {at}); --data.tokens bytes takes any file"
    )
