"""A model in each format, checked to say what the model itself says."""

import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from inspect import BoundArguments, signature
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from litmore.errors import RunError, one_line
from litmore.export.description import check_whole
from litmore.export.example import example_of, in_each, tensors_of, twice
from litmore.export.folder import ONNX, PROGRAM, WEIGHTS
from litmore.export.load import content
from litmore.export.program import (
    LOGITS,
    example_tokens,
    program_file,
    run_program,
    takes_any_batch,
    trace,
    trace_foreign,
)
from litmore.models.base import CharLM
from litmore.runs.checkpoint import rebuild

CLOSE = 1e-4
"""How far logits may lie from the model's: libraries add up in another order."""

ROUNDINGS = 10
"""As many of them they may lie off, of weights that are coarser than that."""


def in_formats(
    model: LightningModule,
    described: Mapping[str, Any],
    checkpoint: Mapping[str, Any],
    formats: Sequence[str],
    trust_config: bool,
) -> dict[str, bytes]:
    """The content of the files, by name.

    Raises:
        InputError: the model cannot be had in a format.
        RunError: in a format it says something else.

    """
    files = {}
    if "safetensors" in formats:
        from litmore.export.weights import weights_file

        check_whole(described, checkpoint)
        again = content(json.loads(json.dumps(described)), model.state_dict())
        rebuild(again, LightningModule, trust_config, "--format safetensors")
        files[WEIGHTS] = weights_file(model)
    if "torch" not in formats and "onnx" not in formats:
        return files
    if isinstance(model, CharLM):
        program = trace(model)
        other = signature(model.forward).bind(example_tokens(model, 7, 11))
    else:
        example = example_of(model, checkpoint, trust_config)
        program = trace_foreign(model, example)
        other = in_each(example, twice)
        if not takes_any_batch(program) or not _takes(model, other):
            other = example
            sys.stderr.write(f"{type(model).__name__} takes batches of one size alone\n")
    args, kwargs = other.args, other.kwargs
    with torch.no_grad():
        expected = tensors_of(model(*args, **kwargs))
    check = partial(_check_same, expected=expected, close=_close(model))
    if "onnx" in formats:
        from litmore.export.onnx_model import onnx_file, run_onnx

        outputs = [LOGITS] if isinstance(model, CharLM) else []
        files[ONNX] = onnx_file(program, outputs, described)
        check("onnx", run_onnx(files[ONNX], tensors_of([args, kwargs])))
    if "torch" in formats:  # last: the graph is changed
        files[PROGRAM] = program_file(program, described)
        check("torch", tensors_of(run_program(files[PROGRAM], *args, **kwargs)))
    return files


def _takes(model: LightningModule, example: BoundArguments) -> bool:
    try:
        with torch.no_grad():
            model(*example.args, **example.kwargs)
    except (RuntimeError, ValueError, IndexError):  # torch's, of shapes that do not fit
        return False
    return True


def _close(model: LightningModule) -> float:
    kinds = {weight.dtype for weight in model.parameters() if weight.is_floating_point()}
    return max([CLOSE, *(ROUNDINGS * torch.finfo(kind).eps for kind in kinds)])


def _check_same(
    name: str, found: Sequence[Tensor], expected: Sequence[Tensor], close: float
) -> None:
    try:
        torch.testing.assert_close(found, expected, rtol=close, atol=close)
    except AssertionError as error:
        raise RunError(
            f"--format {name}: not exported, it would say something else: {one_line(error)}"
        ) from None
