"""Several optimizer steps a Trainer batch (`data.bundle`).

The Trainer's own work a batch takes as long as a step of the lectures' MLP. Handed a `Bundle` of
batches, the model takes a step on each by itself; the Trainer comes in between two bundles. Step
counts, schedules, logging, checkpoints and resuming still go by optimizer steps; validation and
signals come at a bundle's end.
"""

from typing import TYPE_CHECKING

from lightning.pytorch import Trainer
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from litmore.data.loader import Bundle
from litmore.errors import InputError

if TYPE_CHECKING:
    from litmore.models.base import CharLM

_PLATEAU = "--lr_scheduler: a plateau is seen between epochs; pass --data.bundle 1"


def check_bundled(model: "CharLM", trainer: Trainer, schedule: str | None = None) -> None:
    """Refuse what the Trainer counts in batches or does between a backward and a step.

    Args:
        model: to be trained.
        trainer: with its flags.
        schedule: the class path of the learning rate's schedule, as far as it is known.

    Raises:
        InputError: a flag is set that could not be honoured, or the model steps by itself.

    """
    if not model.automatic_optimization:
        raise InputError(f"--data.bundle: {type(model).__name__} takes no optimizer steps")
    if schedule and schedule.endswith(".ReduceLROnPlateau"):
        raise InputError(_PLATEAU)
    flags: dict[str, bool] = {
        "gradient_clip_val": trainer.gradient_clip_val not in (None, 0),
        "accumulate_grad_batches": trainer.accumulate_grad_batches != 1,
        "limit_train_batches": trainer.limit_train_batches != 1.0,
        "val_check_interval": trainer.val_check_interval != 1.0,
    }
    for name, given in flags.items():
        if given and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            raise InputError(f"--trainer.{name}: goes by single batches; pass --data.bundle 1")


def train_on_bundle(model: "CharLM", bundle: Bundle) -> None:
    """An optimizer step on each batch, up to the Trainer's last."""
    trainer = model.trainer
    optimizer = model.optimizers()
    assert isinstance(optimizer, LightningOptimizer)
    schedules = [config.scheduler for config in trainer.lr_scheduler_configs]
    if any(isinstance(schedule, ReduceLROnPlateau) for schedule in schedules):
        raise InputError(_PLATEAU)
    device = model.device
    step = optimizer.step
    for number, batch in enumerate(bundle):
        x, y = batch
        loss = model.objective((x.to(device), y.to(device)))
        model.optimizer_zero_grad(trainer.current_epoch, number, optimizer.optimizer)
        model.manual_backward(loss)
        step()
        for schedule in schedules:
            schedule.step()
        if trainer.global_step == trainer.max_steps:
            break
    # What the Trainer logs by: in automatic optimization it is one less than the steps, too.
    trainer.fit_loop.epoch_loop._batches_that_stepped = trainer.global_step - 1
