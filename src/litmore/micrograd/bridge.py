"""A graph of single numbers as one operation of torch's autograd."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from litmore.micrograd.engine import Value, dot


class ScalarGraph(torch.autograd.Function):
    """`ScalarGraph.apply(numbers, leaves, build)`: what a graph of `Value`s makes of a vector.

    The numbers are put into the leaves, `build` makes the graph and returns its outputs. On the way
    back, torch's gradient by the outputs is turned into the gradient by the numbers by
    `Value.backward`: it is that of their dot product with it.

    Args:
        numbers: `Float[P]`, one a leaf.
        leaves: P of them.
        build: the graph's outputs, M values, from those leaves.

    Returns:
        `Float[M]`, in the type and on the device of the numbers.

    """

    @staticmethod
    def forward(
        ctx: Any,
        numbers: Float[Tensor, " P"],
        leaves: Sequence[Value],
        build: Callable[[], Sequence[Value]],
    ) -> Float[Tensor, " M"]:
        for leaf, number in zip(leaves, numbers.tolist(), strict=True):
            leaf.data = number
        ctx.leaves, ctx.outputs = leaves, build()
        return numbers.new_tensor([output.data for output in ctx.outputs])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Float[Tensor, " M"]) -> tuple[Float[Tensor, " P"], None, None]:
        for leaf in ctx.leaves:
            leaf.grad = 0.0
        dot(ctx.outputs, gradient.tolist()).backward()
        return gradient.new_tensor([leaf.grad for leaf in ctx.leaves]), None, None
