"""The floor of a batch against counting by hand."""

import math
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from litmore.data import Corpus, NamesDataModule
from litmore.data.entropy import entropy_floor
from litmore.data.views import Windows, Words

WORDS = st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=20)


def by_hand(pairs):
    contexts = Counter(context for context, _ in pairs)
    nll = [-times * math.log(times / contexts[c]) for (c, _), times in Counter(pairs).items()]
    return sum(nll) / len(pairs)


@given(WORDS, st.integers(1, 4))
def test_windows_know_the_last_k_tokens(words, block_size):
    view = Windows(Corpus.of(words), block_size)
    pairs = []
    for word in words:
        text = "." * block_size + word + "."
        pairs += [(text[i : i + block_size], text[i + block_size]) for i in range(len(word) + 1)]
    floor = entropy_floor(view[torch.arange(len(view))])
    assert floor == pytest.approx(by_hand(pairs), abs=1e-12)


@given(WORDS)
def test_words_know_all_that_stands_before(words):
    view = Words(Corpus.of(words))
    pairs = [(word[:i], (word + ".")[i]) for word in words for i in range(len(word) + 1)]
    floor = entropy_floor(view[torch.arange(len(view))])
    assert floor == pytest.approx(by_hand(pairs), abs=1e-12)


def test_the_lectures_first_five_words():
    data = NamesDataModule(max_words=5)
    view = data.view_of(data.corpus)
    assert len(view) == 32
    assert entropy_floor(view[torch.arange(32)]) == pytest.approx(0.25147, abs=5e-6)
