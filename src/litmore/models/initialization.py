"""Weights to start from: those of an embedding and of the linear layers after it, output last."""

import math

import torch
from torch import Tensor, nn

LECTURE_SEED = 2147483647
"""The lectures' seed; a lecture config sets it as `seed_everything`."""


def tanh_scaled_(_: nn.Embedding, *linears: nn.Linear) -> None:
    """Start near the uniform distribution, with tanh in its linear range; biases at zero.

    Source: He et al., "Delving deep into rectifiers", 2015, with tanh's gain of 5/3; makemore
    lecture, part 3.
    """
    scales = [5 / 3 / math.sqrt(linear.in_features) for linear in linears[:-1]] + [0.01]
    for linear, scale in zip(linears, scales, strict=True):
        nn.init.normal_(linear.weight, std=scale)
        if linear.bias is not None:
            nn.init.zeros_(linear.bias)


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


def lecture_linear_order(linear: nn.Linear) -> list[Tensor]:
    """A Linear's parameters as the lectures draw them: the (in, out) matrix, then any bias."""
    return [linear.weight.T] + ([] if linear.bias is None else [linear.bias])


def lecture_part2_(embedding: nn.Embedding, *linears: nn.Linear) -> None:
    """All from N(0, 1): confidently wrong at first."""
    drawn = [parameter for linear in linears for parameter in lecture_linear_order(linear)]
    lecture_normal_(embedding.weight, *drawn)


def lecture_part3_(embedding: nn.Embedding, *linears: nn.Linear) -> None:
    """W1 · (5/3) / √fan_in, b1 · 0.01; W2 · 0.01, b2 · 0."""
    lecture_part2_(embedding, *linears)
    *hidden, output = linears
    with torch.no_grad():
        for linear in hidden:
            linear.weight.mul_(5 / 3).div_(linear.in_features**0.5)
            if linear.bias is not None:
                linear.bias.mul_(0.01)
        output.weight.mul_(0.01)
        output.bias.zero_()


def lecture_layers_(embedding: nn.Embedding, *linears: nn.Linear, confidence: float = 1.0) -> None:
    """Of the lectures' own layers, from the end of part 3 on: each W / √fan_in, biases zero.

    Args:
        embedding: from N(0, 1).
        linears: the layers.
        confidence: of the first logits: times the output's W.

    """
    lecture_normal_(embedding.weight, *(linear.weight.T for linear in linears))
    with torch.no_grad():
        for linear in linears:
            linear.weight.div_(linear.in_features**0.5)
            if linear.bias is not None:
                linear.bias.zero_()
        linears[-1].weight.mul_(confidence)
