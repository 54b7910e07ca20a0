"""Where a training is and how far it goes: one answer for all that ask."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightning.pytorch import Trainer


def batches_done(trainer: "Trainer") -> int:
    """Training batches so far, over all epochs; the one at hand counts once its step begins."""
    return trainer.fit_loop.epoch_loop.total_batch_idx + 1


def steps_done(trainer: "Trainer") -> int:
    """Optimizer steps so far; batches, for a model that takes none."""
    if trainer.global_step or trainer.lightning_module.automatic_optimization:
        return trainer.global_step
    return batches_done(trainer)


def total_steps(trainer: "Trainer") -> int | None:
    """The optimizer steps of the whole training, by whichever limit comes first; None: no limit."""
    limits: list[float] = []
    if trainer.max_steps >= 0:
        limits.append(trainer.max_steps)
    if trainer.max_epochs is not None and trainer.max_epochs >= 0:
        a_step = trainer.accumulate_grad_batches
        limits.append(trainer.max_epochs * -(-trainer.num_training_batches // a_step))
    least = min(limits, default=float("inf"))
    return int(least) if least < float("inf") else None


def total_batches(trainer: "Trainer") -> int | None:
    """The training batches of the whole training; None: no limit is known."""
    limits: list[float] = []
    if trainer.max_steps >= 0:
        limits.append(trainer.max_steps * trainer.accumulate_grad_batches)
    if trainer.max_epochs is not None and trainer.max_epochs >= 0:
        limits.append(trainer.max_epochs * trainer.num_training_batches)
    least = min(limits, default=float("inf"))
    return int(least) if least < float("inf") else None


def ends_a_step(trainer: "Trainer") -> bool:
    """Whether the batch at hand is the last of those whose gradients make one optimizer step."""
    return (trainer.fit_loop.batch_idx + 1) % trainer.accumulate_grad_batches == 0 or (
        trainer.is_last_batch
    )


def is_log_due(trainer: "Trainer") -> bool:
    """Whether metrics are written after the batch at hand: every so many steps, and at the last."""
    every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
    if every <= 0:
        return False
    step = trainer.global_step + 1
    return (step % every == 0 or step == total_steps(trainer)) and ends_a_step(trainer)


class Schedule:
    """Every so many steps. Between two such moments, asking costs one comparison.

    It counts how often it is asked: once a step, so that it needs to look at the Trainer only where
    a moment may have come.
    """

    def __init__(self) -> None:
        self._every = 0
        self._next: float = math.inf
        self._last: float = math.inf
        self._unasked: float = math.inf

    def start(self, trainer: "Trainer", every: int, with_last: bool = False) -> None:
        """Begin where the training stands.

        Args:
            trainer: whose steps they are.
            every: so many steps; 0: at none.
            with_last: whether the last step is a moment in any case; else it is in none.

        """
        self._every = every
        self._with_last = with_last
        self._last = math.inf if (last := total_steps(trainer)) is None else last
        self._plan(trainer, steps_done(trainer))

    def is_due(self, trainer: "Trainer", coming: int = 0) -> bool:
        """Whether a moment has come, or comes with the step that is about to be taken.

        Args:
            trainer: the same one.
            coming: 1 before a step, 0 after it.

        """
        self._unasked -= 1
        if self._unasked > 0:
            return False
        step = steps_done(trainer) + coming
        due = step >= self._next
        self._plan(trainer, step)
        return due

    def _plan(self, trainer: "Trainer", step: int) -> None:
        """Find the next moment after this step."""
        self._next = (step // self._every + 1) * self._every if self._every else math.inf
        if self._every and self._with_last and step < self._last:
            self._next = min(self._next, self._last)
        elif self._next >= self._last:
            self._next = math.inf
        # By hand a model may take several steps a batch.
        by_hand = not trainer.lightning_module.automatic_optimization
        self._unasked = min(self._next - step, 1) if by_hand else self._next - step
