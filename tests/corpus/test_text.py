import bz2
import gzip
import lzma
import re
from functools import partial

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from litmore.corpus.text import read_codepoints
from litmore.errors import InputError

EDGE_SPACES = (
    "\t\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u202f\u205f\u3000"
)


def read(path):
    """The words as strings."""
    text = read_codepoints(path)[0].astype("<u4").tobytes().decode("utf-32-le")
    assert text.endswith("\n")
    return text[:-1].split("\n")


PACKED = {
    "gz": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
    "zst": partial(zstd.compress, options={zstd.CompressionParameter.checksum_flag: 1}),
}
READ = {
    "one word a line": (b"emma\nava\n", ["emma", "ava"]),
    "repetitions and order stay": (b"b\na\nb\n", ["b", "a", "b"]),
    "no newline at the end": (b"emma\nava", ["emma", "ava"]),
    "CRLF": (b"emma\r\nava\r\n", ["emma", "ava"]),
    "CRLF but for the last line": (b"emma\r\nava\r", ["emma", "ava"]),
    "mixed line ends": (b"emma\r\nava\nmia\r\r\n", ["emma", "ava", "mia"]),
    "byte-order mark": (b"\xef\xbb\xbfemma\nava\n", ["emma", "ava"]),
    "byte-order mark further on is a character": ("a\n\ufeffb\n".encode(), ["a", "\ufeffb"]),
    "blank lines": (b"\n\nemma\n\n\r\n \t\nava\n\n", ["emma", "ava"]),
    "spaces at the edges": (b"  emma \n\tava\t\n", ["emma", "ava"]),
    "no-break spaces at the edges": ("\u00a0emma\u00a0\n\u3000ava\n".encode(), ["emma", "ava"]),
    "spaces of several kinds": (" \t\u00a0 emma \u2003\t\r\n".encode(), ["emma"]),
    "spaces within a word": ("ann  marie\nzoe\u00a0b\n".encode(), ["ann  marie", "zoe\u00a0b"]),
    "one character": (b"a", ["a"]),
    "upper case and digits": (b"R2D2\n", ["R2D2"]),
    "beyond ASCII": ("zoë\nЖанна\n愛\n😀\n".encode(), ["zoë", "Жанна", "愛", "😀"]),
    "U+2028 is a character": ("a\u2028b\n\u2029c\n".encode(), ["a\u2028b", "\u2029c"]),
    "a zero-width space is a character": ("\u200ba\n".encode(), ["\u200ba"]),
    "a form feed is a character": (b"a\x0cb\n\x0c\n", ["a\x0cb", "\x0c"]),
}


@pytest.mark.parametrize(("content", "words"), READ.values(), ids=READ)
@pytest.mark.parametrize("suffix", ["txt", *PACKED])
def test_reads_the_words(tmp_path, content, words, suffix):
    path = tmp_path / f"words.{suffix}"
    path.write_bytes(PACKED.get(suffix, bytes)(content))
    assert read(path) == words


REFUSED = {
    "empty": (b"", r": no words in it"),
    "only a byte-order mark": (b"\xef\xbb\xbf", r": no words in it"),
    "only blank lines": (b"\n \t\r\n\xc2\xa0\n", r": no words in it"),
    "not UTF-8": (b"emma\nzo\xeb\nava\n", r":2: not UTF-8 \(byte 0xeb at 7\)"),
    "cut in a character": ("ava\r\n\nzoë".encode()[:-1], r":3: not UTF-8 \(byte 0xc3 at 8\)"),
    "damaged UTF-8": (
        "zoë\nchloé\nren".encode() + b"\xc3\n",
        r":3: not UTF-8 \(byte 0xc3 at 15\)\Z",
    ),
    "a surrogate": (b"a\n\xed\xa0\x80\n", r":2: not UTF-8 \(byte 0xed at 2\)\Z"),
    "NUL": (b"emma\n\nav\0a\n", r":3: control character U\+0000"),
    "NUL alone": (b"\0", r":1: control character U\+0000"),
    "escape": (b"\x1b[0m\n", r":1: control character U\+001B"),
    "delete": (b"a\nb\nc\x7f\n", r":3: control character U\+007F"),
    "a C1 control": ("ab\n\u0085\n".encode(), r":2: control character U\+0085"),
    "a vertical tab": (b"ab\na\x0b\n", r":2: control character U\+000B"),
    "a tab within a word": (b"emma\tF\t20\n", r":1: control character U\+0009 .*--data\.column"),
    "some lines end in CR alone": (
        b"emma\nava\rmia\r",
        r":2: control character U\+000D .*\\n or \\r\\n",
    ),
    "Latin-1": ("anna\nzoë\n".encode("cp1252"), r":2: not UTF-8 .*iconv -f CP1252 -t UTF-8 "),
    "UTF-16 marked": ("emma\n".encode("utf-16"), r": UTF-16 text; convert it: iconv -f UTF-16 "),
    "UTF-16 unmarked": ("emma\nava\n".encode("utf-16-le"), r": UTF-16LE text; "),
    "UTF-16 unmarked, Cyrillic": ("анна\nева\n".encode("utf-16-be"), r":1: control"),
    "UTF-32 marked": ("emma\n".encode("utf-32"), r": UTF-32 text; "),
    "UTF-32 unmarked": ("emma\nава\n".encode("utf-32-be"), r": UTF-32BE text; "),
    "lines end in CR": (b"emma\rava\rmia\r", r": its lines end in CR alone; tr '\\r' '\\n' "),
    "JSON": (b'[\n  "emma",\n  "ava"]', r": JSON; "),
    "JSON lines": (b'{"name": "emma"}\n{"name": "ava"}\n', r": JSON; "),
    "gzip": (gzip.compress(b"emma\n"), r": packed by gzip; name it .*\.gz"),
    "xz": (lzma.compress(b"emma\n"), r": packed by xz; name it .*\.xz"),
    "bzip2": (bz2.compress(b"emma\n"), r": packed by bzip2; name it .*\.bz2"),
    "Zstandard": (zstd.compress(b"emma\n"), r": packed by Zstandard; name it .*\.zst"),
    "zip": (b"PK\x03\x04\x14\0\0\0", r": a zip archive; unpack it"),
    "hunspell": (b"3\nanna/AB\nava\nmia/B\n", r": a hunspell dictionary.*sed '1d; s\|/\.\*\|\|'"),
    "the first of several": (b"a\n\n b \x02\nc\x01\n", r":3: control character U\+0002"),
}


