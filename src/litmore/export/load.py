"""A trained model from a checkpoint or an exported folder."""

import importlib
from argparse import ArgumentError
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule

from litmore.errors import InputError
from litmore.models.base import CharLM
from litmore.models.hyperparameters import INSTANTIATOR, build
from litmore.runs import checkpoint as checkpoints
from litmore.runs.trust import check_class_path, restrict_imports

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
    return rebuild(found, trust_config, f"{FLAG} {path}")


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


def rebuild(checkpoint: dict[str, Any], trust_config: bool, flag: str) -> LightningModule:
    """As `litmore.runs.checkpoint.rebuild`, and any other LightningModule too."""
    class_path = checkpoint["class_path"]
    check_class_path(class_path, trust_config, flag)
    module, _, name = class_path.rpartition(".")
    try:
        cls = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"{flag}: its model {class_path} cannot be imported ({error})") from None
    if not isinstance(cls, type) or not issubclass(cls, LightningModule):
        raise InputError(f"{flag}: its model {class_path} is not a LightningModule")
    if issubclass(cls, CharLM):
        return checkpoints.rebuild(checkpoint, trust_config, flag)
    try:
        if INSTANTIATOR in checkpoint["hyper_parameters"]:  # classes may be named there, too
            restrict_imports(trust_config)
        model: LightningModule = build(cls, checkpoint["hyper_parameters"])
        model.load_state_dict(checkpoint["state_dict"])
    except (RuntimeError, TypeError, KeyError, ValueError, AttributeError, ArgumentError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{flag}: does not hold a whole model ({reason})") from None
    return model.eval()
