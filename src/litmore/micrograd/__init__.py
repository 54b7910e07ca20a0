"""Backpropagation on single numbers, in plain Python."""

from litmore.micrograd.engine import Value, dot, total
from litmore.micrograd.nn import MLP, Layer, Neuron

__all__ = ["MLP", "Layer", "Neuron", "Value", "dot", "total"]
