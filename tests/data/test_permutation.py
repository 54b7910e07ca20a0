import math

import numpy as np
import pytest

from litmore.data.permutation import Permutation


@pytest.mark.parametrize("n", [2, 3, 4, 5, 31, 32, 33, 1000, 2**16, 2**16 + 1])
def test_every_number_comes_once(n):
    order = Permutation.of(n, 0, 0)[:]
    assert sorted(order.tolist()) == list(range(n)) == list(range(len(Permutation.of(n, 0, 0))))


def test_a_run_is_a_part_of_the_whole():
    permutation = Permutation.of(1000, 7)
    whole = permutation[:].tolist()
    for first, last in [(0, 1), (0, 1000), (5, 70), (999, 1000), (990, 2000), (50, 50)]:
        assert permutation[first:last].tolist() == whole[first:last]


def test_the_order_is_a_function_of_all_seeds():
    seeds = [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2**32)]
    orders = [tuple(Permutation.of(1000, *pair)[:].tolist()) for pair in seeds]
    assert len(set(orders)) == len(orders)
    assert tuple(Permutation.of(1000, 0, 1)[:].tolist()) == orders[1]


def test_of_many_examples_the_middle_of_an_order_is_had_at_once():
    n = 2**40 + 12345
    numbers = Permutation.of(n, 1)[2**39 : 2**39 + 100_000].numpy()
    assert len(np.unique(numbers)) == 100_000
    assert 0 <= numbers.min() < n / 1000
    assert n * 999 / 1000 < numbers.max() < n
    # Uniform: each of a hundred equal parts gets its share, and neighbours know nothing of another.
    share = np.bincount(numbers * 100 // n)
    assert ((share - 1000) ** 2 / 1000).sum() < 99 + 4 * math.sqrt(2 * 99)
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 4 / math.sqrt(len(numbers))


def test_neighbours_fall_into_all_pairs_of_places():
    n = 40_000
    pairs = np.zeros((8, 8))
    for seed in range(4):
        numbers = Permutation.of(n, seed)[:].numpy() * 8 // n
        np.add.at(pairs, (numbers[:-1], numbers[1:]), 1)
    expected = pairs.sum() / 64
    assert ((pairs - expected) ** 2 / expected).sum() < 63 + 4 * math.sqrt(2 * 63)
