"""A model as a graph of torch's operations, for any batch and, of words, any length."""

import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from functools import partial
from inspect import BoundArguments, signature
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from litmore.errors import InputError
from litmore.export.description import longest_input
from litmore.export.example import in_each
from litmore.export.folder import DESCRIPTION
from litmore.export.recurrence import KeepWhole, make_native
from litmore.models.base import CharLM

TOKENS, LOGITS = "tokens", "logits"


class Tokens(nn.Module):
    """A character model by the names of what goes in and comes out."""

    def __init__(self, model: CharLM) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        return self.model(tokens)


def example_tokens(model: CharLM, batch: int, length: int) -> Tensor:
    """Contexts, or words of that length if the model takes so long ones; always the same."""
    if "windows" in model.views:
        length = model.block_size
    length = min(length, longest_input(model) or length)
    generator = torch.Generator().manual_seed(0)
    return torch.randint(model.vocab_size, (batch, length), generator=generator)


def trace(model: CharLM) -> ExportedProgram:
    """The graph of a character model.

    Raises:
        InputError: torch cannot follow it, or finds the batch or the length to be a constant.

    """
    shape: dict[int, Any] = {0: Dim("batch")}
    if "windows" not in model.views:
        limit = longest_input(model)
        if limit != 1:
            shape[1] = Dim("time", max=limit)
    tokens = example_tokens(model, 3, 5)
    model(tokens)  # what is made when it is asked for must not become part of the graph
    module = Tokens(model).eval()
    example = signature(module.forward).bind(tokens)
    return _trace(module, example, [{TOKENS: shape}], type(model).__name__)


def trace_foreign(model: LightningModule, example: BoundArguments) -> ExportedProgram:
    """The graph of any other model, for any batch if it takes any.

    Args:
        model: in evaluation mode.
        example: what its `forward` takes, batch first.

    Raises:
        InputError: torch cannot follow it.

    """

    named = [
        in_each(example, partial(_rows, size=size), else_none=True).arguments
        for size in (Dim.DYNAMIC, Dim.AUTO)
    ]
    return _trace(model, example, named, type(model).__name__)


def _rows(value: Tensor, size: Any) -> dict[int, Any] | None:
    return {0: size} if value.ndim else None


def _trace(
    module: nn.Module, example: BoundArguments, shapes: list[dict[str, Any]], name: str
) -> ExportedProgram:
    """Strictly where the way that runs the model fails: that reads its code, such as `len(x)`."""
    reason: Exception | None = None
    with quiet(), KeepWhole(), torch.no_grad():
        for dynamic in shapes:
            for strict in (False, True):
                try:
                    program = torch.export.export(
                        module,
                        example.args,
                        example.kwargs,
                        dynamic_shapes=dynamic,
                        strict=strict,
                    )
                except Exception as error:  # of torch's own there are a dozen kinds
                    reason = reason or error
                else:
                    _forget_places(program)
                    return program
    raise InputError(
        f"--format: torch.export cannot make a graph of {name}: {said(reason)}"
        " (safetensors needs none)"
    ) from reason


def takes_any_batch(program: ExportedProgram) -> bool:
    """Whether no input has a constant number of rows."""
    names = set(program.graph_signature.user_inputs)
    values = [node.meta.get("val") for node in program.graph.nodes if node.name in names]
    return not any(
        isinstance(value, Tensor) and value.ndim and isinstance(value.shape[0], int)
        for value in values
    )


def _forget_places(program: ExportedProgram) -> None:
    """Where in which file each operation stood, on this machine."""
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)


def program_file(program: ExportedProgram, description: Mapping[str, Any]) -> bytes:
    """A `.pt2` for `torch.export.load`, with the description as its `model.json`."""
    make_native(program)
    content = io.BytesIO()
    with quiet():
        torch.export.save(
            program, content, extra_files={DESCRIPTION: json.dumps(description, indent=2)}
        )
    return content.getvalue()


def run_program(content: bytes, *args: Any, **kwargs: Any) -> Any:
    """What a `.pt2` says."""
    with quiet(), torch.no_grad():
        return torch.export.load(io.BytesIO(content)).module()(*args, **kwargs)


def said(error: BaseException | None) -> str:
    """A library's error as the beginning of a line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    details = [line[2:] for line in lines if line.startswith("- ")]
    text = (
        details[0].split(" If you")[0] if details else lines[0] if lines else type(error).__name__
    )
    return text if len(text) < 200 else text[:200] + "…"


@contextmanager
def quiet() -> Iterator[None]:
    """Exporters report their progress, and warn of what is in hand; errors are raised."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
