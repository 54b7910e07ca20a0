"""When something is due that is seen every so many steps."""

import math
from typing import TYPE_CHECKING

from litmore.steps import steps_done, total_steps

if TYPE_CHECKING:
    from lightning.pytorch import Trainer


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
