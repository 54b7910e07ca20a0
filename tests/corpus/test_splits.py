import random
import re
from itertools import pairwise

import pytest

from litmore.corpus.source import NAMES
from litmore.corpus.splits import SPLITS, cut_into_splits, cuts
from litmore.corpus.text import MAX_WORD
from litmore.data import Corpus
from litmore.errors import InputError

LECTURE = (0.8, 0.1, 0.1)


@pytest.fixture(scope="module", params=["names", "makemore"])
def lecture_file(request):
    if request.param == "names":
        return request.param, NAMES
    return request.param, request.getfixturevalue("makemore_names")


COUNTS = {  # words, characters to predict, words of val and test that also stand in train
    "names": ((25_805, 3_226, 3_226), (183_802, 22_949, 23_053), (408, 406)),
    "makemore": ((25_626, 3_203, 3_204), (182_625, 22_655, 22_866), (424, 377)),
}


def test_splits_as_the_lecture_does(lecture_file):
    name, path = lecture_file
    words = path.read_text().splitlines()
    random.Random(42).shuffle(words)
    n1, n2 = int(0.8 * len(words)), int(0.9 * len(words))
    lecture = {"train": words[:n1], "val": words[n1:n2], "test": words[n2:]}

    parts = cut_into_splits(Corpus.read(path), LECTURE, seed=42)
    assert {part: list(corpus) for part, corpus in parts.items()} == lecture
    train, val, test = (parts[part] for part in SPLITS)
    assert (
        (len(train), len(val), len(test)),
        (train.num_examples, val.num_examples, test.num_examples),
        (int(train.known(val).sum()), int(train.known(test).sum())),
    ) == COUNTS[name]


def test_unique_words_stand_in_one_split(lecture_file):
    corpus = Corpus.read(lecture_file[1])
    parts = [set(part) for part in cut_into_splits(corpus.unique(), LECTURE, seed=42).values()]
    distinct = set(corpus)
    assert set.union(*parts) == distinct
    assert sum(map(len, parts)) == len(distinct) < len(corpus)


def test_parts_are_neighbours_in_one_storage():
    parts = cut_into_splits(Corpus.of("abcdefghij"), LECTURE, seed=42)
    assert len({part.tokens.untyped_storage().data_ptr() for part in parts.values()}) == 1
    assert parts["train"].tokens.storage_offset() == MAX_WORD - 1
    for left, right in pairwise(parts.values()):
        end = left.tokens.storage_offset() + left.num_examples
        assert right.tokens.storage_offset() == end


@pytest.mark.parametrize(
    ("ratios", "first", "second"),
    [(LECTURE, 0.8, 0.9), ((0.7, 0.2, 0.1), 0.7, 0.9), ((0.1, 0.7, 0.2), 0.1, 0.8)],
)
def test_cuts_where_the_lectures_own_expression_does(ratios, first, second):
    for n in range(10, 1000):
        assert cuts(n, ratios) == (int(first * n), int(second * n), n)


@pytest.mark.parametrize(
    ("ratios", "num_words", "ends"),
    [
        ((0.7, 0.2, 0.1), 10, (7, 9, 10)),
        ((0.1, 0.7, 0.2), 10, (1, 8, 10)),
        ((0.8, 0.2, 0.0), 10, (8, 10, 10)),
        ((0.8, 0.0, 0.2), 10, (8, 8, 10)),
        ((1.0, 0.0, 0.0), 1, (1, 1, 1)),
        ((1 / 3, 1 / 3, 1 / 3), 9, (3, 6, 9)),
    ],
)
def test_rounding_loses_no_word_and_a_share_may_be_zero(ratios, num_words, ends):
    assert cuts(num_words, ratios) == ends


def test_a_share_of_zero_leaves_its_part_empty():
    parts = cut_into_splits(Corpus.of("abcdefghij"), (0.9, 0.0, 0.1), seed=42)
    assert {name: len(part) for name, part in parts.items()} == {"train": 9, "val": 0, "test": 1}
    assert list(parts["val"]) == []


REFUSED = [
    ((0.8, 0.1), 100, "three ratios"),
    ((0.8, 0.1, 0.05, 0.05), 100, "three ratios"),
    ((), 100, "three ratios"),
    ((1.2, -0.1, -0.1), 100, "between 0 and 1"),
    ((-0.1, 1.0, 0.1), 100, "between 0 and 1"),
    ((1.1, 0.0, 0.0), 100, "between 0 and 1"),
    ((float("nan"), 0.5, 0.5), 100, "between 0 and 1"),
    ((0.5, 0.5, float("inf")), 100, "between 0 and 1"),
    ((80.0, 10.0, 10.0), 100, "between 0 and 1"),
    ((0.8, 0.1, 0.2), 100, "sums to 1.1; the ratios must sum to 1"),
    ((0.8, 0.1, 0.0), 100, "sums to 0.9; the ratios must sum to 1"),
    ((0.0, 0.5, 0.5), 100, "leaves nothing to train on"),
    ((0.8, 0.1, 0.1), 1, "train comes out empty, 1 words are too few"),
    ((0.8, 0.1, 0.1), 5, "val comes out empty, 5 words are too few"),
    ((0.9, 0.001, 0.099), 100, "val comes out empty, 100 words are too few"),
]


@pytest.mark.parametrize(("ratios", "num_words", "message"), REFUSED)
def test_refuses_ratios_that_are_no_shares(ratios, num_words, message):
    text = re.escape(f"--data.split [{', '.join(map(str, ratios))}]: ")
    with pytest.raises(InputError, match=f"^{text}.*{re.escape(message)}"):
        cuts(num_words, ratios)
