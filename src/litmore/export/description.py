"""`model.json`: what a model is, for those who read its weights."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from litmore import __version__
from litmore.errors import InputError
from litmore.export.folder import DESCRIPTION
from litmore.models.base import CharLM


def longest_input(model: nn.Module) -> int | None:
    """T that each part of the model takes: in longer words the context of one would slide."""
    limits = [part.longest_input for part in model.modules() if isinstance(part, CharLM)]
    return min((limit for limit in limits if limit is not None), default=None)


def describe(model: nn.Module, checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """What can be said of it in JSON: the constructor's arguments as far as that holds them."""
    described: dict[str, Any] = {"litmore": __version__, "class_path": checkpoint["class_path"]}
    arguments = dict(checkpoint["hyper_parameters"])
    if isinstance(model, CharLM):
        described["vocabulary"] = str(model.vocabulary)
        arguments.pop("vocabulary", None)
        described["views"] = list(model.views)
        if "windows" in model.views:
            described["block_size"] = model.block_size
        else:
            described["longest_input"] = longest_input(model)
    return described | {"init_args": {k: v for k, v in arguments.items() if _is_json(v)}}


def check_whole(described: Mapping[str, Any], checkpoint: Mapping[str, Any]) -> None:
    """Whether the model can be made again of its description.

    Raises:
        InputError: an argument is none that JSON can hold.

    """
    told = described["init_args"].keys() | ({"vocabulary"} & described.keys())
    for name in sorted(checkpoint["hyper_parameters"].keys() - told):
        kind = type(checkpoint["hyper_parameters"][name]).__name__
        raise InputError(
            f"--format safetensors: {described['class_path']} is made with {name}, a {kind}, which"
            " JSON does not hold as it is (torch and onnx work)"
        )


def _is_json(value: Any) -> bool:
    """Whether JSON gives it back, but for a tuple, which comes back as a list."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(value[key]) for key in value)
    if isinstance(value, list | tuple):
        return all(map(_is_json, value))
    return value is None or type(value) in (bool, int, float, str)


def read_description(folder: Path, flag: str) -> dict[str, Any]:
    """What `describe` gave.

    Raises:
        InputError: the folder has none, or it is damaged.

    """
    path = folder / DESCRIPTION
    if not path.is_file():
        raise InputError(f"{flag} {folder}: no export: it has no {DESCRIPTION}")
    try:
        described = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or f"no JSON ({error})"
        raise InputError(f"{flag} {path}: {reason}") from None
    kinds = {"class_path": str, "init_args": dict, "vocabulary": str}
    for name, kind in kinds.items():
        value = described.get(name, "") if isinstance(described, dict) else None
        if not isinstance(value, kind):
            raise InputError(f"{flag} {path}: damaged: it has no usable {name}")
    return described
