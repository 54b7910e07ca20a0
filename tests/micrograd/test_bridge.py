"""A scalar graph as one operation of torch's."""

import pytest
import torch

from litmore.micrograd import Value
from litmore.micrograd.bridge import ScalarGraph


def outputs(leaves):
    a, b, c = leaves
    return [a * b + c.tanh(), a.exp() * a, b]


def by_torch(numbers):
    a, b, c = numbers
    return torch.stack([a * b + c.tanh(), a.exp() * a, b])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_values_and_gradients_are_torchs(dtype):
    leaves = [Value(0.0) for _ in range(3)]
    numbers = torch.tensor([0.5, -2.0, 1.5], dtype=dtype, requires_grad=True)
    same = numbers.detach().clone().requires_grad_()
    weights = torch.tensor([1.0, -0.5, 3.0], dtype=dtype)
    ours = ScalarGraph.apply(numbers, leaves, lambda: outputs(leaves))
    theirs = by_torch(same)
    assert ours.dtype == dtype
    torch.testing.assert_close(ours, theirs)
    for _ in range(2):  # torch adds up what is not reset, once for each call
        (ours * weights).sum().backward(retain_graph=True)
        (theirs * weights).sum().backward(retain_graph=True)
        torch.testing.assert_close(numbers.grad, same.grad)


def test_gradcheck():
    leaves = [Value(0.0) for _ in range(3)]
    numbers = torch.tensor([0.5, -2.0, 1.5], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda n: ScalarGraph.apply(n, leaves, lambda: outputs(leaves)), numbers
    )
