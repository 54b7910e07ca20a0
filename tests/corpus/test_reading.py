"""A table's column as words, another as how often each counts; and normal forms."""

import re
import unicodedata

import pytest

from litmore.corpus.corpus import Corpus
from litmore.corpus.mapped import MappedCorpus
from litmore.corpus.reading import Reading
from litmore.corpus.source import Source
from litmore.corpus.splits import cut_into_splits
from litmore.corpus.vocabulary import Vocabulary
from litmore.errors import InputError

SSA = "Mary,F,7065\nAnna,F,2604\nJohn,M,9655\nMary,M,27\n"
TABLES = {
    "no head, by number": (SSA, Reading("1", "3"), ["Mary", "Anna", "John", "Mary"],
                           [7065, 2604, 9655, 27]),
    "no head, words alone": (SSA, Reading("1"), ["Mary", "Anna", "John", "Mary"], None),
    "by name": ("name,sex,count\n" + SSA, Reading("name", "count"),
                ["Mary", "Anna", "John", "Mary"], [7065, 2604, 9655, 27]),
    "a head, by number": ("name,n\nava,3\n", Reading("1", "2"), ["ava"], [3]),
    "a head, no weight": ("name,n\nava,3\n", Reading("1"), ["ava"], None),
    "tabs": ("id\tname\n7\tann marie\n", Reading("name"), ["ann marie"], None),
    "semicolons": ("name;n\nava;3\n", Reading("name", "n"), ["ava"], [3]),
    "quotes": ('name,n\n"O\'Hara, Ed",2\n"say ""hi""",1\n', Reading("name", "n"),
               ["O'Hara, Ed", 'say "hi"'], [2, 1]),
    "a mark, CRLF, spaces, blank ones and zeros": (
        "\ufeffname,n\r\n ava ,3\r\n,5\r\nmia,0\r\n\r\nemma,1\r\n", Reading("name", "n"),
        ["ava", "emma"], [3, 1]),
    "one column": ("name\nava\nmia\n", Reading("name"), ["ava", "mia"], None),
}  # fmt: skip


@pytest.fixture(params=[Corpus, MappedCorpus])
def kind(request, tmp_path, monkeypatch):
    monkeypatch.setenv("LITMORE_CACHE", str(tmp_path / "cache"))
    return request.param


@pytest.mark.parametrize(("content", "reading", "words", "times"), TABLES.values(), ids=TABLES)
def test_a_column_is_words(tmp_path, kind, content, reading, words, times):
    path = tmp_path / "table.csv"
    path.write_text(content, encoding="utf-8", newline="")
    corpus = kind.read(path, None, reading)
    assert list(corpus) == words
    assert (None if corpus.times is None else corpus.times.tolist()) == times


