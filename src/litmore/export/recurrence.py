"""Recurrent layers that stay whole in a graph, whatever the length of the words.

While torch traces one it takes the loop over time apart, and the length of the example becomes a
constant. So the layer is traced as an operation of litmore's, which has the signature of torch's
own and is exchanged for it afterwards.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.library import Library, register_fake
from torch.overrides import TorchFunctionMode

_LAYERS = ("rnn_tanh", "rnn_relu", "gru", "lstm")
_SETTINGS = (
    "Tensor[] params, bool has_biases, int num_layers, float dropout, bool train,"
    " bool bidirectional, bool batch_first"
)
_SIGNATURES = {
    **dict.fromkeys(_LAYERS, f"(Tensor input, Tensor hx, {_SETTINGS}) -> (Tensor, Tensor)"),
    "lstm": f"(Tensor input, Tensor[] hx, {_SETTINGS}) -> (Tensor, Tensor, Tensor)",
}
_LIBRARY = Library("litmore", "DEF")


def _shapes(
    is_lstm: bool,
    x: Tensor,
    states: Tensor | Sequence[Tensor],
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, ...]:
    """Of the outputs: torch's own would take the loop apart."""
    listed: Sequence[Tensor] = states if is_lstm else [states]  # type: ignore[assignment, list-item]
    width = listed[0].shape[-1] * (2 if bidirectional else 1)
    return x.new_empty([*x.shape[:-1], width]), *map(torch.empty_like, listed)


for _name, _signature in _SIGNATURES.items():
    _LIBRARY.define(f"{_name}{_signature}")
    register_fake(f"litmore::{_name}", partial(_shapes, _name == "lstm"), lib=_LIBRARY)

WHOLE: dict[str, Any] = {name: getattr(torch.ops.litmore, name).default for name in _LAYERS}
"""The operations, by the names of torch's functions."""


class KeepWhole(TorchFunctionMode):
    """Within it recurrent layers are these operations."""

    def __torch_function__(
        self, func: Callable, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name in WHOLE and func is getattr(torch, name):
            func = WHOLE[name]
        return func(*args, **(kwargs or {}))


def make_native(program: ExportedProgram) -> None:
    """Exchange them for torch's own, in place: any process with torch can run those."""
    natives = {whole: getattr(torch.ops.aten, name).input for name, whole in WHOLE.items()}
    for node in program.graph.nodes:
        node.target = natives.get(node.target, node.target)
    program.graph_module.recompile()
