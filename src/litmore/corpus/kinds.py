"""What a file is that is no UTF-8 text of one word a line, told by how it begins."""

import re
from pathlib import Path

from litmore.corpus.packed import SIGNATURES
from litmore.errors import InputError
from litmore.system import quoted

HEAD = 4096
"""Bytes by which a file is judged."""

_MARKS = {b"\xff\xfe\0\0": "UTF-32", b"\0\0\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16",
          b"\xfe\xff": "UTF-16"}  # fmt: skip

_ZEROS = {"UTF-32LE": (2, 3), "UTF-32BE": (0, 1), "UTF-16LE": (1, 3), "UTF-16BE": (0, 2)}
"""Where of four bytes zeros stand in the text of an alphabet."""


def check_text(path: Path, head: bytes) -> None:
    """Say what a file is, and what to do, if it is surely no UTF-8.

    Args:
        path: its, for what is said.
        head: its first bytes, unpacked.

    Raises:
        InputError: it is packed, or of an encoding of several bytes a character.

    """
    for signature, (name, suffix) in SIGNATURES.items():
        if head.startswith(signature):
            raise InputError(f"{path}: packed by {name}; name it {quoted(path.name + suffix)}")
    if head.startswith(b"PK\x03\x04"):
        raise InputError(f"{path}: a zip archive; unpack it, and give the file in it")
    if head[257:262] == b"ustar":
        raise InputError(f"{path}: a tar archive; unpack it, and give the file in it")
    if encoding := _wide(head):
        raise InputError(f"{path}: {encoding} text; {converted(path, encoding)}")


def check_words(path: Path, head: bytes) -> None:
    """The same of what is surely no list of words.

    Raises:
        InputError: as `check_text`, or its lines end in CR alone, or its format is another.

    """
    check_text(path, head)
    check_line_ends(path, head)
    if re.match(rb'\s*(\[\s*("|\{|\[|\d)|\{\s*")', head):
        raise InputError(f"{path}: JSON; give one word a line, as `jq -r '.[]'` writes an array's")
    lines = head.split(b"\n")[1:-1]
    flags = path.suffix == ".dic" or any(re.search(rb"\S/\S", line) for line in lines)
    if flags and re.match(rb"\d+\s*\n", head):
        raise InputError(
            f"{path}: a hunspell dictionary, a count and then words, maybe with flags;"
            f" sed '1d; s|/.*||' {quoted(str(path))} > words.txt"
        )


def check_line_ends(path: Path, head: bytes) -> None:
    """Refuse those of old Macs.

    Raises:
        InputError: lines end in CR alone.

    """
    if b"\r" in head and b"\n" not in head and head.count(b"\r") > 1:
        raise InputError(
            f"{path}: its lines end in CR alone; tr '\\r' '\\n' < {quoted(str(path))} > words.txt"
        )


def converted(path: Path, encoding: str) -> str:
    """How to make it UTF-8."""
    return f"convert it: iconv -f {encoding} -t UTF-8 {quoted(str(path))} > words.txt"


def is_text_of_bytes(some: bytes) -> bool:
    """Whether it may be text of some encoding of one byte a character, and no damaged UTF-8."""
    if re.search(rb"[\0-\x08\x0e-\x1f\x7f]|\xed[\xa0-\xbf][\x80-\xbf]", some):
        return False
    read = some.decode("utf-8", "replace")
    return 2 * read.count("\ufffd") > sum(character > "\x7f" for character in read)


def _wide(head: bytes) -> str | None:
    """The encoding of two or four bytes a character: by its mark, or by where its zeros stand."""
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    zeros = [head[place::4].count(0) * 4 / max(len(head), 1) for place in range(4)]
    if len(head) < 8 or min(zeros) > 0.2:
        return None
    for encoding, places in _ZEROS.items():
        if all(zeros[place] > 0.5 for place in places):
            return encoding
    return None
