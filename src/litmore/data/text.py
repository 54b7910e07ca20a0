"""A file of one word a line, read into clean codepoints.

Everything here works on whole arrays: no Python object per word or per character.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np

from litmore.data.vocabulary import NEWLINE
from litmore.errors import InputError

MAX_WORD = 10_000
"""Characters of the longest word taken; a longer line is no word."""

MAX_UNPACKED = 100
"""How many times its packed size a `.gz` may unfold to; words come to 2 to 10, a bomb to 1,000."""

_SMALL = 1 << 24
"""Bytes that any `.gz` may unfold to."""

_BOM = b"\xef\xbb\xbf"

_EDGE_SPACES = np.zeros(0x110000, dtype=bool)
"""What is trimmed from a line's edges: tab, carriage return and Unicode's space separators."""
_EDGE_SPACES[[0x09, 0x0D, 0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000]] = 1

_CONTROLS = np.zeros(0x110000, dtype=bool)
"""What no word may hold. A form feed is a character here, as U+2028 is: neither ends a line."""
_CONTROLS[[*range(0x20), *range(0x7F, 0xA0)]] = True
_CONTROLS[[NEWLINE, 0x0C]] = False


def read_codepoints(path: Path) -> np.ndarray:
    """The words of a UTF-8 file, plain or `.gz`, as codepoints, each word ended by one newline.

    A byte-order mark, blank lines, spaces at a line's edges and CRLF line ends are dropped; a last
    newline may be missing. Order and repetitions stay.

    Raises:
        InputError: the file cannot be read, is not UTF-8, holds a control character, a word of more
            than `MAX_WORD` characters, or no word.

    """
    raw = _read_bytes(path).removeprefix(_BOM)
    codepoints = _decode(raw, path)
    kept = _trim(codepoints, path)
    # A newline that follows a newline (or nothing) ends a blank line.
    ends = kept == NEWLINE
    blank = ends & np.concatenate(([True], ends[:-1]))
    words = kept[~blank]
    if words.size == 0:
        raise InputError(f"{path}: no words in it; give a text file of one word a line")
    _check_lengths(words, path)
    return words


def _check_lengths(words: np.ndarray, path: Path) -> None:
    ends = np.flatnonzero(words == NEWLINE)
    lengths = np.diff(ends, prepend=-1) - 1
    if lengths.max() > MAX_WORD:
        word = int(np.argmax(lengths > MAX_WORD))
        raise InputError(
            f"{path}:{line_of_word(path, word)}: a word of {int(lengths[word]):,} characters;"
            f" {MAX_WORD:,} are the most, one word a line"
        )


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes, as they lie on the disk.

    Raises:
        InputError: the file cannot be read.

    """
    with _readable(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def line_of_word(path: Path, word: int) -> int:
    """The number, from 1, of the line that a word of `read_codepoints` (from 0) stands on."""
    spaces = "".join(map(chr, np.flatnonzero(_EDGE_SPACES)))
    lines = _read_bytes(path).removeprefix(_BOM).decode().split("\n")
    numbers = (number for number, line in enumerate(lines, 1) if line.strip(spaces))
    return next(islice(numbers, word, None))


def _read_bytes(path: Path) -> bytes:
    with _readable(path):
        if not path.is_dir() and path.exists() and not path.is_file():
            raise InputError(f"{path}: no regular file; give a text file of one word a line")
        if path.suffix != ".gz":
            return path.read_bytes()
        most = max(_SMALL, MAX_UNPACKED * path.stat().st_size)
        with gzip.open(path) as file:
            raw = file.read(most + 1)
    if len(raw) > most:
        raise InputError(
            f"{path}: unfolds to more than {most:,} bytes, {MAX_UNPACKED} times its size;"
            " unpack it yourself if that is meant"
        )
    return raw


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give a text file of one word a line") from None
    except IsADirectoryError:
        raise InputError(f"{path}: a folder; give a text file of one word a line") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: not a whole gzip file ({error})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except InputError:
        raise
    except ValueError as error:  # a NUL in the path
        raise InputError(f"{str(path)!r}: no file's name ({error})") from None


def _decode(raw: bytes, path: Path) -> np.ndarray:
    """Codepoints of the text and one newline after it: uint8 where all is ASCII, else uint32."""
    if raw.isascii():
        return np.frombuffer(raw + b"\n", dtype=np.uint8)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}:{line}: not UTF-8 (byte 0x{raw[error.start]:02x} at {error.start})"
        ) from None
    return np.frombuffer((text + "\n").encode("utf-32-le"), dtype="<u4")


def _trim(codepoints: np.ndarray, path: Path) -> np.ndarray:
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
        line = int(np.count_nonzero(codepoints[:at] == NEWLINE)) + 1
        hint = "; lines end in \\n or \\r\\n" if codepoints[at] == 0x0D else ""
        raise InputError(
            f"{path}:{line}: control character U+{int(codepoints[at]):04X} in a word{hint}"
        )
    return codepoints[keep]
