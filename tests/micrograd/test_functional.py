"""Nodes of many operands, against torch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from litmore.micrograd import Value, dot
from litmore.micrograd.functional import cross_entropy, gelu, softmax

vectors = st.lists(st.integers(-3000, 3000).map(lambda n: n / 100), min_size=1, max_size=6)


def leaves(numbers):
    return [Value(n) for n in numbers], torch.tensor(
        numbers, dtype=torch.float64, requires_grad=True
    )


def same(ours, theirs, values, tensor):
    ours.backward()
    theirs.backward()
    assert ours.data == pytest.approx(theirs.item(), rel=1e-9, abs=1e-9)
    assert [v.grad for v in values] == pytest.approx(tensor.grad.tolist(), rel=1e-9, abs=1e-9)


@given(vectors)
def test_softmax(numbers):
    values, tensor = leaves(numbers)
    weights = [1.5 * i - 2 for i in range(len(numbers))]
    theirs = tensor.softmax(0)
    assert [v.data for v in softmax(values)] == pytest.approx(theirs.tolist(), abs=1e-9)
    same(dot(softmax(values), weights), theirs @ torch.tensor(weights).double(), values, tensor)


@given(vectors, st.integers(0, 5))
def test_cross_entropy(numbers, target):
    target %= len(numbers)
    values, tensor = leaves(numbers)
    same(
        cross_entropy(values, np.int64(target)),
        F.cross_entropy(tensor, torch.tensor(target)),
        values,
        tensor,
    )


@given(st.integers(-1000, 1000))
def test_gelu(hundredths):
    values, tensor = leaves([hundredths / 100])
    same(gelu(values[0]), F.gelu(tensor, approximate="tanh").sum(), values, tensor)


def test_large_logits_do_not_overflow():
    values, _ = leaves([1000.0, 0.0, -1000.0])
    assert [v.data for v in softmax(values)] == [1.0, 0.0, 0.0]
    assert [cross_entropy(values, i).data for i in range(3)] == [0.0, 1000.0, 2000.0]


@pytest.mark.parametrize("target", [-1, 2])
def test_a_target_that_is_none_is_refused(target):
    with pytest.raises(ValueError, match=f"target {target} of 2 logits"):
        cross_entropy([Value(0.0), Value(1.0)], target)
