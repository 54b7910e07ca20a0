"""Each rule of data, and what breaks it."""

import pytest
import torch
from broken import (
    CORPUS,
    Adrift,
    AnyOrder,
    Drawn,
    Empty,
    FirstTwice,
    Forgets,
    KeepsFirst,
    Moody,
    NoSeed,
    Of,
    OneOrder,
    Points,
    ShufflesVal,
    Sorted,
    TooLong,
)

from litmore.data import NamesDataModule, TextDataModule
from litmore.data.counts import Counts
from litmore.data.dealt import Dealt
from litmore.data.views import Windows, Words
from litmore.testing import check_data

BROKEN = [
    (Sorted, "gathers", "gathered 7 at a time, its examples are others than one by one"),
    (Moody, "sharding", "2 processes together have other batches than one has"),
    (TooLong, "gathers", "gathers any of its 31 examples"),
    (FirstTwice, "once", r"example \[0\] comes more than once an epoch"),
    (AnyOrder, "order", "its order is none of seed and epoch alone"),
    (OneOrder, "order", "the second epoch has the order of the first"),
    (NoSeed, "order", "another seed gives the same order"),
    (Drawn, "once", "the second epoch has not the examples of the first"),
    (Adrift, "order", "the same seed and epoch give other examples, or another order"),
    (ShufflesVal, "order", "val_dataloader: another order each time"),
    (Empty, "once", "no batch comes"),
    (KeepsFirst, "sharding", "2 processes together see an example more often than one does"),
    (Forgets, "position", "gone on with after 1 batches of"),
]


@pytest.mark.parametrize(("make", "rule", "says"), BROKEN, ids=[row[0].__name__ for row in BROKEN])
def test_data_that_break_a_rule_are_told_which(make, rule, says, word_file):
    if issubclass(make, NamesDataModule):
        path = word_file(CORPUS)
        name, check = make.__name__, lambda: make(path, view="words", batch_size=4)
    else:
        name, check = make.__name__, make
    with pytest.raises(AssertionError, match=says) as broken:
        check_data(check)
    assert name in str(broken.value)
    assert str(broken.value).endswith(f"(litmore's docs/testing.md#{rule})")
    assert "\n" not in str(broken.value)


SOUND = {
    "of one's own": Of,
    "words": lambda: Words(CORPUS),
    "windows": lambda: Windows(CORPUS, 3),
    "counts": lambda: Counts(CORPUS, 2),
    "dealt": lambda: Dealt(Counts(CORPUS, 1), 4),
    "points": Points,
}


@pytest.mark.parametrize("make", SOUND.values(), ids=SOUND)
def test_data_that_break_none_pass(make):
    before = torch.get_rng_state()
    check_data(make)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("view", ["windows", "words", "counts"])
def test_the_data_of_words_break_none(view, word_file):
    path = word_file([word * 2 for word in CORPUS] + list(CORPUS))
    check_data(lambda: NamesDataModule(path, view=view, batch_size=4))


@pytest.mark.parametrize("view", ["stream", "windows", "counts"])
def test_the_data_of_text_break_none(view, word_file):
    path = word_file(CORPUS)
    check_data(lambda: TextDataModule(path, view=view, batch_size=3, block_size=5))


def test_something_else_is_told():
    with pytest.raises(AssertionError, match="a View or a LightningDataModule, not a list"):
        check_data(lambda: [1])
