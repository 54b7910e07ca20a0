"""A file of one word a line, read into clean codepoints.

Everything here works on whole arrays: no Python object per word or per character.
"""

import hashlib
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BufferedReader
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Int

from litmore.corpus.kinds import (
    HEAD,
    check_line_ends,
    check_text,
    check_words,
    converted,
    is_text_of_bytes,
)
from litmore.corpus.packed import MAX_UNPACKED, is_packed, most_text, text_size, unpacked
from litmore.corpus.reading import NormalForm, Reading
from litmore.corpus.vocabulary import NEWLINE
from litmore.errors import InputError

MAX_WORD = 10_000
"""Characters of the longest word taken; a longer line is no word."""

PIECE = 1 << 20
"""Bytes of text read at a time; for `pieces` a line cannot be longer."""

BOM = b"\xef\xbb\xbf"

AS_IT_IS = Reading()

_ROWS = 1 << 16
"""Of a table, read at a time."""

_EDGE_SPACES = np.zeros(0x110000, dtype=bool)
"""What is trimmed from a line's edges: tab, carriage return and Unicode's space separators."""
_EDGE_SPACES[[0x09, 0x0D, 0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000]] = 1

_CONTROLS = np.zeros(0x110000, dtype=bool)
"""What no word may hold. A form feed is a character here, as U+2028 is: neither ends a line."""
_CONTROLS[[*range(0x20), *range(0x7F, 0xA0)]] = True
_CONTROLS[[NEWLINE, 0x0C]] = False


_HINTS = {0x0D: "; lines end in \\n or \\r\\n", 0x09: "; a table? --data.column reads one column"}
"""What to do about some of them."""


@dataclass(frozen=True)
class Piece:
    """Whole lines of a file.

    Attributes:
        raw: the lines, UTF-8, without a byte-order mark.
        path: of the file.
        line: the number, from 1, of the first.
        at: how many bytes of text stand before it.
        packed: bytes of the file, as they lie on the disk, that were read for it.
        form: the Unicode normal form that the words are brought to.
        lines: of a table's column, the number of each word's line.
        times: of one with weights, how often each word counts.

    """

    raw: bytes
    path: Path
    line: int = 1
    at: int = 0
    packed: int = 0
    form: NormalForm | None = None
    lines: Int[np.ndarray, " words"] | None = None
    times: Int[np.ndarray, " words"] | None = None


def read_codepoints(path: Path, reading: Reading = AS_IT_IS) -> tuple[np.ndarray, Piece]:
    """The words of a UTF-8 file, plain or packed, as codepoints, each word ended by one newline.

    A byte-order mark, blank lines, spaces at a line's edges and CRLF line ends are dropped; a last
    newline may be missing. Order and repetitions stay.

    Returns:
        The codepoints, and what they are from: all of the file.

    Raises:
        InputError: the file cannot be read, is not UTF-8, holds a control character, a word of more
            than `MAX_WORD` characters, or no word.

    """
    if reading.column is None:
        piece = Piece(_read_bytes(path), path, form=reading.normalize)
    else:
        piece = _joined(path, list(_column(path, reading)))
    words = codepoints_of(piece)
    if words.size == 0:
        raise no_words(path, reading)
    return words, piece


def no_words(path: Path, reading: Reading = AS_IT_IS) -> InputError:
    """What to say of a file without any."""
    if reading.column is not None:
        weighed = "" if reading.weight is None else " that counts"
        return InputError(f"{path}: no word{weighed} in column {reading.column}")
    return InputError(f"{path}: no words in it; give a text file of one word a line")


