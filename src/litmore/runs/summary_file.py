"""What keeps a run's `summary.json` up to date."""

import logging
import math
import signal
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

from lightning.pytorch import Callback, LightningModule, Trainer

from litmore.errors import InputError, RunError, one_line
from litmore.runs.folder import RunFolder
from litmore.runs.signals import Stopped
from litmore.runs.summary import Summary, write, written
from litmore.steps import batches_done, steps_done

log = logging.getLogger(__name__)


class SummaryFile(Callback):
    """Write a run's summary when it starts, after each validation, and when it ends.

    What cannot be written is one line, and training goes on.

    Args:
        folder: the run's.
        config: its config; whoever has made it may still change it.
        monitor: a metric of the validation.
        mode: which is better, `min` or `max`.

    """

    def __init__(
        self,
        folder: RunFolder,
        config: dict[str, Any],
        monitor: str = "val/loss",
        mode: Literal["min", "max"] = "min",
    ) -> None:
        self.folder = folder
        self.config = config
        self._monitor, self._mode = monitor, mode  # `MonitorCheck` does not ask for it
        self._best: tuple[float | None, int | None] = None, None
        self._summary: Summary | None = None
        self._before: Summary | None = None
        self._began_at = 0
        self._start: float | None = None
        self._has_validated = False
        self._has_failed = False

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Go on from the best of then, as `Checkpoints` does."""
        known = checkpoint.get("callbacks", {}).get("Checkpoints", {})
        if (known.get("monitor"), known.get("mode")) == (self._monitor, self._mode):
            self._best = known["best_score"], known["best_step"]

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Where a run goes on, go on from what its file says."""
        if not trainer.is_global_zero or self.folder.path is None:
            return
        try:
            self._before = written(self.folder.path)
        except InputError as error:
            log.warning("%s", error)
        before = self._before
        self._summary = Summary(
            status="running",
            why=None,
            monitor=self._monitor,
            monitor_mode=self._mode,
            best=self._best[0],
            best_step=self._best[1],
            last=before.last if before else {},
            test=before.test if before else None,
            step=before.step if before else 0,
            seconds=(before.seconds if before else None) or 0.0,
            parameters=sum(p.numel() for p in pl_module.parameters()),
            started=before.started if before else time.time(),
            config=self.config,
        )
        self._write(self._summary)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start = time.monotonic()
        self._began_at = batches_done(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        metrics = _metrics(trainer)
        score = metrics.get(self._monitor, math.nan)
        best = self._best[0]
        is_best = best is None or (score < best if self._mode == "min" else score > best)
        if math.isfinite(score) and is_best:
            self._best = score, steps_done(trainer)
        self._has_validated = True
        if self._summary is not None:
            self._summary = replace(self._summary, last=metrics)
            self._write(self._now(trainer))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        metrics = _metrics(trainer)
        if self._summary is not None and not self._has_validated:
            self._summary = replace(self._summary, last={**self._summary.last, **metrics})

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """The end: there is none later, and each way to finish has it."""
        if stage == "fit" and self._summary is not None:
            self._write(replace(self._now(trainer), status="finished"))
            self._summary = None

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        if self._summary is None:
            return
        is_untouched = self._start is None or batches_done(trainer) == self._began_at
        if self._before is not None and is_untouched:
            self._write(self._before)
        else:
            status, why = _end_of(exception)
            self._write(replace(self._now(trainer), status=status, why=why))
        self._summary = None

    def _now(self, trainer: Trainer) -> Summary:
        assert self._summary is not None
        best, best_step = self._best
        if self._start is None:  # no training yet
            return replace(self._summary, best=best, best_step=best_step)
        now = time.monotonic()
        seconds = (self._summary.seconds or 0.0) + now - self._start
        self._start = now
        self._summary = replace(
            self._summary, best=best, best_step=best_step, step=steps_done(trainer), seconds=seconds
        )
        return self._summary

    def _write(self, summary: Summary) -> None:
        assert self.folder.path is not None
        if not self.folder.path.is_dir():
            return  # it was taken away, and is not to come back
        with suppress(InputError):  # a damaged file is written anew
            if (found := written(self.folder.path)) is not None:
                summary = replace(summary, test=found.test)  # `test` may have written it meanwhile
        try:
            write(self.folder.path, summary)
        except RunError as error:
            if not self._has_failed:
                self._has_failed = True
                log.warning("%s; training goes on", error)


def _end_of(exception: BaseException) -> tuple[Literal["stopped", "failed"], str]:
    if isinstance(exception, Stopped):
        return "stopped", signal.Signals(exception.number).name
    if isinstance(exception, KeyboardInterrupt):
        return "stopped", "SIGINT"
    said = one_line(exception)
    if isinstance(exception, InputError | RunError):
        return "failed", said
    return "failed", f"{type(exception).__name__}: {said}".removesuffix(": ")


def _metrics(trainer: Trainer) -> dict[str, float]:
    """All numbers that can be monitored. A collective call."""
    found = {}
    for name, value in trainer.callback_metrics.items():
        with suppress(TypeError, ValueError, RuntimeError):  # a user's own may be anything
            found[name] = float(value)
    return found
