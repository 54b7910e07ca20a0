"""TensorBoard's curves in a run's folder."""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import TensorBoardLogger

from litmore.runs.folder import RunFolder, is_first_process
from litmore.runs.history import in_events

log = logging.getLogger(__name__)


class RunLogger(TensorBoardLogger):
    """TensorBoard events in the run's folder."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__(folder.root, folder.name, default_hp_metric=False)
        self.folder = folder
        self._failed = False

    @property
    def experiment(self) -> Any:
        """TensorBoard's writer. Whatever its file dies of, training goes on without curves."""
        writer = super().experiment
        file_writer = getattr(writer, "file_writer", None)  # the first process's, until closed
        if file_writer is not None:
            events = file_writer.event_writer
            for name in ("add_event", "flush", "close"):
                if name not in vars(events):
                    setattr(events, name, self._while_alive(getattr(events, name)))
        return writer

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """By names that the losses come before."""
        super().log_metrics({in_events(name): metrics[name] for name in metrics}, step)

    def _while_alive(self, write: Callable[..., None]) -> Callable[..., None]:
        def guarded(*args: Any) -> None:
            if self._failed:
                return
            try:
                write(*args)
            except Exception as error:
                self._failed = True
                log.warning(
                    "TensorBoard's file cannot be written any more (%s); training goes on", error
                )

        return guarded

    def save(self) -> None:
        """Write what is still in memory, if that can be done."""
        with suppress(OSError):  # hparams.yaml, for people alone
            super().save()

    @property
    def log_dir(self) -> str:
        """The run's folder; only the first process, which is the one that writes, claims it."""
        return str(self.folder.claim() if is_first_process() else self.folder.root)

    @property
    def version(self) -> str:
        return Path(self.log_dir).name
