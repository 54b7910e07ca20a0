"""Small trainings that write and print nothing, and leave no trace in the process."""

import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from litmore.models.hyperparameters import keep_plain
from litmore.runs.folder import CONFIG, RunFolder
from litmore.runs.rng import rng_state, set_rng_state
from litmore.runs.saving import Checkpoints
from litmore.steps import batches_done


@contextmanager
def undisturbed() -> Iterator[Path]:
    """A folder that is gone afterwards, as are draws from shared generators; and no word."""
    before = rng_state()
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of loaders' workers, of logging intervals
        try:
            yield Path(folder)
        finally:
            set_rng_state(before)
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def trainer(folder: Path, *callbacks: Callback, **flags: Any) -> Trainer:
    """A Trainer on the CPU, of one process unless the flags say otherwise."""
    quiet = ("logger", "enable_progress_bar", "enable_model_summary", "enable_checkpointing")
    saves = any(isinstance(callback, Checkpoints) for callback in callbacks)
    return Trainer(
        accelerator="cpu",
        default_root_dir=folder,
        num_sanity_val_steps=0,
        callbacks=list(callbacks),
        **dict.fromkeys(quiet, False)
        | {"enable_checkpointing": saves, "devices": 1, "log_every_n_steps": 1}
        | flags,
    )


class Recorded(Callback):
    """Name the class in each checkpoint, and keep its arguments, as a run's record does."""

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        cls = type(pl_module)
        checkpoint["class_path"] = f"{cls.__module__}.{cls.__qualname__}"
        keep_plain(checkpoint, pl_module, getattr(trainer, "datamodule", None))
        # Of a model that was given its defaults, and has saved none, that is all there is to say.
        checkpoint.setdefault("hyper_parameters", {})


class Stops(Callback):
    """Put aside what a run that was stopped after so many batches would have left.

    Args:
        last: the checkpoint that is saved at each batch.
        after: so many batches.

    """

    def __init__(self, last: Path, after: set[int]) -> None:
        self.last = last
        self.after = after
        self.kept: dict[int, Path] = {}

    def on_train_batch_start(self, trainer: Trainer, *_: Any) -> None:
        done = batches_done(trainer) - 1  # but for the one at hand
        if done in self.after and self.last.exists():
            path = self.last.with_name(f"stopped_{done}.ckpt")
            shutil.copyfile(self.last, path)
            self.kept[done] = path


def saving(folder: Path) -> tuple[Checkpoints, Path]:
    """What saves a run, at every batch; and the file."""
    of_run = RunFolder(folder, "run", folder / "run")
    (folder / "run").mkdir(exist_ok=True)
    (folder / "run" / CONFIG).touch()  # a folder without one is no run's
    return Checkpoints(of_run, every_seconds=0.0), folder / "run" / "checkpoints" / "last.ckpt"


def different(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The names by which two states differ, to the bit."""
    names = sorted(one.keys() | other.keys())
    return [name for name in names if not _same(one.get(name), other.get(name))]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return torch.equal(one, other)
    return type(one) is type(other) and bool(one == other)
