"""Neurons of single numbers, and networks of them.

A size below 1 and an activation that is none are refused with a ValueError.

Source: micrograd (Karpathy).
"""

from collections.abc import Callable, Sequence
from random import Random

from litmore.micrograd.engine import Number, Value, dot

ACTIVATIONS: dict[str, Callable[[Value], Value]] = {
    "tanh": Value.tanh,
    "relu": Value.relu,
    "linear": lambda value: value,
}
"""By name, what a neuron does to its weighted sum."""


class Module:
    """What has parameters."""

    def parameters(self) -> list[Value]:
        """The leaves to train, in the order of their making."""
        raise NotImplementedError

    def zero_grad(self) -> None:
        """Forget the gradients of earlier steps; `backward` adds to them."""
        for parameter in self.parameters():
            parameter.grad = 0.0


class Neuron(Module):
    """activation(w · x + b), with w from U(−1, 1) and b = 0.

    Args:
        num_inputs: numbers it reads.
        activation: a name in `ACTIVATIONS`.
        seed: of the weights, or the generator to draw them from; the same seed, the same weights.

    """

    def __init__(self, num_inputs: int, activation: str = "tanh", seed: int | Random = 0) -> None:
        _check_size(num_inputs)
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation {activation!r}: must be one of {', '.join(ACTIVATIONS)}")
        generator = _generator(seed)
        self.weights = [Value(generator.uniform(-1, 1)) for _ in range(num_inputs)]
        self.bias = Value(0.0)
        self.activation = activation

    def __call__(self, inputs: Sequence[Number]) -> Value:
        return ACTIVATIONS[self.activation](dot(self.weights, inputs, self.bias))

    def parameters(self) -> list[Value]:
        return [*self.weights, self.bias]


class Layer(Module):
    """Neurons side by side on the same inputs.

    Args:
        num_inputs: numbers that each reads.
        num_outputs: how many neurons.
        activation: a name in `ACTIVATIONS`.
        seed: as a `Neuron`'s.

    """

    def __init__(
        self, num_inputs: int, num_outputs: int, activation: str = "tanh", seed: int | Random = 0
    ) -> None:
        _check_size(num_outputs)
        generator = _generator(seed)
        self.neurons = [Neuron(num_inputs, activation, generator) for _ in range(num_outputs)]

    def __call__(self, inputs: Sequence[Number]) -> list[Value]:
        return [neuron(inputs) for neuron in self.neurons]

    def parameters(self) -> list[Value]:
        return [parameter for neuron in self.neurons for parameter in neuron.parameters()]


class MLP(Module):
    """Layers one after the other.

    Args:
        num_inputs: numbers that the first reads.
        sizes: how many neurons each has.
        activation: of all layers but the last; a name in `ACTIVATIONS`.
        output: the last layer's.
        seed: as a `Neuron`'s.

    """

    def __init__(
        self,
        num_inputs: int,
        sizes: Sequence[int],
        activation: str = "tanh",
        output: str = "linear",
        seed: int | Random = 0,
    ) -> None:
        if not sizes:
            raise ValueError("sizes: at least one layer")
        generator = _generator(seed)
        reads = [num_inputs, *sizes[:-1]]
        does = [activation] * (len(sizes) - 1) + [output]
        self.layers = [
            Layer(num_read, size, activation_, generator)
            for num_read, size, activation_ in zip(reads, sizes, does, strict=True)
        ]

    def __call__(self, inputs: Sequence[Number]) -> list[Value]:
        outputs: Sequence[Number] = inputs
        for layer in self.layers:
            outputs = layer(outputs)
        return list(outputs)  # type: ignore[arg-type]

    def parameters(self) -> list[Value]:
        return [parameter for layer in self.layers for parameter in layer.parameters()]


def _generator(seed: int | Random) -> Random:
    return seed if isinstance(seed, Random) else Random(seed)


def _check_size(size: int) -> None:
    if size < 1:
        raise ValueError(f"{size} neurons or inputs: must be at least 1")
