"""A graph as an ONNX model, by torch's exporter."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import onnx
import onnxruntime
import torch
from onnxscript import opset18
from onnxscript.function_libs.torch_lib.ops.core import aten_gru, aten_lstm
from torch import Tensor
from torch.export import ExportedProgram

from litmore.errors import InputError, causes
from litmore.export.program import quiet, said
from litmore.export.recurrence import WHOLE

op: Any = opset18  # its own types know of no Python numbers

LARGEST = 2**31 - 1
"""Bytes of a file of protocol buffers."""

AXES = ("batch", "time")


def onnx_file(
    program: ExportedProgram, outputs: Sequence[str], description: Mapping[str, Any]
) -> bytes:
    """The content of an `.onnx`, checked.

    Args:
        program: as it was traced.
        outputs: their names, or none.
        description: its metadata, each value as JSON but for text.

    Raises:
        InputError: ONNX has no word for an operation, or the weights are too many for one file.

    """
    size = sum(tensor.nbytes for tensor in program.state_dict.values())
    if size > LARGEST - 2**24:
        raise InputError(f"--format onnx: {size:,} bytes of weights; a file holds {LARGEST:,}")
    try:
        with quiet():
            made = torch.onnx.export(
                program,
                dynamo=True,
                verbose=False,
                output_names=list(outputs) or None,
                custom_translation_table=TRANSLATIONS,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise InputError(
            f"--format onnx: torch.onnx cannot translate the model: {said([*causes(error)][-1])}"
            " (safetensors and torch work)"
        ) from error
    assert made is not None
    graph = made.model.graph
    names = {
        str(size): AXES[axis] if axis < len(AXES) else str(size)
        for value in graph.inputs
        for axis, size in enumerate(value.shape or ())
        if not isinstance(size, int)
    }
    for value in [*graph.inputs, *graph.outputs]:
        for axis, size in enumerate(value.shape or ()):
            if str(size) in names:
                value.shape[axis] = names[str(size)]  # type: ignore[index]
    for node in made.model.graph.all_nodes():
        node.metadata_props.clear()  # how torch came by each
    made.model.metadata_props.update(
        {k: v if isinstance(v, str) else json.dumps(v) for k, v in description.items()}
    )
    content = made.model_proto.SerializeToString()
    onnx.checker.check_model(content, full_check=True)
    return content


def run_onnx(content: bytes, inputs: Sequence[Tensor]) -> list[Tensor]:
    """What onnxruntime makes of it.

    Raises:
        InputError: it has not all that ONNX has.

    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # its errors are raised, too
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        given = zip(session.get_inputs(), inputs, strict=True)
        outputs = session.run(None, {each.name: value.numpy() for each, value in given})
    except Exception as error:  # a dozen kinds, of a private module
        raise InputError(
            f"--format onnx: onnxruntime cannot run the model: {said(error)}"
            " (safetensors and torch work)"
        ) from error
    return list(map(torch.from_numpy, outputs))


# What the exporter has no translation of


def _rnn(
    x: Any,
    states: Any,
    params: Sequence[Any],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
    activation: str = "Tanh",
) -> tuple[Any, Any]:
    """ONNX's operation has one layer, time first, and the directions stacked."""
    directions, number = 1 + bidirectional, 4 if has_biases else 2
    if batch_first:
        x = op.Transpose(x, perm=[1, 0, 2])
    last = []
    for layer in range(num_layers):
        first = layer * directions
        own = [params[at * number :][:number] for at in range(first, first + directions)]
        weights = [op.Concat(*(op.Unsqueeze(each[i], [0]) for each in own), axis=0) for i in (0, 1)]
        biases = [op.Unsqueeze(op.Concat(*each[2:], axis=0), [0]) for each in own if has_biases]
        y, after = op.RNN(
            x,
            *weights,
            op.Concat(*biases, axis=0) if biases else None,
            None,
            op.Slice(states, [first], [first + directions], axes=[0]),
            direction="bidirectional" if bidirectional else "forward",
            hidden_size=states.shape[2],
            activations=[activation] * directions,
        )
        x = op.Reshape(op.Transpose(y, perm=[0, 2, 1, 3]), [0, 0, -1])
        last.append(after)
    return op.Transpose(x, perm=[1, 0, 2]) if batch_first else x, op.Concat(*last, axis=0)


def _relu_rnn(*arguments: Any) -> tuple[Any, Any]:
    return _rnn(*arguments, activation="Relu")


def _searchsorted(keys: Any, wanted: Any, *, out_int32: bool = False, right: bool = False) -> Any:
    """By halving the steps: how many keys lie below what is wanted."""
    if len(keys.shape) != 1 or out_int32:
        raise NotImplementedError("searchsorted of more than one sequence, or to int32")
    number = keys.shape[0]
    is_below = op.LessOrEqual if right else op.Less
    place = op.Mul(op.Cast(wanted, to=onnx.TensorProto.INT64), 0)
    for bits in range(number.bit_length() - 1, -1, -1):
        further = op.Min(op.Add(place, 1 << bits), number)
        below = is_below(op.Gather(keys, op.Sub(further, 1)), wanted)
        place = op.Where(below, further, place)
    return place


TRANSLATIONS = {
    WHOLE["rnn_tanh"]: _rnn,
    WHOLE["rnn_relu"]: _relu_rnn,
    WHOLE["gru"]: aten_gru,
    WHOLE["lstm"]: aten_lstm,
    torch.ops.aten.searchsorted.Tensor: _searchsorted,
}
