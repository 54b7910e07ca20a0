"""Weights as safetensors."""

from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor, nn

from litmore.errors import InputError, one_line
from litmore.export.folder import WEIGHTS


def weights_file(model: nn.Module) -> bytes:
    """Each by its name, those that a model ties too: a reader need not know which.

    Raises:
        InputError: one is of a type that the format has no word for.

    """
    tensors = {name: weight.detach().clone() for name, weight in model.state_dict().items()}
    try:
        return safetensors.torch.save({k: v.contiguous() for k, v in tensors.items()})
    except (KeyError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(f"--format safetensors: {one_line(error)}") from None


def read_weights(folder: Path, flag: str) -> dict[str, Tensor]:
    """By their names, on the CPU; nothing in the file is run.

    Raises:
        InputError: there are none, or the file is damaged.

    """
    path = folder / WEIGHTS
    if not path.is_file():
        raise InputError(f"{flag} {folder}: it has no {WEIGHTS}: export with --format safetensors")
    try:
        return safetensors.torch.load_file(path)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise InputError(f"{flag} {path}: not readable ({one_line(error)})") from None