def pieces(path: Path, reading: Reading = AS_IT_IS) -> Iterator[Piece]:
    """A file as runs of whole lines of some `PIECE` bytes, one after the other.

    Raises:
        InputError: the file cannot be read, or a line is longer than that.

    """
    if reading.column is not None:
        yield from _column(path, reading)
        return
    line, at, before, form = 1, 0, 0, reading.normalize
    with _readable(path), _opened(path) as (file, most, packed):
        rest = _first(path, file)
        while more := file.read(PIECE):
            if at + len(rest) + len(more) > most:
                raise _bomb(path, most)
            end = more.rfind(b"\n") + 1
            if not end and len(rest) + len(more) > PIECE:
                raise InputError(
                    f"{path}:{line}: a line of more than {PIECE:,} bytes; give one word a line"
                )
            raw, rest = (rest + more[:end], more[end:]) if end else (b"", rest + more)
            if raw:
                yield Piece(raw, path, line, at, packed.tell() - before, form)
                line, at, before = line + raw.count(b"\n"), at + len(raw), packed.tell()
        if rest:
            yield Piece(rest, path, line, at, packed.tell() - before, form)


def _column(path: Path, reading: Reading) -> Iterator[Piece]:
    """A table's column as `pieces` has lines: a word a line, no blank ones."""
    before = 0
    with _readable(path), _opened(path) as (file, most, packed):
        head = file.peek(HEAD)[:HEAD]
        check_text(path, head)
        check_line_ends(path, head)
        rows = reading.rows(path, _lines(path, file, most))
        while some := list(islice(rows, _ROWS)):
            lines, words, times = zip(*some, strict=True)
            yield Piece(
                "".join(f"{word}\n" for word in words).encode(),
                path,
                packed=packed.tell() - before,
                form=reading.normalize,
                lines=np.array(lines),
                times=None if reading.weight is None else np.array(times),
            )
            before = packed.tell()


def _lines(path: Path, file: BufferedReader, most: int) -> Iterator[str]:
    at = 0
    for number, raw in enumerate(file, 1):
        at += len(raw)
        if at > most:
            raise _bomb(path, most)
        try:
            yield (raw if number > 1 else raw.removeprefix(BOM)).decode()
        except UnicodeDecodeError as error:
            raise _no_utf8(Piece(raw, path, number, at - len(raw)), error) from None


def _joined(path: Path, parts: Sequence[Piece]) -> Piece:
    if not parts:
        return Piece(b"", path)
    times = [part.times for part in parts if part.times is not None]
    return replace(
        parts[0],
        raw=b"".join(part.raw for part in parts),
        lines=np.concatenate([part.lines for part in parts if part.lines is not None]),
        times=np.concatenate(times) if times else None,
    )


def chunks(path: Path) -> Iterator[tuple[bytes, int]]:
    """A file's bytes, `PIECE` at a time, and how many of it, as it lies on the disk, were read.

    Raises:
        InputError: the file cannot be read.

    """
    at = before = 0
    with _readable(path), _opened(path) as (file, most, packed):
        while raw := file.read(PIECE):
            at += len(raw)
            if at > most:
                raise _bomb(path, most)
            yield raw, packed.tell() - before
            before = packed.tell()


