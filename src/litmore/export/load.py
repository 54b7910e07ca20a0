"""A trained model from a checkpoint or an exported folder."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule

from litmore.errors import InputError
from litmore.runs import checkpoint as checkpoints

FLAG = "litmore.load"


def load(path: str | PathLike[str], trust_config: bool = False) -> LightningModule:
    """The model, on the CPU and ready to be used: for `litmore.sampling.sample`, say.

    Nothing in the files is run; the model's class is imported by its name.

    Args:
        path: a checkpoint, or a folder that `export` has written safetensors to.
        trust_config: import the class from whatever installed package it is in, not from litmore,
            torch, lightning, torchmetrics and this folder's modules alone.

    Raises:
        InputError: a file is missing or damaged, or the class is not to be imported.

    """
    given = Path(path).expanduser()
    if given.is_dir():
        from litmore.export.description import read_description

        try:
            from litmore.export.weights import read_weights
        except ImportError as error:
            raise InputError(
                f"{FLAG} {path}: {error}: `make extras`, or pip install 'litmore[export]'"
            ) from None
        found = content(read_description(given, FLAG), read_weights(given, FLAG))
    elif given.is_file():
        found = checkpoints.read(given, FLAG)
    else:
        raise InputError(f"{FLAG} {path}: no such file or folder")
    return checkpoints.rebuild(found, LightningModule, trust_config, f"{FLAG} {path}")


def content(described: Mapping[str, Any], weights: Mapping[str, Any]) -> dict[str, Any]:
    """What a checkpoint would hold of an exported model."""
    arguments = dict(described["init_args"])
    if "vocabulary" in described:
        arguments["vocabulary"] = described["vocabulary"]
    return {
        "class_path": described["class_path"],
        "hyper_parameters": arguments,
        "state_dict": dict(weights),
    }
