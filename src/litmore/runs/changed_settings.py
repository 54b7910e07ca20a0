"""On resuming: what was changed by hand wins over what the checkpoint holds."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class ChangedSettings(Callback):
    """Apply changed optimizer and schedule settings to the state that is restored.

    Their state_dicts carry the old settings (`lr`, `total_steps`), which would silently win.

    Args:
        config: the run's settings now; the checkpoint holds those it was trained with.

    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Edit the state before the Trainer restores it."""
        recorded = checkpoint.get("config")
        if recorded is None or trainer.state.fn != "fit":
            return
        changed = _changed(recorded.get("optimizer"), self.config.get("optimizer"))
        for state in checkpoint["optimizer_states"]:
            for group in state.get("param_groups", []):  # none without an optimizer
                group.update({k: v for k, v in changed.items() if k in group})
                if "lr" in changed:
                    group["initial_lr"] = changed["lr"]
        if recorded.get("lr_scheduler") != self.config.get("lr_scheduler"):
            # Keep where the schedule stands, and let the new settings say what it looks like.
            checkpoint["lr_schedulers"] = [
                {name: state[name] for name in ("last_epoch", "_step_count") if name in state}
                for state in checkpoint["lr_schedulers"]
                if self.config.get("lr_scheduler")
            ]


def _changed(old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    before, now = ((config or {}).get("init_args", {}) for config in (old, new))
    return {name: value for name, value in now.items() if before.get(name) != value}
