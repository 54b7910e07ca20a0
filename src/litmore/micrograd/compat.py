"""micrograd's own names on litmore's engine: its notebooks and tests run after a change of import.

    from litmore.micrograd.compat import MLP, Layer, Neuron, Value, draw_dot

Beside the names, three things are micrograd's here: weights are drawn from the `random` module, a
layer of one neuron returns its value instead of a list, and hidden neurons are ReLU. docs/
coming_from.md has what differs.
"""

import random
from collections.abc import Sequence
from typing import Any

import graphviz

from litmore.micrograd import engine
from litmore.micrograd.draw import digraph
from litmore.micrograd.engine import Number, dot
from litmore.micrograd.nn import Module

__all__ = ["MLP", "Layer", "Module", "Neuron", "Value", "draw_dot"]


class Value(engine.Value):
    """A `Value` whose graph can be read as micrograd's; what is computed from it is one, too."""

    __slots__ = ()

    @property
    def _prev(self) -> set[engine.Value]:
        """What it was computed from."""
        return set(self.operands)

    @property
    def _op(self) -> str:
        """What computed it; a plain number is part of that: `*2`."""
        return self.op

    def _backward(self) -> None:
        """Hand the gradient on to the operands: one step of the way back, by hand."""
        for operand, partial in zip(self.operands, self.partials, strict=True):
            operand.grad += partial * self.grad


class Neuron(Module):
    """relu(w · x + b), or w · x + b."""

    def __init__(self, nin: int, nonlin: bool = True) -> None:
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0)
        self.nonlin = nonlin

    def __call__(self, x: Sequence[Number]) -> engine.Value:
        act = dot(self.w, x, self.b)
        return act.relu() if self.nonlin else act

    def parameters(self) -> list[engine.Value]:
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """Neurons side by side; one alone gives a value, more give a list."""

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    def __call__(self, x: Sequence[Number]) -> Any:
        out = [neuron(x) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[engine.Value]:
        return [p for neuron in self.neurons for p in neuron.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """Layers one after the other, the last one linear."""

    def __init__(self, nin: int, nouts: Sequence[int]) -> None:
        reads = [nin, *nouts[:-1]]
        self.layers = [
            Layer(num_read, nout, nonlin=number < len(nouts))
            for number, (num_read, nout) in enumerate(zip(reads, nouts, strict=True), 1)
        ]

    def __call__(self, x: Sequence[Number]) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self) -> list[engine.Value]:
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"


def draw_dot(root: engine.Value, format: str = "svg", rankdir: str = "LR") -> graphviz.Digraph:
    """`litmore.micrograd.draw.digraph`, as a picture of that format.

    Args:
        root: the graph under it.
        format: any of Graphviz's.
        rankdir: `LR` from left to right, `TB` from top to bottom.

    Raises:
        ValueError: there is no such format or direction.

    """
    if rankdir not in ("LR", "TB"):
        raise ValueError(f"rankdir {rankdir!r}: must be LR or TB")
    drawing = digraph(root, rankdir)
    drawing.format = format
    return drawing
