"""What all that TensorBoard shows has in common: where to write, when, and what if that fails."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.strategies import DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy

from litmore.runs.signals import StopRequest
from litmore.steps import steps_done, total_steps
from litmore.watch.probes import as_judged
from litmore.watch.schedule import Schedule

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

log = logging.getLogger(__name__)

Writer: TypeAlias = "SummaryWriter"
"""TensorBoard's, which takes long to import."""

MOMENTS = 2
"""How often a picture is drawn in a training of known length; TensorBoard's slider keeps 10."""

UNKNOWN_LENGTH = 1000
"""Steps between two pictures in a training of unknown length."""


def tensorboard_writers(trainer: Trainer) -> list[Writer]:
    """The open writers of the trainer's TensorBoard loggers; only the first process has any.

    None either where the model is sharded: nothing can be drawn of a part.
    """
    if not trainer.is_global_zero or trainer.fast_dev_run or is_sharded(trainer):  # type: ignore[attr-defined]
        return []
    writers = [each.experiment for each in trainer.loggers if isinstance(each, TensorBoardLogger)]
    for writer in writers:
        if writer.file_writer is None:  # an earlier training has closed it; any entry opens it
            writer.add_scalar("watch_epoch", trainer.current_epoch, trainer.global_step)
    return writers


def is_sharded(trainer: Trainer) -> bool:
    """Whether each process holds a part of the weights."""
    strategies = (DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy)
    return isinstance(trainer.strategy, strategies)


def harmless(method: Callable[..., None]) -> Callable[..., None]:
    """Let what is watched go on, whatever becomes of watching it.

    An error of the method is one line on stderr, and nothing that is harmless of the same object is
    tried again.
    """

    @wraps(method)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> None:
        if getattr(self, "failed", False):
            return
        try:
            method(self, *args, **kwargs)
        except Exception as error:
            self.failed = True
            why = " ".join(f"{type(error).__name__}: {error}".split())
            log.warning("%s: no more of it (%s); training goes on", type(self).__name__, why)

    return guarded


class Part(Callback):
    """A part of what TensorBoard shows: those in `litmore.watch.parts` are there by default."""

    flag: ClassVar[str | None] = None
    """`--tensorboard.<flag> false` leaves it out; None: nothing does."""

    def listen(self, hook: str, on: bool) -> None:
        """Put a hook into the step, or take it out: the Trainer skips one that is None."""
        if on:
            vars(self).pop(hook, None)
        else:
            setattr(self, hook, None)


class Drawing(Part, ABC):
    """Draw before the first step, at some moments in between, and after the last.

    A subclass says what, and of which models. It is drawn on the first process alone, and only for
    TensorBoard; what happens there may use neither a collective call nor a global random generator.
    A signal that asks the run to stop ends it in the middle.

    Args:
        every_n_steps: between two drawings; None: about `MOMENTS` times in the training; 0: only
            after its last step.

    """

    models: ClassVar[type[LightningModule]] = LightningModule
    """Of others nothing is drawn; `draw` can rely on it."""

    def __init__(self, every_n_steps: int | None = None) -> None:
        self.every_n_steps = every_n_steps
        self._schedule = Schedule()
        self._drawn_at = 0

    @abstractmethod
    def draw(self, trainer: Trainer, pl_module: Any, writer: Writer, step: int) -> None:
        """Draw what there is after so many steps."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._drawn_at = 0
        every = self.every_n_steps
        if every is None:
            total = total_steps(trainer)
            every = max(-(-total // MOMENTS), 1) if total else UNKNOWN_LENGTH
        if not tensorboard_writers(trainer):
            every = 0
        self._schedule.start(trainer, every)
        own = type(self).on_train_batch_end is not Drawing.on_train_batch_end
        self.listen("on_train_batch_end", bool(every) or own)
        if every:
            self._draw(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self._schedule.is_due(trainer):
            self._draw(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # Not at the last batch's end: what must be saved is saved after that.
        if steps_done(trainer) != self._drawn_at:
            self._draw(trainer, pl_module)

    @harmless
    def _draw(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._drawn_at = steps_done(trainer)
        writers = tensorboard_writers(trainer) if isinstance(pl_module, self.models) else []
        if writers and all(p.isfinite().all() for p in pl_module.parameters()):
            with as_judged(pl_module):
                for writer in writers:
                    StopRequest.unless_asked(
                        partial(self.draw, trainer, pl_module, writer, self._drawn_at)
                    )
