"""What the Trainer costs a step, where it can be had for less.

A step of the lectures' MLP takes 0.4 ms, and calling what does nothing takes the Trainer as long.
`benchmarks/step_overhead.py` measures what each part here saves.
"""

from contextlib import AbstractContextManager, nullcontext

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.profilers import PassThroughProfiler

STEP_HOOKS = (
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_train_batch_end",
)
"""What the Trainer calls at every step on each callback and on the model."""


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
            if getattr(type(owner), hook) is getattr(base, hook) and hook not in vars(owner):
                setattr(owner, hook, None)
