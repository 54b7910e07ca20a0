"""What everything that is shown in TensorBoard shares: where to write, and when."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.strategies import DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

log = logging.getLogger(__name__)

MOMENTS = 2
"""How often a picture is drawn in a training of known length; TensorBoard's slider keeps 10."""

UNKNOWN_LENGTH = 1000
"""Steps between two pictures in a training of unknown length."""


def tensorboard_writers(trainer: Trainer) -> list["SummaryWriter"]:
    """The writers of the trainer's TensorBoard loggers; only the first process has any.

    None either where each process holds a part of the weights: nothing can be drawn of a part.
    """
    sharded = isinstance(trainer.strategy, (DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy))
    if not trainer.is_global_zero or trainer.fast_dev_run or sharded:  # type: ignore[attr-defined]
        return []
    return [each.experiment for each in trainer.loggers if isinstance(each, TensorBoardLogger)]


def steps_done(trainer: Trainer) -> int:
    """Optimizer steps so far; batches, for a model that takes none."""
    if trainer.global_step or trainer.lightning_module.automatic_optimization:
        return trainer.global_step
    return trainer.fit_loop.epoch_loop.total_batch_idx + 1


def total_steps(trainer: Trainer) -> int | None:
    """How many there will be at most; None where no limit is known."""
    limits: list[float] = [trainer.max_steps] if trainer.max_steps > 0 else []
    if trainer.max_epochs is not None and trainer.max_epochs > 0:
        limits.append(
            trainer.max_epochs * -(-trainer.num_training_batches // trainer.accumulate_grad_batches)
        )
    least = min(limits, default=float("inf"))
    return int(least) if least < float("inf") else None


def void_later(trainer: Trainer) -> None:
    """Where a run goes on, let TensorBoard forget what an earlier training wrote beyond there."""
    step = steps_done(trainer)
    for writer in tensorboard_writers(trainer) if step else []:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        restart = Event(step=step, session_log=SessionLog(status=SessionLog.START))
        writer._get_file_writer().add_event(restart, step)


class Drawing(Callback, ABC):
    """Draw before the first step, at some moments in between, and after the last.

    A subclass says what. It is drawn on the first process alone, and only for TensorBoard; what
    happens there may use neither a collective call nor a global random generator.

    Args:
        every_n_steps: between two drawings; None: about `MOMENTS` times in the training; 0: only
            after its last step.

    """

    def __init__(self, every_n_steps: int | None = None) -> None:
        self.every_n_steps = every_n_steps
        self.next_due: float | int = float("inf")
        self._drawn_at: int | None = None
        self._every = 0

    @abstractmethod
    def draw(
        self, trainer: Trainer, pl_module: LightningModule, writer: "SummaryWriter", step: int
    ) -> None:
        """Draw what there is after so many steps; nothing for a model that it does not apply to."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw where the training starts."""
        self._drawn_at = None
        self.next_due = float("inf")
        if not tensorboard_writers(trainer):
            return
        self._every = self._interval(trainer)
        if self._every:
            self._draw(trainer, pl_module)
        else:
            self._schedule(trainer)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *args: Any, **kwargs: Any
    ) -> None:
        """Draw, if it is time to."""
        if self.next_due < float("inf") and steps_done(trainer) >= self.next_due:
            self._draw(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the end, if any step has been taken since the last drawing."""
        if steps_done(trainer) not in (0, self._drawn_at):
            self._draw(trainer, pl_module)

    def _interval(self, trainer: Trainer) -> int:
        if self.every_n_steps is not None:
            return self.every_n_steps
        total = total_steps(trainer)
        return max(-(-total // MOMENTS), 1) if total else UNKNOWN_LENGTH

    def _schedule(self, trainer: Trainer) -> None:
        step, last = steps_done(trainer), total_steps(trainer)
        self.next_due = (step // self._every + 1) * self._every if self._every else float("inf")
        if last is not None and step < last:
            self.next_due = min(self.next_due, last)

    def _draw(self, trainer: Trainer, pl_module: LightningModule) -> None:
        step = steps_done(trainer)
        self._drawn_at = step
        self._schedule(trainer)
        writers = tensorboard_writers(trainer)
        if writers and all(p.isfinite().all() for p in pl_module.parameters()):
            with as_judged(pl_module):
                for writer in writers:
                    try:
                        self.draw(trainer, pl_module, writer, step)
                    except OSError as error:  # a full disk: as with the curves
                        name = type(self).__name__
                        log.warning("%s cannot be written (%s); training goes on", name, error)


@contextmanager
def as_judged(pl_module: LightningModule) -> Iterator[None]:
    """In evaluation mode, without gradients; then each module as it was."""
    training = [module for module in pl_module.modules() if module.training]
    pl_module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True
