"""What `test` finds, beside the run that it judges."""

import logging
from dataclasses import replace
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer

from litmore.errors import InputError, RunError
from litmore.runs.folder import EVENTS
from litmore.runs.history import TEST_LOSS
from litmore.runs.summary import write, written
from litmore.watch.markdown import table

log = logging.getLogger(__name__)

SUFFIX = ".test"


class Judgement(Callback):
    """Add `test/loss` and its kin to the summary of the checkpoint's run, and to its events.

    Those in a file of their own, which the next judgement of the run replaces: all of them as
    text, `scores/test`, and the loss as a level line for the charts and the HParams tab.

    Args:
        run: the run's folder.
        step: the checkpoint's.
        is_drawn: whether TensorBoard is to show it, if it shows the run.

    """

    def __init__(self, run: Path, step: int, is_drawn: bool = True) -> None:
        self.run = run
        self.step = step
        self.is_drawn = is_drawn

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        found = {name: float(value) for name, value in trainer.callback_metrics.items()}
        if not trainer.is_global_zero:
            return
        try:
            if (summary := written(self.run)) is not None:
                write(self.run, replace(summary, test=found))
            if self.is_drawn and any(self.run.glob(EVENTS)):
                self._draw(found)
        except (InputError, RunError, OSError) as error:
            log.warning("%s", error)

    def _draw(self, found: dict[str, float]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        for old in self.run.glob(f"{EVENTS}{SUFFIX}"):
            old.unlink()
        with SummaryWriter(self.run, filename_suffix=SUFFIX) as writer:
            rows = [[f"`{name}`", f"{value:.4f}"] for name, value in found.items()]
            writer.add_text("scores/test", table(["", f"at step {self.step:,}"], rows), self.step)
            if "test/loss" in found:
                for step in (0, max(self.step, 1)):
                    writer.add_scalar(TEST_LOSS, found["test/loss"], step)