REFUSED = {
    "no such column": (SSA, Reading("name"), r"--data.column name: .* begins Mary, F, 7065"),
    "no such weight": (SSA, Reading("1", "4"), r"--data.weight 4: "),
    "a short row": ("name,n\nava,3\nmia\n", Reading("name", "n"), r"table.csv:3: 1 column\(s\)"),
    "no number": ("name,n\nava,3\nmia,x\n", Reading("name", "n"), r"table.csv:3: the weight 'x'"),
    "a broken one": ("name,n\nava,3.5\n", Reading("name", "n"), r"table.csv:2: the weight '3.5'"),
    "a negative one": ("name,n\nava,-3\n", Reading("name", "n"), r"table.csv:2: the weight '-3'"),
    "two lines": ('name\n"a\nb"\n', Reading("name"), r"table.csv:2: a word of several lines"),
    "a quote not closed": ('name,n\nava,1\n"mia,2\nbea,3\n', Reading("name", "n"),
                           r"table.csv:3: unexpected end of data; does a quote"),
    "one not closed beside the word": ('name,n,s\nava,1,"f\nbea,3,f\n', Reading("name", "n"),
                                       r"table.csv:2: unexpected end of data; does a quote"),
    "one in the middle": ('name\nmia\n"a"b\n', Reading("name"), r"table.csv:3: .* expected"),
    "a control character": ("name\nav\x01a\n", Reading("name"), r"table.csv:2: control"),
    "no words": ("name,n\nava,0\n", Reading("name", "n"), r"table.csv: no word that counts"),
    "a head alone": ("name,n\n", Reading("name"), r"table.csv: no word in column name"),
    "too much": ("name,n\nava,10000000000000\n", Reading("name", "n"), r"table.csv:2: the weight"),
    "CR alone": ("name,n\rava,1\rmia,2\r", Reading("name"), r"table.csv: its lines end in CR"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "reading", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_such_table_is_refused(tmp_path, kind, content, reading, said):
    path = tmp_path / "table.csv"
    path.write_text(content, encoding="utf-8", newline="")
    with pytest.raises(InputError, match=said) as refusal:
        kind.read(path, None, reading)
    assert "\n" not in str(refusal.value)


def test_no_utf8_and_a_stranger_are_named_by_their_line(tmp_path, kind):
    path = tmp_path / "table.csv"
    path.write_bytes("name,n\nzoë,1\n".encode("cp1252"))
    with pytest.raises(InputError, match=r"table.csv:2: not UTF-8 .*iconv"):
        kind.read(path, None, Reading("name"))
    path.write_text("name,n\n\nava,1\nmia,2\n")
    with pytest.raises(InputError, match=r"table.csv:4: 'm' \(U\+006D\), in 'm…'"):
        kind.read(path, Vocabulary("av"), Reading("name", "n"))


def test_a_weight_needs_a_column():
    with pytest.raises(InputError, match=r"--data.weight n: name the words' too, --data.column"):
        Source(weight="n")


def test_words_keep_their_weights(tmp_path, kind):
    path = tmp_path / "table.csv"
    names = [f"{a}{b}" for a in "abcdefgh" for b in "abcdefgh"]
    weights = {name: number % 7 + 1 for number, name in enumerate(names)}
    path.write_text("".join(f"{name},{weights[name]}\n" for name in names))
    corpus = kind.read(path, None, Reading("1", "2"))
    splits = cut_into_splits(corpus, (0.6, 0.2, 0.2), 42)
    assert sorted(word for part in splits.values() for word in part) == names
    for part in splits.values():
        assert part.times.tolist() == [weights[name] for name in part]
    total = sum(weights.values())
    for part, share in zip(splits.values(), (0.6, 0.2, 0.2), strict=True):
        assert abs(int(part.times.sum()) - share * total) <= 7
    assert corpus.frequencies().sum() == 3 * total
    counted = sum(weights[name] * name.count("a") for name in names)
    assert int(corpus.frequencies()[1]) == counted
    assert corpus.num_predicted == 3 * total


def test_a_word_that_weighs_too_much_is_said(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("ava,1000\nmia,1\nemma,1\n")
    corpus = Corpus.read(path, None, Reading("1", "2"))
    with pytest.raises(InputError, match="comes out empty, a word weighs more than its share"):
        cut_into_splits(corpus, (0.8, 0.1, 0.1), 42)


def test_each_word_once_counts_as_all_of_it_did(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(SSA)
    corpus = Source(str(path), column="1", weight="3", unique=True).corpus
    assert dict(zip(corpus, corpus.times.tolist(), strict=True)) == {
        "Mary": 7092, "Anna": 2604, "John": 9655,
    }  # fmt: skip


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_words_are_brought_to_a_normal_form(tmp_path, kind, form):
    path = tmp_path / "words.txt"
    words = ["zoe\u0308", "zoë", "ﬁn", "안나"]
    path.write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    assert list(kind.read(path)) == words
    found = list(kind.read(path, None, Reading(normalize=form)))
    assert found == [unicodedata.normalize(form, word) for word in words]
    path.write_text("name\n" + "".join(f"{word}\n" for word in words), encoding="utf-8")
    assert list(kind.read(path, None, Reading("name", normalize=form))) == found


DOUBTS = {
    "commas": ("Mary,F\nAnna,F\n", r"each line has 1 comma\(s\): a table\? --data.column reads"),
    "quotes": ('"anna"\n"bob"\n', r"each word stands in quotes; --data.column 1"),
    "some commas": ("Mary,F\nAnna\n", None),
    "both forms": ("zoë\nzoe\u0308\n", r"ë \(U\+00EB, and e \+ U\+0308\) is written in two ways"),
    "a whole and another's mark": ("zoë\ne\nx\u0308\n", None),
}


@pytest.mark.parametrize(("content", "said"), DOUBTS.values(), ids=DOUBTS)
def test_what_may_not_be_meant_is_said(tmp_path, content, said):
    path = tmp_path / "words.txt"
    path.write_text(content, encoding="utf-8")
    found = Source(str(path)).doubts()
    assert len(found) == (said is not None)
    if said:
        assert re.search(said, found[0])
