"""What the Trainer costs a step, where it can be had for less.

A step of the lectures' MLP takes 0.4 ms, and calling what does nothing takes the Trainer as long.
`benchmarks/step_overhead.py` measures what each part here saves.
"""

import inspect
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.profilers import PassThroughProfiler
from lightning.pytorch.strategies import Strategy
from lightning.pytorch.trainer.states import RunningStage

STEP_HOOKS = (
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_train_batch_end",
)
"""What the Trainer calls at every step on each callback and on the model."""

TRANSFER_HOOKS = (
    "on_before_batch_transfer",
    "transfer_batch_to_device",
    "on_after_batch_transfer",
)
"""What it asks the model and the data for on a batch's way to its device."""


class LeanTrainer(Trainer):
    """Lightning's Trainer, with short answers to what its loops ask it fifty times a step."""

    @property
    def strategy(self) -> Strategy:
        """How it trains on its devices."""
        return self._accelerator_connector.strategy

    @property
    def lightning_module(self) -> LightningModule:
        """The model."""
        return self._accelerator_connector.strategy._lightning_module

    @property
    def training(self) -> bool:
        """Whether this is training, and no validation in it."""
        return self.state.stage is RunningStage.TRAINING

    @training.setter
    def training(self, value: bool) -> None:
        Trainer.training.fset(self, value)  # type: ignore[attr-defined]


class NoProfiler(PassThroughProfiler):
    """Lightning's way not to profile makes a new context manager sixty times a step."""

    _nothing = nullcontext()

    def profile(self, action_name: str) -> AbstractContextManager:  # type: ignore[override]
        """Nothing."""
        return self._nothing


def skip_empty_hooks(trainer: Trainer, model: LightningModule) -> None:
    """Take the hooks that nobody has written out of the step: the Trainer skips what is None."""
    owners: list[tuple[object, type]] = [(model, LightningModule)]
    owners += [(callback, Callback) for callback in trainer.callbacks]  # type: ignore[attr-defined]
    for owner, base in owners:
        for hook in STEP_HOOKS:
            if not _is_written(hook, owner, base):
                setattr(owner, hook, None)


def _is_written(hook: str, owner: object, base: type) -> bool:
    """Whether a hook is another than the library's empty one, in a class or on the object."""
    return getattr(type(owner), hook) is not getattr(base, hook) or hook in vars(owner)


def remember_signature(model: LightningModule) -> None:
    """At every step the Trainer asks which arguments `training_step` takes: let it be told."""
    step = type(model).training_step
    step.__signature__ = inspect.signature(step)  # type: ignore[attr-defined]


def skip_transfer(trainer: Trainer, model: LightningModule, data: LightningDataModule) -> None:
    """Leave batches where they are, if that is where they go and nobody has written the hooks."""
    written = [
        _is_written(hook, owner, base)
        for owner, base in ((model, LightningModule), (data, LightningDataModule))
        for hook in TRANSFER_HOOKS
    ]
    if trainer.strategy.root_device.type == "cpu" and not any(written):
        for name in ("_on_before_batch_transfer", "_apply_batch_transfer_handler"):
            setattr(model, name, _as_it_is)


def _as_it_is(batch: Any, **_: Any) -> Any:
    return batch
