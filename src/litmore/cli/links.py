"""Two settings that must agree are said once: a model's context, a schedule's peak and length."""

from typing import Any

from lightning.pytorch import Trainer

from litmore.cli.given import Given
from litmore.errors import InputError
from litmore.training.lightning import training_length

Derived = list[tuple[str, str]]
"""The group and name of what follows from another setting."""


def link_block_size(values: Any, by_hand: Given, notes: list[str]) -> Derived:
    """The data's is the model's, where the data cut contexts of that length.

    Args:
        values: all settings; the model's is changed.
        by_hand: what is given, and where.
        notes: what has no effect as it is given is added, a line each.

    Raises:
        InputError: both are given by hand and differ.

    """
    model, data = (values[group].get("init_args") or {} for group in ("model", "data"))
    if data.get("view") == "words":
        if "block_size" in by_hand.settings("data", by_hand=True):
            own = "; the model's is --model.block_size" if "block_size" in model else ""
            notes.append(
                f"--data.block_size {data['block_size']} has no effect: words are whole{own}"
            )
        return []
    if "block_size" not in model or "block_size" not in data:
        return []
    given = by_hand.settings("model", by_hand=True).get("block_size", data["block_size"])
    if given != data["block_size"]:
        raise InputError(
            f"--model.block_size {given}: the data's is {data['block_size']}; it is said once,"
            f" as --data.block_size {given}"
        )
    model["block_size"] = data["block_size"]
    return [("model", "block_size")]


def link_lr(values: Any, by_hand: Given, notes: list[str]) -> Derived:
    """The optimizer's is the peak of a schedule that has one; arguments as `link_block_size`'s.

    Raises:
        InputError: there is a schedule and no optimizer.

    """
    optimizer, schedule = values.optimizer, values.lr_scheduler
    name = schedule.class_path.rpartition(".")[2]
    if optimizer is None:
        raise InputError(f"--lr_scheduler {name}: name the --optimizer that it is for")
    given = by_hand.settings("optimizer", by_hand=True)
    init_args = schedule.get("init_args") or {}
    derived = []
    if "max_lr" in init_args:
        lr, peak = optimizer.init_args.lr, init_args["max_lr"]
        if "max_lr" not in by_hand.settings("lr_scheduler"):
            init_args["max_lr"] = lr
            derived = [("lr_scheduler", "max_lr")]
        elif "lr" in given and peak != lr:
            notes.append(
                f"{name} goes by its --lr_scheduler.max_lr {peak}, not by --optimizer.lr {lr}"
            )
    for key in ("momentum", "betas"):
        if key in given and init_args.get("cycle_momentum"):
            notes.append(
                f"{name} sets the momentum, not --optimizer.{key} {given[key]}; with"
                " --lr_scheduler.cycle_momentum false it does not"
            )
    return derived


def schedule_length(init_args: Any, trainer: Trainer, checkpoint: dict[str, Any]) -> int:
    """Steps of a schedule that has so many: as the training, unless it is told.

    Args:
        init_args: the schedule's.
        trainer: the training's.
        checkpoint: what it goes on from; empty: nothing.

    Raises:
        InputError: the training has no end that is known, or the schedule ends before it.

    """
    steps, given = training_length(trainer, checkpoint), init_args["total_steps"]
    if given is None and init_args["epochs"] is not None:
        given = init_args["epochs"] * (init_args["steps_per_epoch"] or 0)
    if given is None and steps is not None:
        return steps
    if given is None:
        raise InputError(
            "--lr_scheduler: as long as the training, which has no end; pass --trainer.max_steps"
            " or --trainer.max_epochs, or --lr_scheduler.total_steps, or --lr_scheduler null"
        )
    if steps is not None and given < steps:
        raise InputError(
            f"--lr_scheduler.total_steps {given}: the schedule must last for all steps; there are"
            f" {steps}"
        )
    return int(given)
