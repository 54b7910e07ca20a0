"""On resuming: what is set now wins over what the checkpoint holds."""

from collections.abc import Sequence
from inspect import signature
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from litmore.errors import InputError
from litmore.runs.checkpoint import FLAG
from litmore.runs.damage import check_optimizer, check_schedule
from litmore.training.lightning import move_along_curve

_POSITION = ("last_epoch", "_step_count", "best", "num_bad_epochs", "cooldown_counter")
"""Where a schedule stands; all else that it keeps are settings, or follows from them."""

_OF_SCHEDULE = ("initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum")
"""What a schedule writes into an optimizer's groups when it is made."""


class ChangedSettings(Callback):
    """Let a state that is restored have the settings of now.

    The state of an optimizer, a schedule or a callback carries its settings too (`lr`,
    `total_steps`, `patience`), which would silently win.

    Args:
        config: the run's settings now; the checkpoint holds those it was trained with.

    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self._is_other_curve = False
        self._groups: list[list[dict[str, Any]]] = []
        self._restored: tuple[list[Any], list[Any]] | None = None

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Edit the state before the Trainer restores it."""
        recorded = checkpoint.get("config")
        if trainer.state.fn != "fit":
            return
        self._restored = checkpoint["optimizer_states"], checkpoint["lr_schedulers"]
        if recorded is None:
            return
        changed = _changed(recorded.get("optimizer"), self.config.get("optimizer"))
        for state in checkpoint["optimizer_states"]:
            for group in state.get("param_groups", []):  # none without an optimizer
                group.update({k: v for k, v in changed.items() if k in group})
                if "lr" in changed:
                    group["initial_lr"] = changed["lr"]
        schedule = self.config.get("lr_scheduler")
        follows_length = "total_steps" in ((schedule or {}).get("init_args") or {})
        if recorded.get("lr_scheduler") != schedule or "lr" in changed or follows_length:
            self._is_other_curve = True
            checkpoint["lr_schedulers"] = [
                {name: state[name] for name in _POSITION if name in state}
                for state in checkpoint["lr_schedulers"]
                if schedule
            ]
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if type(callback).__module__.startswith("litmore."):
                continue  # they know themselves
            state = (checkpoint.get("callbacks") or {}).get(callback.state_key)
            if not isinstance(state, dict):
                continue
            for name in signature(type(callback)).parameters.keys() & state.keys():
                state[name] = getattr(callback, name, state[name])

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remember what the schedules have just written: the checkpoint's comes over it.

        Raises:
            InputError: the checkpoint is of more optimizers or schedules, or fewer: the Trainer
                would restore as many as there are; or they cannot have said such a thing.

        """
        self._check_restored(trainer)
        self._restored = None
        self._groups = [
            [{key: group[key] for key in _OF_SCHEDULE if key in group} for group in of.param_groups]
            for of in trainer.optimizers
        ]

    def _check_restored(self, trainer: Trainer) -> None:
        if self._restored is None:
            return
        optimizers, schedules = self._restored
        made = [config.scheduler for config in trainer.lr_scheduler_configs]
        _check_number("optimizers", optimizers, trainer.optimizers)
        for state, optimizer in zip(optimizers, trainer.optimizers, strict=True):
            check_optimizer(state, optimizer, FLAG)
        if made and not self._is_other_curve:  # none: a callback that averages weights has its own
            _check_number("schedules", schedules, made)
            for state, schedule in zip(schedules, made, strict=True):
                check_schedule(state, schedule.state_dict(), FLAG)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self._is_other_curve:
            return
        for optimizer, groups in zip(trainer.optimizers, self._groups, strict=True):
            for group, fresh in zip(optimizer.param_groups, groups, strict=True):
                group.update(fresh)
        for config in trainer.lr_scheduler_configs:
            move_along_curve(config.scheduler)


def _check_number(of: str, states: Sequence[Any], made: Sequence[Any]) -> None:
    if len(states) != len(made):
        raise InputError(
            f"{FLAG}: holds the states of {len(states)} {of}, the model has {len(made)}"
        )


def _changed(old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    before, now = ((config or {}).get("init_args", {}) for config in (old, new))
    return {name: value for name, value in now.items() if before.get(name) != value}
