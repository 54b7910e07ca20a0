"""A run as a row of TensorBoard's HParams tab."""

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer

from litmore.runs.history import PARAMETERS
from litmore.steps import steps_done, total_steps
from litmore.watch.drawing import Part, harmless, tensorboard_writers
from litmore.watch.settings import settings

FIRST = {
    "model": "Model",
    "optimizer/lr": "Learning rate",
    "data/batch_size": "Batch size",
    "data": "Data",
}
"""What one looks for first, by headings that sort before the names of other settings."""


class RunSummary(Part):
    """Set the settings beside `results/best_val_loss`, `…/test_loss` and `…/wall_seconds`.

    The settings are the model's, the data's, the optimizer's and the schedule's, each under its
    own name; `test_loss` is there once `test` has judged a checkpoint of the run.

    TensorBoard sorts the columns: settings that differ between its runs come first, and of those
    alike by name, capitals before all others. It unfolds five of them.
    """

    flag = "hparams"

    def __init__(self) -> None:
        self._best = math.inf
        self._start = 0.0
        self._spent = 0.0
        self._logged_step = -1

    @harmless
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start = time.monotonic()
        self._logged_step = -1
        for writer in tensorboard_writers(trainer):
            from tensorboard.plugins.hparams.summary_v2 import hparams_pb  # 0.2 s

            found = hparams_of(settings(trainer))
            found[PARAMETERS] = sum(p.numel() for p in pl_module.parameters())
            # Each run a row of its own, however alike. No run says which columns there are, as
            # torch's `add_hparams` would: TensorBoard shows those of all runs, whatever the model.
            run = Path(writer.log_dir)
            summary = hparams_pb(found, trial_id=f"{run.parent.name}/{run.name}")
            file: Any = writer.file_writer  # beside the scalars
            file.add_summary(summary)
            if not steps_done(trainer):
                writer.add_scalar("results/wall_seconds", 0.0, 0)

    @harmless
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        loss = trainer.callback_metrics.get("val/loss")
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        is_first = self._best == math.inf
        if loss is not None:
            self._best = min(self._best, float(loss))
        # A level line where one value is all there will be: a chart of one dot says nothing.
        at_once = is_first and steps_done(trainer) == total_steps(trainer)
        self._log(trainer, with_start=at_once)

    @harmless
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if steps_done(trainer):
            self._log(trainer)

    def _log(self, trainer: Trainer, with_start: bool = False) -> None:
        """The results so far, once a step."""
        step = steps_done(trainer)
        if step == self._logged_step:
            return
        self._logged_step = step
        for writer in tensorboard_writers(trainer):
            if self._best < math.inf:
                for at in (0, step) if with_start else (step,):
                    writer.add_scalar("results/best_val_loss", self._best, at)
            writer.add_scalar("results/wall_seconds", self._seconds(), step)

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
        if "class_path" in section:
            found[part] = section["class_path"].rpartition(".")[2]
        for name, value in (section.get("init_args") or {}).items():
            if name not in ("vocabulary", "_instantiator"):  # long; of the command line's making
                found[f"{part}/{name}"] = value
    for follows in ("lr_scheduler/max_lr", "lr_scheduler/total_steps"):  # from others
        found.pop(follows, None)
    if "data" in found:
        file = found.get("data/path") or found.get("data/url")
        found["data"] = Path(str(file)).name if file else found["data"].removesuffix("DataModule")
    for name, heading in FIRST.items():
        found[heading] = found.pop(name, None)
    found["max_steps"] = (config.get("trainer") or {}).get("max_steps")
    found["seed"] = config.get("seed_everything")
    return {
        name: value if isinstance(value, (bool, int, float, str)) else str(value)
        for name, value in found.items()
        if value is not None
    }
