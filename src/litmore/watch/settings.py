"""What a run was set to and what it trains on, by whichever way it was started."""

from typing import Any

import torch
from jaxtyping import Int
from lightning.pytorch import Trainer
from torch import Tensor

from litmore.models.base import CharLM
from litmore.runs.record import RunRecord


def record_of(trainer: Trainer) -> RunRecord | None:
    """What the command line has written down of the run; None without one."""
    callbacks = trainer.callbacks  # type: ignore[attr-defined]
    return next((each for each in callbacks if isinstance(each, RunRecord)), None)


def splits_of(trainer: Trainer) -> dict[str, Any] | None:
    """The splits of the run's names or running text; None where other data are trained on."""
    return getattr(getattr(trainer, "datamodule", None), "splits", None)


def commonest(trainer: Trainer, model: CharLM, number: int) -> Int[Tensor, " N"]:
    """The boundary and so many tokens at most, those that the training has most often; sorted."""
    if model.vocab_size <= number:
        return torch.arange(model.vocab_size)
    splits = splits_of(trainer)
    times = splits["train"].frequencies() if splits else torch.zeros(model.vocab_size)
    order = times[1:].argsort(descending=True, stable=True) + 1
    return torch.cat([torch.zeros(1, dtype=torch.long), order[: number - 1].sort().values])


def settings(trainer: Trainer) -> dict[str, Any]:
    """The run's config; without a command line, its model's and its data's hyperparameters."""
    if record := record_of(trainer):
        return record.config
    parts = {"model": trainer.lightning_module, "data": getattr(trainer, "datamodule", None)}
    return {
        name: {
            "class_path": f"{type(part).__module__}.{type(part).__qualname__}",
            "init_args": {key: _plain(value) for key, value in dict(part.hparams).items()},
        }
        for name, part in parts.items()
        if part is not None
    }


def _plain(value: Any) -> Any:
    """What YAML has a word for, as it is; anything else as text."""
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)
