import gzip
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmore.corpus import text as reading
from litmore.corpus.running_text import TextSource
from litmore.corpus.vocabulary import Vocabulary
from litmore.errors import InputError

TEXT = "\n\nA café,\r\n\ttwo  spaces \x0c\x1b[0m—\n𝄞\n\n"


@pytest.fixture
def text_file(tmp_path, monkeypatch):
    """Write a file of these bytes, its cache beside it; the file's path."""
    monkeypatch.setenv("LITMORE_CACHE", str(tmp_path / "cache"))

    def write(content, name="text.txt"):
        path = tmp_path / name
        raw = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
        return str(path)

    return write


def read(path, **settings):
    return TextSource(path, **settings).text


def as_text(text):
    return text.vocabulary.text(text.tokens[1:])


@pytest.mark.parametrize("memory_map", [False, True])
@pytest.mark.parametrize("name", ["text.txt", "text.gz"])
def test_keeps_every_character(text_file, name, memory_map):
    text = read(text_file(TEXT, name), memory_map=memory_map)
    assert as_text(text) == TEXT
    assert text.num_examples == len(text) == len(TEXT)
    assert str(text.vocabulary) == "\n" + "".join(sorted(set(TEXT) - {"\n"}))
    assert len(text.vocabulary) == len(set(TEXT))
    assert text.tokens[0] == 0


@pytest.mark.parametrize("memory_map", [False, True])
def test_keeps_every_byte(text_file, memory_map):
    raw = bytes(range(256)) + b"\xef\xbb\xbf\xff\r\n\0"
    text = read(text_file(raw), tokens="bytes", memory_map=memory_map)
    assert len(text.vocabulary) == 256
    names = "\n" + text.vocabulary.characters
    assert bytes(ord(names[token]) for token in text.tokens[1:].tolist()) == raw
    assert text.tokens.element_size() == 1


def test_the_newline_is_token_0_where_there_is_none_too(text_file):
    text = read(text_file("no line's end"))
    assert 0 not in text.tokens[1:]
    assert as_text(text) == "no line's end"


def test_a_byte_order_mark_is_no_character(text_file):
    assert as_text(read(text_file("\ufeffa\ufeffb"))) == "a\ufeffb"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), min_size=1))
def test_chunks_may_end_anywhere(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_bytes(text.encode())
    whole = reading.PIECE
    for size in (1, 2, 3, 5):
        try:
            reading.PIECE = size
            assert as_text(read(str(path), memory_map=False)) == text
        finally:
            reading.PIECE = whole


REFUSED = {
    "no UTF-8": (b"one\ntwo \xff", ":2: not UTF-8 (byte 0xff at 8); --data.tokens bytes takes any"),
    "cut short": ("one\né".encode()[:-1], ":2: not UTF-8 (byte 0xc3 at 4); --data.tokens bytes"),
    "a NUL": (b"a\nb\0c", ":2: a NUL, which no text holds; --data.tokens bytes takes any file"),
    "UTF-16": ("two bytes each".encode("utf-16"), ": UTF-16 text; convert it: iconv"),
    "packed": (gzip.compress(b"a text"), ": packed by gzip; name it"),
    "empty": (b"", ": no text in it"),
    "a mark alone": (b"\xef\xbb\xbf", ": no text in it"),
}


@pytest.mark.parametrize("memory_map", [False, True])
@pytest.mark.parametrize("kind", REFUSED)
def test_refuses_what_is_no_text(text_file, kind, memory_map):
    raw, said = REFUSED[kind]
    path = text_file(raw)
    with pytest.raises(InputError, match=f"^{re.escape(path + said)}"):
        read(path, memory_map=memory_map)


@pytest.mark.parametrize("memory_map", [False, True])
def test_names_the_character_that_a_given_vocabulary_lacks(text_file, memory_map):
    path = text_file("ab\nba\nbüa\n")
    said = f"{path}:3: 'ü' (U+00FC) is not among the vocabulary's 2 characters, ab"
    with pytest.raises(InputError, match=f"^{re.escape(said)}$"):
        read(path, vocabulary="\nab", memory_map=memory_map)


def test_a_given_vocabulary_orders_the_ids(text_file):
    text = read(text_file("ab\n"), vocabulary="zba")
    assert text.tokens.tolist() == [0, 3, 2, 0]
    assert text.vocabulary == Vocabulary("\nzba") != Vocabulary("zba")


def test_bytes_have_one_vocabulary(text_file):
    path = text_file("ab")
    known = str(read(path, tokens="bytes").vocabulary)
    assert as_text(read(path, tokens="bytes", vocabulary=known)) == "ab"
    with pytest.raises(InputError, match=r"^--data\.tokens bytes: the vocabulary"):
        read(path, tokens="bytes", vocabulary="ab")


def test_words_refuse_a_texts_vocabulary(text_file):
    from litmore.data import NamesDataModule

    with pytest.raises(InputError, match=r"^--data\.vocabulary: running text's"):
        NamesDataModule(text_file("ab\n"), vocabulary="\nab")


def test_the_cache_is_of_the_content_and_of_what_a_token_is(text_file):
    path = text_file("é\n")
    characters, raw = (read(path, memory_map=True, tokens=t) for t in ("characters", "bytes"))
    assert (len(characters), len(raw)) == (2, 3)
    assert as_text(read(path, memory_map=True)) == "é\n"
    text_file("other\n")
    assert as_text(read(path, memory_map=True)) == "other\n"


def test_a_text_read_before_is_not_read_again(text_file, monkeypatch):
    from litmore.corpus import running_text

    path = text_file("a text\n" * 9)
    first = read(path, memory_map=True)

    def nothing(path):
        raise AssertionError(path)

    monkeypatch.setattr(running_text, "chunks", nothing)
    again = read(path, memory_map=True)
    assert np.array_equal(again.tokens, first.tokens)


def test_another_content_is_refused(text_file):
    path = text_file("a text\n")
    source = TextSource(path)
    assert source.text
    text_file("another\n")
    with pytest.raises(InputError, match=r"^--data\.sha256 .* is another content"):
        read(path, sha256=source.sha256)


def test_parts_are_views(text_file):
    text = read(text_file("0123456789"))
    part = text[3:7]
    assert as_text(part) == "3456"
    assert len(part) == 4
    assert text.vocabulary.text(part.tokens[:1]) == "2"
    assert part.tokens.untyped_storage().data_ptr() == text.tokens.untyped_storage().data_ptr()
    assert part.frequencies().tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0]
    assert len(text[10:10]) == 0
