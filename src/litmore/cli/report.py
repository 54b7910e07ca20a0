"""What the commands print, on the first process alone: results to stdout, the rest to stderr."""

import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, Timer
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.model_helpers import is_overridden
from torch import Tensor

from litmore.errors import RunError, one_line
from litmore.models import CharLM
from litmore.program import program
from litmore.progress import duration, wrapped
from litmore.runs.folder import CHECKPOINTS, RunFolder
from litmore.sampling import sample
from litmore.steps import has_all_steps, steps_done
from litmore.system import quoted, relative
from litmore.training.warm_start import Fitted, Frozen
from litmore.watch.print_samples import PrintSamples

NAMES_SHOWN = 10
"""How many new names a training ends with."""

TEXT_SHOWN = 300
"""Characters of new text, likewise."""

WEIGHTS_SHOWN = 6
"""How many weights a line names."""

LONGEST_NAME = 40
"""Characters of what a file says, on a line among others."""


def report(
    command: str, trainer: Trainer, model: LightningModule, folder: RunFolder | None, seed: int
) -> None:
    """What a command ends with: the result; of a training, some new names and what to type next."""
    metrics = trainer.callback_metrics
    if command != "fit":
        if command != "predict":
            show_metrics(metrics)
        return
    tell_stop(trainer)
    if not metrics and not _has_trained(trainer):  # a model may log nothing
        if not trainer.should_stop:  # it may be a sweep of the learning rate, or out of time
            tell(
                f"Nothing left to train: the run is at step {trainer.global_step:,}, its end."
                " Pass a higher --trainer.max_steps or --trainer.max_epochs."
            )
        return
    if isinstance(model, CharLM):
        stage = "val" if "val/loss" in metrics else "train"
        show_metrics({k: v for k, v in metrics.items() if k.startswith(f"{stage}/")})
        finite = metrics.get(f"{stage}/loss", torch.zeros(())).isfinite()
        if not finite and trainer.global_step:  # counts may rightly be infinitely wrong
            raise RunError("the loss is not finite")
        generator = torch.Generator(model.device).manual_seed(int(seed))
        has_printed = any(isinstance(each, PrintSamples) for each in trainer.callbacks)  # type: ignore[attr-defined]
        if trainer.is_global_zero and not has_printed:
            is_text = model.vocabulary.is_text
            number, length = (1, TEXT_SHOWN) if is_text else (NAMES_SHOWN, None)
            drawn = sample(model.eval(), number, generator=generator, max_length=length)
            show("", *drawn)
    else:
        show_metrics(metrics)
    if folder is not None and folder.path is not None:
        names = ["sample"] if isinstance(model, CharLM) else []
        is_drawn = any(isinstance(logger, TensorBoardLogger) for logger in trainer.loggers)
        names += ["test"] if _has_test(trainer) else []
        tell_next(folder.path, *names, is_drawn=is_drawn)


def _has_test(trainer: Trainer) -> bool:
    """Whether there is anything to test on."""
    data: Any = getattr(trainer, "datamodule", None)
    splits = getattr(data, "splits", None)
    if isinstance(splits, Mapping) and "test" in splits:
        return len(splits["test"]) > 0
    return is_overridden("test_dataloader", data) if data is not None else False


def _has_trained(trainer: Trainer) -> bool:
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return any(isinstance(each, Announcement) and each.steps > 0 for each in callbacks)


class Announcement(Callback):
    """Say what the data are before the first step, and after the last how long it took."""

    def __init__(self) -> None:
        self._started = math.nan
        self._begun = 0
        self.steps = 0
        """Those of this training."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._started, self._begun = time.monotonic(), steps_done(trainer)
        data: Any = getattr(trainer, "datamodule", None)
        if trainer.is_global_zero and hasattr(data, "describe"):
            tell(*data.describe())

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if math.isfinite(self._started):  # else there was nothing left to train
            self.steps = steps_done(trainer) - self._begun
        if self.steps > 0:
            steps = f"{self.steps:,} step{'' if self.steps == 1 else 's'}"
            tell(f"{steps} in {duration(time.monotonic() - self._started)}")


@rank_zero_only
def show(*lines: str) -> None:
    """On stdout: a result."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


@rank_zero_only
def tell(*lines: str) -> None:
    """On stderr: all else."""
    each = (line for text in lines for line in text.split("\n"))
    sys.stderr.write("".join(f"{part}\n" for line in each for part in wrapped(line)))


def show_metrics(metrics: Mapping[str, Tensor]) -> None:
    """A line each."""
    show(*(f"{name:<19} {value:.4f}" for name, value in metrics.items()))


def tell_stop(trainer: Trainer) -> None:
    """Which callback ended a training before its limit, and why."""
    epochs = trainer.max_epochs if trainer.max_epochs is not None else -1
    if has_all_steps(trainer) or 0 <= epochs <= trainer.current_epoch:
        return
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        why = None
        if isinstance(callback, EarlyStopping):
            why = callback.stopping_reason_message
        elif isinstance(callback, Timer) and (callback.time_remaining() or 0) <= 0:
            why = f"after {callback.time_elapsed():.0f} s, all that it was given"
        if why:
            tell(f"stopped at step {trainer.global_step:,} by {type(callback).__name__}: {why}")


def tell_finished(run: Path) -> None:
    """That a command line has nothing left to do."""
    tell(f"{relative(run)} is finished; without --ckpt_path auto a new run begins")


def tell_fitted(checkpoint: Path, fitted: Fitted, known: str | None, now: str | None) -> None:
    """Which weights a run begins with.

    Args:
        checkpoint: the file that they are from.
        fitted: what became of each.
        known: its vocabulary, if it has one.
        now: the model's.

    """
    tell(f"weights: {relative(checkpoint)}")
    for name, weights in fitted._asdict().items():
        shown = [f"{_cut(n)} {'×'.join(map(str, weights[n]))}".rstrip() for n in weights]
        tell(f"  {name:<8}{_listed(shown)}")
    if known is not None and now is not None and known != now:
        tell(
            f"  their vocabulary is {_cut(known)!r}, the data's {_cut(now)!r}: a row may stand for"
            " another character (--data.vocabulary, given theirs, keeps the rows)"
        )


def tell_frozen(frozen: Frozen) -> None:
    """How much of a model trains."""
    total = frozen.frozen + frozen.trained
    tell(
        f"frozen: {frozen.frozen:,} of {total:,} parameters"
        f" ({_listed([_cut(name) for name in frozen.names])}); {frozen.trained:,} train"
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - WEIGHTS_SHOWN
    shown = ", ".join(names[:WEIGHTS_SHOWN]) or "none"
    return shown if more <= 0 else f"{shown} and {more:,} more"


def _cut(text: object) -> str:
    plain = one_line(text)
    return plain if len(plain) <= LONGEST_NAME else plain[:LONGEST_NAME] + "…"


def tell_next(run: Path, *commands: str, is_drawn: bool = True) -> None:
    """Where the run lies, and what to type next: these commands on its checkpoint."""
    here = quoted(relative(run))
    tell("", f"The run is in {here}. Next:")
    if is_drawn:
        tell(f"  tensorboard --logdir {here}")
    found = [run / CHECKPOINTS / f"{name}.ckpt" for name in ("best", "last")]
    for path in [path for path in found if path.is_file()][:1]:
        checkpoint = quoted(relative(path))
        for command in commands:
            tell(f"  {program()} {command} --ckpt_path {checkpoint}")
