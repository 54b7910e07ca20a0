"""Weights to start from."""

import torch
from torch import Tensor, nn

LECTURE_SEED = 2147483647
"""The lectures' seed; a lecture config sets it as `seed_everything`."""


def lecture_normal_(*parameters: Tensor) -> None:
    """Fill parameters with standard normal draws in this order, as the lectures do.

    The draws come from a generator seeded with the global seed, so that nothing drawn before can
    move them: with `seed_everything: 2147483647` they are the lectures' own to the bit. A
    `Linear.weight`, (out, in) in torch, is drawn as the lectures' (in, out) matrix.
    """
    generator = torch.Generator().manual_seed(torch.initial_seed())
    with torch.no_grad():
        for parameter in parameters:
            parameter.copy_(torch.randn(parameter.shape, generator=generator))


def lecture_linear_order(linear: nn.Linear) -> tuple[Tensor, Tensor]:
    """A Linear's parameters as the lectures draw them: the (in, out) matrix, then the bias."""
    return linear.weight.T, linear.bias
