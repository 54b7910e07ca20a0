"""What a model that is no character model takes, for a graph to be made of it."""

import importlib
from collections.abc import Callable, Mapping
from inspect import BoundArguments, signature
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from litmore.errors import InputError, one_line
from litmore.models.hyperparameters import INSTANTIATOR, build
from litmore.runs.trust import check_class_path, restrict_imports


def example_of(
    model: LightningModule, checkpoint: Mapping[str, Any], trust_config: bool
) -> BoundArguments:
    """What `forward` takes: the model's `example_input_array`, or what of a batch is not y.

    Raises:
        InputError: there is neither, or `forward` does not take it.

    """
    name, given, taken = type(model).__name__, model.example_input_array, signature(model.forward)
    if given is None:
        given = _batch(checkpoint, trust_config, name)
        if isinstance(given, Mapping):
            given = {key: value for key, value in given.items() if key in taken.parameters}
        elif isinstance(given, list | tuple):
            given = given[0]
    try:
        if isinstance(given, Mapping):
            bound = taken.bind(**given)
        else:
            bound = taken.bind(*(given if isinstance(given, list | tuple) else [given]))
    except TypeError as error:
        raise _lacking(name, f"its forward: {error}") from None
    # A batch of one would count as a constant.
    return in_each(bound, lambda value: twice(value) if value.shape[:1] == (1,) else value)


def in_each(
    example: BoundArguments, change: Callable[[Tensor], Any], *, else_none: bool = False
) -> BoundArguments:
    """The same arguments, with each tensor changed, and what is none kept or None."""

    def changed(value: Any) -> Any:
        if isinstance(value, Tensor):
            return change(value)
        if isinstance(value, list | tuple):
            return type(value)(map(changed, value))
        if isinstance(value, dict):
            return {key: changed(each) for key, each in value.items()}
        return None if else_none else value

    arguments = {name: changed(value) for name, value in example.arguments.items()}
    return BoundArguments(example.signature, arguments)


def twice(rows: Tensor) -> Tensor:
    """As many again."""
    return torch.cat([rows, rows]) if rows.ndim else rows


def tensors_of(given: Any) -> list[Tensor]:
    """Those in it, however it is put together, in order."""
    if isinstance(given, Mapping):
        given = list(given.values())
    if isinstance(given, list | tuple):
        return [tensor for each in given for tensor in tensors_of(each)]
    return [given] if isinstance(given, Tensor) else []


def _batch(checkpoint: Mapping[str, Any], trust_config: bool, name: str) -> Any:
    """The first one that the recorded data train on."""
    recorded = (checkpoint.get("config") or {}).get("data")
    if not isinstance(recorded, dict) or not recorded.get("class_path"):
        raise _lacking(name, "its checkpoint names no data module")
    class_path = recorded["class_path"]
    check_class_path(class_path, trust_config, "--ckpt_path")
    restrict_imports(trust_config)
    module, _, cls = class_path.rpartition(".")
    try:
        data = build(
            getattr(importlib.import_module(module), cls),
            {**(recorded.get("init_args") or {}), INSTANTIATOR: True},
        )
        data.prepare_data()
        data.setup("fit")
        return next(iter(data.train_dataloader()))
    except Exception as error:  # another's code, which reads files that may be gone
        reason = f"{class_path}: {one_line(error) or type(error).__name__}"
        raise _lacking(name, reason) from error


def _lacking(name: str, reason: str) -> InputError:
    return InputError(
        f"--format: a graph of {name} needs an example of what it takes: give it an"
        f" example_input_array, as Lightning has it ({reason}); safetensors needs none"
    )
