"""The metrics as a table, for whoever has no TensorBoard."""

import csv
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from litmore.runs.folder import TABLE
from litmore.steps import steps_done
from litmore.watch.drawing import harmless
from litmore.watch.settings import record_of

HEAD = ("step", "metric", "value")


class MetricsCSV(Callback):
    """Write every logged metric to `metrics.csv` in the run's folder: `step,metric,value`.

    Beside TensorBoard, or with `--trainer.logger false` instead of it. A run that goes on goes on
    in the table too. (Lightning's `CSVLogger` would start a folder of its own, and empty it.)
    """

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        record = record_of(trainer)
        folder = record.folder.path if record else Path(trainer.default_root_dir)
        if folder is None:
            return
        table = MetricsTable(folder / TABLE)
        if trainer.is_global_zero:
            table.open(steps_done(trainer))
        trainer.loggers = [*trainer.loggers, table]


class MetricsTable(Logger):
    """A row a metric, appended as it comes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    @harmless
    def open(self, step: int) -> None:
        """Start the table, or keep what it holds of the steps before this one."""
        rows: list[list[str]] = []
        if step and self.path.is_file():
            with self.path.open(newline="") as file:
                rows = [row for row in list(csv.reader(file))[1:] if int(row[0]) < step]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([HEAD, *rows])

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def version(self) -> str:
        return self.path.parent.name

    @rank_zero_only
    @harmless
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        with self.path.open("a", newline="") as file:
            rows = [(step, name, f"{float(value):.9g}") for name, value in metrics.items()]
            csv.writer(file, lineterminator="\n").writerows(rows)

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """config.yaml has them."""
