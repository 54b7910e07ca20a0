"""A run as a row of TensorBoard's HParams tab."""

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer

from litmore.steps import steps_done
from litmore.watch.drawing import Part, harmless, tensorboard_writers
from litmore.watch.settings import settings


class RunSummary(Part):
    """Set the settings beside `best/val_loss`, `test/loss`, `cost/parameters` and `cost/seconds`.

    The settings are the model's, the data's, the optimizer's and the schedule's, each under its
    own name; `test/loss` is there once `test` has judged a checkpoint of the run.
    """

    flag = "hparams"

    def __init__(self) -> None:
        self._best = math.inf
        self._start = 0.0
        self._spent = 0.0

    @harmless
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start = time.monotonic()
        for writer in tensorboard_writers(trainer):
            from tensorboard.plugins.hparams.summary_v2 import hparams_pb  # 0.2 s

            found = hparams_of(settings(trainer))
            # Each run a row of its own, however alike. No run says which columns there are, as
            # torch's `add_hparams` would: TensorBoard shows those of all runs, whatever the model.
            run = Path(writer.log_dir)
            summary = hparams_pb(found, trial_id=f"{run.parent.name}/{run.name}")
            file: Any = writer.file_writer  # beside the scalars
            file.add_summary(summary)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        loss = trainer.callback_metrics.get("val/loss")
        if loss is not None and not trainer.sanity_checking:
            self._best = min(self._best, float(loss))

    @harmless
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not steps_done(trainer):
            return
        results = {
            "cost/parameters": float(sum(p.numel() for p in pl_module.parameters())),
            "cost/seconds": self._seconds(),
        }
        if self._best < math.inf:
            results["best/val_loss"] = self._best
        for writer in tensorboard_writers(trainer):
            for name, value in results.items():
                writer.add_scalar(name, value, steps_done(trainer))

    def state_dict(self) -> dict[str, Any]:
        return {"best": self._best, "seconds": self._seconds()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._best = state_dict["best"]
        self._spent = state_dict["seconds"]

    def _seconds(self) -> float:
        return self._spent + time.monotonic() - self._start


def hparams_of(config: Mapping[str, Any]) -> dict[str, bool | int | float | str]:
    """A config's settings of model, data, optimizer and schedule, by name; none that is not set."""
    found: dict[str, Any] = {}
    for part in ("model", "data", "optimizer", "lr_scheduler"):
        section = config.get(part) or {}
        if "class_path" in section and part != "data":
            found[part] = section["class_path"].rpartition(".")[2]
        for name, value in (section.get("init_args") or {}).items():
            if name not in ("vocabulary", "_instantiator"):  # long; of the command line's making
                found[f"{part}/{name}"] = value
    # TensorBoard unfolds five columns: what follows from others shall not be among them.
    for follows in ("lr_scheduler/max_lr", "lr_scheduler/total_steps"):
        found.pop(follows, None)
    found["max_steps"] = (config.get("trainer") or {}).get("max_steps")
    found["seed"] = config.get("seed_everything")
    return {
        name: value if isinstance(value, (bool, int, float, str)) else str(value)
        for name, value in found.items()
        if value is not None
    }
