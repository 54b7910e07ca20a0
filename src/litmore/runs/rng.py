"""The state of the random generators that all code of a process shares."""

import random
from typing import Any

import numpy as np
import torch


def rng_state() -> dict[str, Any]:
    """Of torch (CPU and CUDA), numpy and Python, as tensors, numbers and strings."""
    numpy_state: Any = np.random.get_state()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [part.tolist() if isinstance(part, np.ndarray) else part for part in numpy_state],
        "python": random.getstate(),
    }


def check_rng_state(state: Any) -> None:
    """Whether all of it can be set; nothing is.

    Raises:
        ValueError: it cannot.

    """
    try:
        torch.Generator().set_state(state["torch"])
        np.random.RandomState().set_state(tuple(state["numpy"]))
        random.Random().setstate(state["python"])
        is_cuda = all(each.dtype == torch.uint8 for each in state["cuda"])
    except Exception as error:  # each has its own: a negative number is an OverflowError
        raise ValueError(f"no state of random generators: {error}") from error
    if not is_cuda:
        raise ValueError("no state of CUDA's random generators")


def set_rng_state(state: dict[str, Any]) -> None:
    """Draw from now on what would have been drawn after `rng_state`."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    np.random.set_state(tuple(state["numpy"]))
    random.setstate(state["python"])
