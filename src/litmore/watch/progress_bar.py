"""How far a training is, at no cost to a step."""

import math
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar
from tqdm import tqdm
from tqdm.utils import disp_len

from litmore.progress import has_bar, is_unicode, progress, room, wipe, write
from litmore.steps import batches_done, total_batches

LOSSES = ("val/loss", "train/loss")
"""Shown if they have been logged, and first: a narrow terminal cuts off what comes last."""

BAR = "{desc}|{bar}| {n_fmt}/{total_fmt}, {remaining} left, {rate_fmt}{postfix}"
ENDLESS = "{desc}{unit} {n_fmt}, {elapsed}, {rate_fmt}{postfix}"


class TimedProgressBar(ProgressBar):
    """On a terminal one bar, drawn now and then; in a log file a line at each validation.

    On stderr; in a notebook on stdout.

    Lightning's own is drawn at every step, on stdout; a step of a small model is shorter than that.

    Args:
        seconds: between two drawings of the bar, or two lines without a validation; None: 0.2 on a
            terminal and in a notebook, 30 in a log file.

    """

    def __init__(self, seconds: float | None = None) -> None:
        super().__init__()
        self._on_terminal = has_bar()
        self.seconds = seconds or (0.2 if self._on_terminal else 30.0)
        self._enabled = True
        self._is_open = False
        self._drawn = math.inf
        self._judging: tqdm | None = None

    @property
    def is_enabled(self) -> bool:
        """As `LightningModule.print` asks."""
        return self._enabled

    def disable(self) -> None:
        self._enabled = False

    def enable(self) -> None:
        self._enabled = True

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        super().setup(trainer, pl_module, stage)
        if not trainer.is_global_zero:
            self.disable()

    def print(self, *args: Any, **kwargs: Any) -> None:
        """As `print`, above the bar."""
        self._wipe()
        super().print(*args, **{"flush": True, **kwargs})

    # Training

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._is_open = self._enabled and not trainer.should_stop
        self._drawn = self._started = time.monotonic()
        self._begun = batches_done(trainer)
        self._told: tuple[int, dict[str, str]] | None = None
        if self._on_terminal:
            self._draw(trainer)

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if time.monotonic() - self._drawn >= self.seconds:
            self._draw(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._close_judging()
        if trainer.state.fn == "fit" and not trainer.sanity_checking:
            self._draw(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._draw(trainer)
        self._close()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        self._close_judging()
        self._close()

    def _draw(self, trainer: Trainer) -> None:
        if not self._is_open:
            return
        self._drawn = time.monotonic()
        done, total = batches_done(trainer), total_batches(trainer)
        if self._on_terminal:
            bar = self._bar(trainer, done, total)
            write(f"\r{bar}{' ' * (room() - disp_len(bar))}")
        elif done > self._begun and (told := (done, _shown(trainer))) != self._told:
            self._told = told
            write(f"{self._line(trainer, *told, total)}\n")

    def _bar(self, trainer: Trainer, done: int, total: int | None) -> str:
        shown = _shown(trainer)
        losses = ", ".join(f"{name} {shown.pop(name)}" for name in LOSSES if name in shown)
        return tqdm.format_meter(
            done,
            total or math.inf,
            self._drawn - self._started,
            ncols=room(),
            prefix=f"{losses} " if losses else "",
            unit=_unit(trainer),
            bar_format=BAR if total else ENDLESS,
            postfix=", ".join(f"{name} {value}" for name, value in shown.items()),
            initial=self._begun,
            ascii=not is_unicode(),
        )

    def _line(self, trainer: Trainer, done: int, shown: dict[str, str], total: int | None) -> str:
        unit = _unit(trainer)
        seconds = max(self._drawn - self._started, 1e-9)
        rate = (done - self._begun) / seconds
        parts = [f"{name} {value}" for name, value in shown.items()]
        parts.append(f"{rate:.3g} {unit}/s")
        if total and rate:
            parts.append(f"{tqdm.format_interval((total - done) / rate)} left")
        end = f"/{total:,}" if total else ""
        return f"{unit} {done:,}{end}: {', '.join(parts)}"

    def _wipe(self) -> None:
        if self._on_terminal and (self._is_open or self._judging is not None):
            wipe()

    def _close(self) -> None:
        if self._is_open and self._on_terminal:
            write("\n")
        self._is_open = False

    # Judging

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._close_judging()

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._close_judging()

    def on_validation_batch_end(self, trainer: Trainer, *_: Any) -> None:
        self._judge("validating", trainer.num_val_batches)

    def on_test_batch_end(self, trainer: Trainer, *_: Any) -> None:
        self._judge("testing", trainer.num_test_batches)

    def on_predict_batch_end(self, trainer: Trainer, *_: Any) -> None:
        self._judge("predicting", trainer.num_predict_batches)

    def _judge(self, what: str, batches: "list[int | float] | list[int]") -> None:
        """A bar of its own, if it takes seconds, in the place of a training's."""
        if self._judging is None:
            if not self._enabled:
                return
            total = sum(batches)
            self._judging = progress(what, int(total) if total < math.inf else None, " batches")
        self._judging.update()

    def _close_judging(self) -> None:
        if self._judging is not None:
            self._judging.close()
            self._judging = None
            if not self._is_open:  # a line above it has drawn it before its time
                wipe()


def _shown(trainer: Trainer) -> dict[str, str]:
    """The losses, and what the model logs with `prog_bar=True`."""
    metrics = trainer.callback_metrics
    shown = {name: f"{metrics[name]:.4f}" for name in LOSSES if name in metrics}
    more = {name: f"{float(value):.4g}" for name, value in trainer.progress_bar_metrics.items()}
    more = {_plain(name): value for name, value in more.items() if name not in shown}
    return shown | more


def _plain(name: str) -> str:
    """A name that ends no line and moves no cursor."""
    return "".join(character if character.isprintable() else " " for character in name)


def _unit(trainer: Trainer) -> str:
    """What is counted: where gradients are added up, several batches make a step."""
    return "step" if trainer.accumulate_grad_batches == 1 else "batch"
