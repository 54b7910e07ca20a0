import random

import numpy as np
import pytest

from litmore.corpus import shuffle
from litmore.corpus.shuffle import python_order


@pytest.mark.parametrize("seed", [0, 1, 42, 2**40, -1])
@pytest.mark.parametrize("num_words", [1, 2, 1000])
def test_shuffles_as_the_standard_library(num_words, seed):
    expected = list(range(num_words))
    random.Random(seed).shuffle(expected)
    assert python_order(num_words, seed).tolist() == expected


@pytest.mark.parametrize("num_words", [2, 7, 8, 9, 500])
def test_shuffles_some_swaps_at_a_time(num_words, monkeypatch):
    monkeypatch.setattr(shuffle, "_CHUNK", 7)
    for seed in range(5):
        items = np.array([f"word {i}" for i in range(num_words)])
        expected = items.tolist()
        random.Random(seed).shuffle(expected)
        swaps = []
        shuffle.shuffle_as_python(items, seed, swaps.append)
        assert items.tolist() == expected
        assert sum(swaps) == num_words - 1


def test_the_shuffle_leaves_the_global_generator_alone():
    before = random.getstate()
    python_order(10, 42)
    assert random.getstate() == before