def test_a_dictionary_without_flags_is_told_by_its_name(tmp_path):
    path = tmp_path / "de.dic"
    path.write_text("3\nanna\nava\nmia\n")
    with pytest.raises(InputError, match="a hunspell dictionary"):
        read_codepoints(path)


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("suffix", ["txt", "txt.gz"])
def test_refuses_with_file_and_line(tmp_path, content, message, suffix):
    path = tmp_path / f"words.{suffix}"
    path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}{message}.*$") as refusal:
        read_codepoints(path)
    assert "\n" not in str(refusal.value)


def missing(path):
    del path


def folder(path):
    path.mkdir()


def link_to_itself(path):
    path.symlink_to(path)


def truncated(path):
    path.write_bytes(PACKED[path.suffix[1:]](b"emma\nava\n" * 100)[:-10])


def not_packed(path):
    path.write_bytes(b"emma\nava\n")


def damaged(path):
    content = bytearray(PACKED[path.suffix[1:]](b"emma\nava\n" * 100))
    content[12] ^= 0xFF
    path.write_bytes(content)


UNREADABLE = [
    (missing, "words.txt", "no such file"),
    (missing, "words.gz", "no such file"),
    (folder, "words.txt", "a folder"),
    (folder, "words.gz", "a folder"),
    (link_to_itself, "words.txt", "cannot be read"),
    *(
        (lay, f"words.{suffix}", f"not a whole {name} file")
        for lay in (truncated, not_packed, damaged)
        for suffix, name in (("gz", "gzip"), ("xz", "xz"), ("bz2", "bzip2"), ("zst", "Zstandard"))
    ),
]


@pytest.mark.parametrize(("lay", "name", "message"), UNREADABLE)
def test_refuses_what_cannot_be_read(tmp_path, lay, name, message):
    path = tmp_path / name
    lay(path)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}: {message}.*$") as refusal:
        read_codepoints(path)
    assert "\n" not in str(refusal.value)


CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], include_characters="\x0c")
WORDS = st.text(CHARACTERS, min_size=1, max_size=8).filter(lambda word: word.strip(EDGE_SPACES))
SPACES = st.text(EDGE_SPACES, max_size=3)
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\n\n", "\r\n\n", "\n \t\n", "\n\u00a0\r\n"])


@given(
    lines=st.lists(st.tuples(SPACES, WORDS, SPACES, LINE_ENDS), min_size=1, max_size=8),
    last_end=st.sampled_from(["", "\n", "\r\n", " "]),
    mark=st.booleans(),
)
def test_any_words_come_back_trimmed(tmp_path_factory, lines, last_end, mark):
    path = tmp_path_factory.getbasetemp() / "any words.txt"
    lines[-1] = (*lines[-1][:3], last_end)
    text = "".join(map("".join, lines))
    mark |= text.startswith("\ufeff")
    path.write_bytes(b"\xef\xbb\xbf" * mark + text.encode())
    assert read(path) == [word.strip(EDGE_SPACES) for _, word, _, _ in lines]
