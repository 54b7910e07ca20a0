"""Whether the training is healthy, in a few numbers."""

import math
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor, nn
from torch.optim import Optimizer

from litmore.models.base import CharLM, as_batch
from litmore.models.losses import mean_nll
from litmore.steps import batches_done, steps_done
from litmore.watch.drawing import Part, harmless, tensorboard_writers
from litmore.watch.markdown import table
from litmore.watch.probes import activations, as_judged
from litmore.watch.schedule import Schedule

SATURATED = 0.97
"""Beyond it a tanh unit lets next to no gradient through."""

GOOD_RATIO = -3.0
"""The lecture's line: an update of a thousandth of its weights."""


class TrainingStats(Part):
    """Log what tells how a training goes, wherever the Trainer logs (`log_every_n_steps`).

    - `optimizer/lr`; where groups differ, `optimizer/lr_0`, …
    - `optimizer/gradient_norm`, before any clipping
    - `update_ratio/<parameter>`: log10 of the update's spread ÷ the weight's;
      `update_ratio/good` is the line to compare with
    - `saturated/<module>`: share of a tanh layer's outputs beyond ±0.97
    - `speed/examples_per_second`, validation not counted
    - `start/loss` and `start/uniform`: the first batch's loss before any step, and
      ln V, what guessing costs; in TensorBoard, the loss is text: `setup/start`

    To every logger there is. Between two of those steps it compares one number.

    Source: makemore lectures, part 2 and 3.
    """

    flag = "stats"

    def __init__(self) -> None:
        self._schedule = Schedule()
        self._by_hand = False
        self._stats: dict[str, float] = {}
        self._before: dict[str, Tensor] = {}
        self._clock = (0.0, 0)
        self._paused = 0.0
        self._validating = 0.0

    @harmless
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        every = trainer.log_every_n_steps if trainer.loggers else 0  # type: ignore[attr-defined]
        self._schedule.start(trainer, every, with_last=True)
        self._by_hand = not pl_module.automatic_optimization
        self.listen("on_train_batch_start", bool(every) and trainer.global_step == 0)
        self.listen("on_before_optimizer_step", bool(every))
        self.listen("on_train_batch_end", bool(every) and self._by_hand)
        self._before = {}
        self._clock = (time.monotonic(), batches_done(trainer))
        if every:
            self._log(trainer, {"update_ratio/good": GOOD_RATIO}, trainer.global_step)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self.listen("on_train_batch_start", False)
        self._log_start(trainer, pl_module, batch)

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        if self._schedule.is_due(trainer, coming=1):
            self._look(pl_module, optimizer)
            self.listen("on_train_batch_end", True)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.listen("on_train_batch_end", self._by_hand)
        if self._stats or (self._by_hand and self._schedule.is_due(trainer)):
            self._log_step(trainer, pl_module, batch)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._validating = time.monotonic()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.sanity_checking:
            self._paused += time.monotonic() - self._validating

    @harmless
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the straight lines to their ends."""
        if trainer.log_every_n_steps and steps_done(trainer):  # type: ignore[attr-defined]
            lines = {"update_ratio/good": GOOD_RATIO}
            if isinstance(pl_module, CharLM):
                lines["start/uniform"] = math.log(pl_module.vocab_size)
            self._log(trainer, lines, max(steps_done(trainer) - 1, 0))

    @harmless
    def _log_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any) -> None:
        """The first loss, before the first step."""
        if isinstance(pl_module, CharLM):
            batch = as_batch(batch).to(pl_module.device)
            with as_judged(pl_module):
                loss = float(mean_nll(pl_module(batch.x), batch))
            uniform = math.log(pl_module.vocab_size)
            self._log(trainer, {"start/uniform": uniform}, 0)
            for logger in trainer.loggers if trainer.is_global_zero else ():
                if not isinstance(logger, TensorBoardLogger):
                    logger.log_metrics({"start/loss": loss}, 0)
            rows = [
                ["the first batch, before any step", f"{loss:.4f}"],
                ["guessing: ln V", f"{uniform:.4f}"],
            ]
            for writer in tensorboard_writers(trainer):
                writer.add_text("setup/start", table(["", "loss, nats a character"], rows), 0)
        self._clock = (time.monotonic(), batches_done(trainer))

    @harmless
    def _look(self, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Look at the gradient, and keep the weights, before the step that is to be logged."""
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

    @harmless
    def _log_step(self, trainer: Trainer, pl_module: LightningModule, batch: Any) -> None:
        """Log what the step did."""
        stats, self._stats = self._stats, {}
        stats |= self._ratios(pl_module)
        with as_judged(pl_module):
            for name, (module, output) in activations(pl_module, batch).items():
                if isinstance(module, nn.Tanh):
                    stats[f"saturated/{name}"] = float((output.abs() > SATURATED).float().mean())
        now, batches = time.monotonic(), batches_done(trainer)
        since, before = self._clock
        seconds = now - since - self._paused
        if batches > before and seconds > 0 and isinstance(pl_module, CharLM):
            examples = len(batch[0]) * trainer.world_size * (batches - before)
            stats["speed/examples_per_second"] = examples / seconds
        self._clock, self._paused = (now, batches), 0.0
        # As Lightning numbers the step just taken: beside its train/loss.
        self._log(trainer, stats, max(steps_done(trainer) - 1, 0))

    def _ratios(self, pl_module: LightningModule) -> dict[str, float]:
        """How much each parameter was changed by the step."""
        ratios = {}
        for name, parameter in pl_module.named_parameters():
            if name in self._before:
                before = self._before[name]
                update = (parameter.detach() - before).float().std(correction=0)
                ratio = float(update / before.float().std(correction=0))
                if 0 < ratio < math.inf:
                    ratios[f"update_ratio/{name}"] = math.log10(ratio)
        self._before = {}
        return ratios

    @staticmethod
    def _log(trainer: Trainer, stats: dict[str, float], step: int) -> None:
        if trainer.is_global_zero:
            for logger in trainer.loggers:
                logger.log_metrics(stats, step)