def codepoints_of(piece: Piece) -> np.ndarray:
    """The words of some lines, as `read_codepoints` gives those of a file; maybe none."""
    codepoints = _decode(piece)
    kept = _trim(codepoints, piece)
    # A newline that follows a newline (or nothing) ends a blank line.
    ends = kept == NEWLINE
    blank = ends & np.concatenate(([True], ends[:-1]))
    words = kept[~blank] if blank.any() else kept
    lengths = np.diff(np.flatnonzero(words == NEWLINE), prepend=-1) - 1
    if lengths.size and lengths.max() > MAX_WORD:
        word = int(np.argmax(lengths > MAX_WORD))
        raise InputError(
            f"{piece.path}:{line_of_word(piece, word)}: a word of {int(lengths[word]):,}"
            f" characters; {MAX_WORD:,} are the most, one word a line"
        )
    return words


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes, as they lie on the disk."""
    with _readable(path):
        _check_regular(path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def line_of_word(piece: Piece, word: int) -> int:
    """The number of the line that a word (from 0) stands on."""
    if piece.lines is not None:
        return int(piece.lines[word])
    spaces = "".join(map(chr, np.flatnonzero(_EDGE_SPACES)))
    lines = piece.raw.decode().split("\n")
    numbers = (number for number, line in enumerate(lines, piece.line) if line.strip(spaces))
    return next(islice(numbers, word, None))


def unfolded_size(path: Path) -> int:
    """About how many bytes of text a file holds."""
    with _readable(path):
        return text_size(path)


def _read_bytes(path: Path) -> bytes:
    with _readable(path), _opened(path) as (file, most, _):
        raw = _first(path, file) + file.read(most + 1 if is_packed(path) else -1)
    if len(raw) > most:
        raise _bomb(path, most)
    return raw


def _first(path: Path, file: BufferedReader) -> bytes:
    """What a text begins with, but for a byte-order mark."""
    check_words(path, file.peek(HEAD)[:HEAD])
    return file.read(len(BOM)).removeprefix(BOM)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BufferedReader, int, BufferedReader]]:
    """The text to read, how many bytes of it there may be, and the file as it lies on the disk."""
    _check_regular(path)
    with path.open("rb") as file:
        if is_packed(path):
            with unpacked(path, file) as text:
                yield text, most_text(path), file
        else:
            yield file, sys.maxsize, file


def _check_regular(path: Path) -> None:
    """A device or a pipe may never end."""
    if not path.is_dir() and path.exists() and not path.is_file():
        raise InputError(f"{path}: no regular file; give a text file")


def _bomb(path: Path, most: int) -> InputError:
    return InputError(
        f"{path}: unfolds to more than {most:,} bytes, {MAX_UNPACKED} times its size;"
        " unpack it yourself if that is meant"
    )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give a text file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: a folder; give a text file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except InputError:
        raise
    except ValueError as error:  # a NUL in the path
        raise InputError(f"{str(path)!r}: no file's name ({error})") from None


def _decode(piece: Piece) -> np.ndarray:
    """Codepoints of the text and one newline after it: uint8 where all is ASCII, else uint32."""
    raw = piece.raw
    if raw.isascii():
        return np.frombuffer(raw + b"\n", dtype=np.uint8)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _no_utf8(piece, error) from None
    if piece.form is not None:
        text = unicodedata.normalize(piece.form, text)
    return np.frombuffer((text + "\n").encode("utf-32-le"), dtype="<u4")


def _no_utf8(piece: Piece, error: UnicodeDecodeError) -> InputError:
    raw, start = piece.raw, error.start
    # Which encoding of one byte a character it is cannot be told; this is the commonest.
    near = raw[max(0, start - HEAD) : start + HEAD]
    hint = f"; {converted(piece.path, 'CP1252')}" if is_text_of_bytes(near) else ""
    return InputError(
        f"{piece.path}:{piece.line + raw.count(NEWLINE, 0, start)}: not UTF-8"
        f" (byte 0x{raw[start]:02x} at {piece.at + start}){hint}"
    )


def _trim(codepoints: np.ndarray, piece: Piece) -> np.ndarray:
    """The text without spaces at the lines' edges; what is left may hold no control character."""
    keep = np.ones(codepoints.size, dtype=bool)
    spaces = np.flatnonzero(_EDGE_SPACES[codepoints])
    if spaces.size:
        # Runs of spaces: one stands at an edge if a newline (or the file's end) is its neighbour.
        gaps = np.flatnonzero(np.diff(spaces) > 1)
        first = spaces[np.concatenate(([0], gaps + 1))]
        last = spaces[np.concatenate((gaps, [spaces.size - 1]))]
        at_edge = (first == 0) | (codepoints[first - 1] == NEWLINE)
        at_edge |= codepoints[last + 1] == NEWLINE
        keep[spaces] = np.repeat(~at_edge, last - first + 1)
    controls = np.flatnonzero(_CONTROLS[codepoints] & keep)
    if controls.size:
        at = int(controls[0])
        before = int(np.count_nonzero(codepoints[:at] == NEWLINE))
        line = piece.line + before if piece.lines is None else int(piece.lines[before])
        hint = _HINTS.get(int(codepoints[at]), "")
        raise InputError(
            f"{piece.path}:{line}: control character U+{int(codepoints[at]):04X} in a word{hint}"
        )
    return codepoints[keep]
