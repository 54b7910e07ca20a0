"""Whether the training is healthy, in a few numbers."""

import math
import time
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.optim import Optimizer

from litmore.models.base import CharLM
from litmore.models.losses import num_predicted, total_nll
from litmore.watch.activations import activations
from litmore.watch.drawing import as_judged, steps_done, total_steps

if TYPE_CHECKING:
    from litmore.data.views import Batch

SATURATED = 0.97
"""Beyond it a tanh unit lets next to no gradient through."""

GOOD_RATIO = -3.0
"""The lecture's line: an update of a thousandth of its weights."""


class TrainingStats(Callback):
    """Log what tells how a training goes, wherever the Trainer logs (`log_every_n_steps`).

    - `optimizer/lr`; where groups differ, `optimizer/lr_0`, …
    - `optimizer/gradient_norm`, before any clipping
    - `update_ratio/<parameter>`: log10 of the update's spread ÷ the weight's; `update_ratio/good`
      is the line to compare with
    - `saturated/<module>`: share of a tanh layer's outputs beyond ±0.97
    - `speed/examples_per_second`, validation not counted
    - `start/loss` and `start/uniform`: the first batch's loss, and ln V, what guessing costs

    To every logger there is. Between two of those steps it does nothing.

    Source: makemore lectures, part 2 and 3.
    """

    def __init__(self) -> None:
        self.next_due: float | int = math.inf
        self._every = 0
        self._stats: dict[str, float] = {}
        self._before: dict[str, Tensor] = {}
        self._clock = (0.0, 0)
        self._paused = 0.0
        self._started = False
        self._validating = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Find out when to log."""
        self._every = trainer.log_every_n_steps if trainer.loggers else 0  # type: ignore[attr-defined]
        self._started = trainer.global_step > 0
        self._before.clear()
        self._schedule(trainer, steps_done(trainer))
        self._clock = (time.monotonic(), _batches(trainer))
        if self._every:
            self._log(trainer, {"update_ratio/good": GOOD_RATIO}, trainer.global_step)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """The first loss, before the first step."""
        if self._started or not self._every:
            return
        self._started = True
        if isinstance(pl_module, CharLM):
            with as_judged(pl_module):
                loss = _loss(pl_module, batch)
            uniform = math.log(pl_module.vocab_size)
            self._log(trainer, {"start/loss": loss, "start/uniform": uniform}, 0)
        self._clock = (time.monotonic(), _batches(trainer))

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        """Look at the gradient, and keep the weights, where this is the step to log."""
        if trainer.global_step + 1 < self.next_due:
            return
        gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
        if gradients:
            self._stats["optimizer/gradient_norm"] = float(nn.utils.get_total_norm(gradients))
        lrs = [float(group["lr"]) for group in optimizer.param_groups]
        for number, lr in enumerate(lrs if len(set(lrs)) > 1 else lrs[:1]):
            suffix = f"_{number}" if len(set(lrs)) > 1 else ""
            self._stats[f"optimizer/lr{suffix}"] = lr
        self._before = {
            name: parameter.detach().clone()
            for name, parameter in pl_module.named_parameters()
            if parameter.grad is not None and parameter.numel() > 1
        }
        self._schedule(trainer, trainer.global_step + 1)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Log what the step did."""
        if self._before:
            self._compare(pl_module)
        due = bool(self._stats)
        if not pl_module.automatic_optimization and steps_done(trainer) >= self.next_due:
            due = True
            self._schedule(trainer, steps_done(trainer))
        if not due:
            return
        with as_judged(pl_module):
            for name, (module, output) in activations(pl_module, batch).items():
                if isinstance(module, nn.Tanh):
                    share = (output.abs() > SATURATED).float().mean()
                    self._stats[f"saturated/{name}"] = float(share)
        now, batches = time.monotonic(), _batches(trainer)
        since, before = self._clock
        seconds = now - since - self._paused
        if batches > before and seconds > 0 and isinstance(pl_module, CharLM):
            examples = len(batch[0]) * trainer.world_size * (batches - before)
            self._stats["speed/examples_per_second"] = examples / seconds
        self._clock, self._paused = (now, batches), 0.0
        # As Lightning numbers the step just taken: beside its train/loss.
        self._log(trainer, self._stats, max(steps_done(trainer) - 1, 0))
        self._stats = {}

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop the watch."""
        self._validating = time.monotonic()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let it go on."""
        if not trainer.sanity_checking:
            self._paused += time.monotonic() - self._validating

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The lines' other ends."""
        if self._every and steps_done(trainer):
            lines = {"update_ratio/good": GOOD_RATIO}
            if isinstance(pl_module, CharLM):
                lines["start/uniform"] = math.log(pl_module.vocab_size)
            self._log(trainer, lines, max(steps_done(trainer) - 1, 0))

    def _schedule(self, trainer: Trainer, step: int) -> None:
        if not self._every:
            self.next_due = math.inf
            return
        self.next_due = (step // self._every + 1) * self._every
        last = total_steps(trainer)
        if last is not None and step < last:
            self.next_due = min(self.next_due, last)

    def _compare(self, pl_module: LightningModule) -> None:
        for name, parameter in pl_module.named_parameters():
            before = self._before.get(name)
            if before is None:
                continue
            update = (parameter.detach() - before).float().std(correction=0)
            ratio = float(update / before.float().std(correction=0))
            if 0 < ratio < math.inf:
                self._stats[f"update_ratio/{name}"] = math.log10(ratio)
        self._before = {}

    @staticmethod
    def _log(trainer: Trainer, stats: dict[str, float], step: int) -> None:
        if trainer.is_global_zero:
            for logger in trainer.loggers:
                logger.log_metrics(stats, step)


def _batches(trainer: Trainer) -> int:
    return trainer.fit_loop.epoch_loop.total_batch_idx + 1


def _loss(model: CharLM, batch: "Batch") -> float:
    x, y = (part.to(model.device) for part in batch)
    with torch.no_grad():
        return float(total_nll(model(x), y) / num_predicted(y))
