"""Where a training is and how far it goes: one answer for all that ask."""

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
    return _first_limit(trainer, trainer.max_steps, _steps_an_epoch(trainer))


def total_batches(trainer: "Trainer") -> int | None:
    """The training batches of the whole training; None: no limit is known."""
    an_epoch = trainer.num_training_batches
    if not trainer.lightning_module.automatic_optimization:
        # Its optimizers' steps count one by one; each takes one a batch, as far as is known.
        a_batch = max(len(trainer.optimizers), 1)
        return _first_limit(trainer, -(-trainer.max_steps // a_batch), an_epoch)
    batches = trainer.max_steps * trainer.accumulate_grad_batches
    if an_epoch < float("inf"):  # an epoch ends with a step, of however few batches
        epochs, steps = divmod(trainer.max_steps, max(_steps_an_epoch(trainer), 1))
        batches = int(epochs * an_epoch + steps * trainer.accumulate_grad_batches)
    return _first_limit(trainer, batches, an_epoch)


def _steps_an_epoch(trainer: "Trainer") -> int | float:
    return -(-trainer.num_training_batches // trainer.accumulate_grad_batches)


def _first_limit(trainer: "Trainer", by_steps: int, an_epoch: int | float) -> int | None:
    """The limit that comes first, `max_steps` or `max_epochs`, in what an epoch counts."""
    limits: list[float] = []
    if trainer.max_steps >= 0:
        limits.append(by_steps)
    if trainer.max_epochs is not None and trainer.max_epochs >= 0:
        limits.append(trainer.max_epochs * an_epoch)
    least = min(limits, default=float("inf"))
    return int(least) if least < float("inf") else None


def validates(trainer: "Trainer") -> bool:
    """Whether there is anything to validate on; the loader of a split left out is empty.

    Lightning asks for the loaders where a validation is due first: until then there may be.
    """
    batches: list[int | float] = trainer.num_val_batches
    return bool(trainer.enable_validation) and (not batches or sum(batches) > 0)


def ends_a_step(trainer: "Trainer") -> bool:
    """Whether the batch at hand is the last of those whose gradients make one optimizer step."""
    return (trainer.fit_loop.batch_idx + 1) % trainer.accumulate_grad_batches == 0 or (
        trainer.is_last_batch
    )


def is_last_step(trainer: "Trainer") -> bool:
    """Whether the training's limit is reached with the batch at hand, after its step."""
    return has_all_steps(trainer) or ends_training(trainer)


def has_all_steps(trainer: "Trainer") -> bool:
    """Whether `max_steps` are taken; a model of several optimizers may take more."""
    return 0 <= trainer.max_steps <= trainer.global_step


def ends_training(trainer: "Trainer") -> bool:
    """Whether the batch at hand is the last of the last epoch."""
    return trainer.is_last_batch and trainer.current_epoch + 1 == trainer.max_epochs


def is_log_due(trainer: "Trainer") -> bool:
    """Whether metrics of the batch at hand, whose step is to come, are written.

    They are every `log_every_n_steps`, and of the last step.
    """
    every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
    steps = 1 if trainer.lightning_module.automatic_optimization else len(trainer.optimizers)
    is_last = 0 <= trainer.max_steps <= trainer.global_step + steps or ends_training(trainer)
    due = every > 0 and ((step_at_hand(trainer) + 1) % every == 0 or is_last)
    return due and ends_a_step(trainer)


def step_at_hand(trainer: "Trainer") -> int:
    """The number, from 0, under which the batch at hand is logged.

    Several optimizers that a model steps by itself count each for themselves; batches do not.
    """
    if trainer.lightning_module.automatic_optimization:
        return trainer.global_step
    return batches_done(trainer) - 1
