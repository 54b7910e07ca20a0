"""Files that are packed, known by their suffix: `.gz`, `.xz`, `.bz2`, `.zst`."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any

from litmore.errors import InputError

zstd: Any = None
with suppress(ImportError):  # not before Python 3.14
    from compression import zstd  # type: ignore[import-not-found,no-redef]
with suppress(ImportError):
    from backports import zstd

MAX_UNPACKED = 100
"""How many times its size a packed file may unfold to; words come to 2 to 10, a bomb to 1,000."""

_SMALL = 1 << 24
"""Bytes that any may unfold to."""

_LIKELY = 4
"""How many times its size one unfolds to that does not say."""

_GZIP_LEAST = 18
"""Bytes of the smallest `.gz`: its head and tail."""

SIGNATURES = {
    b"\x1f\x8b": ("gzip", ".gz"),
    b"\xfd7zXZ\0": ("xz", ".xz"),
    b"BZh": ("bzip2", ".bz2"),
    b"\x28\xb5\x2f\xfd": ("Zstandard", ".zst"),
}
"""What a packed file begins with, what packed it, and the suffix by which it is unpacked."""

SUFFIXES = tuple(suffix for _, suffix in SIGNATURES.values())


def is_packed(path: Path) -> bool:
    """Whether its name says so."""
    return path.suffix in SUFFIXES


def most_text(path: Path) -> int:
    """Bytes of text above which a packed file is refused."""
    return max(_SMALL, MAX_UNPACKED * path.stat().st_size)


_DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError, *([zstd.ZstdError] if zstd else []))
"""What the readers raise."""


@contextmanager
def unpacked(path: Path, file: BufferedReader) -> Iterator[BufferedReader]:
    """The text of a file that lies open as it is.

    Raises:
        InputError: it is not whole, or nothing here unpacks it.

    """
    try:
        with BufferedReader(_reader(path, file)) as text:
            yield text
    except _DAMAGED as error:
        if getattr(error, "errno", None) is not None:  # the disk's
            raise
        name = next(name for name, suffix in SIGNATURES.values() if suffix == path.suffix)
        raise InputError(f"{path}: not a whole {name} file ({error})") from None


def _reader(path: Path, file: BufferedReader) -> Any:
    if path.suffix == ".gz":
        return gzip.GzipFile(fileobj=file)
    if path.suffix == ".xz":
        return lzma.LZMAFile(file)
    if path.suffix == ".bz2":
        return bz2.BZ2File(file)
    if zstd is None:
        raise InputError(
            f"{path}: this Python reads no Zstandard; `pip install backports.zstd`, or unpack it"
        )
    return zstd.ZstdFile(file)


def text_size(path: Path) -> int:
    """About how many bytes of text a file holds; a `.gz` says so at its end, of its last part."""
    size = path.stat().st_size
    if path.suffix == ".gz" and size >= _GZIP_LEAST:
        with path.open("rb") as file:
            file.seek(-4, 2)
            return max(size, int.from_bytes(file.read(4), "little"))
    return size * _LIKELY if is_packed(path) else size
