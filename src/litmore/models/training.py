"""How a character model is trained and judged: what `CharLM` owns of every architecture."""

import math
from abc import ABC
from typing import Any

import torch
from jaxtyping import Float
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from litmore.corpus.vocabulary import BOUNDARY
from litmore.data.datamodule import NamesDataModule
from litmore.data.views import PAD, Batch
from litmore.errors import InputError, RunError
from litmore.models.char_model import CharModel
from litmore.models.losses import (
    mean_nll,
    metrics,
    num_predicted,
    total_correct,
    total_nll,
)


class CharLM(CharModel, LightningModule, ABC):
    """A model of the next character: everything that does not depend on its architecture.

    A subclass names its layers in `__init__`, maps tokens to logits in `forward`, and declares the
    views it takes. It calls `self.save_hyperparameters()`, so that a checkpoint alone rebuilds it.

    Args:
        vocabulary: the characters in the order of their ids, from 1; 0 is the boundary.
        block_size: K, how many tokens of context the model looks at in the `windows` view.

    """

    def __init__(self, vocabulary: str, block_size: int = 1) -> None:
        super().__init__(vocabulary, block_size)
        self._logged_step = -1
        # Sums in double: a float32 sum over some million characters would lose the last digits.
        # A NaN must show, as infinity; the default leaves it out of the mean.
        self.eval_loss = MeanMetric(nan_strategy=float("inf")).set_dtype(torch.float64)
        self.eval_accuracy = MeanMetric(nan_strategy=float("inf")).set_dtype(torch.float64)

    def check_data(self, data: NamesDataModule) -> None:
        """Say before the first step if this model cannot read that data.

        Raises:
            InputError: the view is not one of the model's, or the context has another length.

        """
        name = type(self).__name__
        if "vocabulary" not in self.hparams:
            raise InputError(f"{name}: its __init__ must call self.save_hyperparameters()")
        if data.view not in self.views:
            raise InputError(f"--data.view {data.view}: {name} takes {' or '.join(self.views)}")
        if data.view != "words" and data.block_size != self.block_size:
            raise InputError(
                f"--data.block_size {data.block_size}: {name} looks at {self.block_size} token(s);"
                f" pass --data.block_size {self.block_size}"
            )

    def setup(self, stage: str) -> None:
        """Check the data, where no command line has done it before."""
        self._logged_step = -1
        data = getattr(self.trainer, "datamodule", None)
        if isinstance(data, NamesDataModule) and stage != "predict":
            self.check_data(data)

    def __setattr__(self, name: str, value: Any) -> None:
        # Lightning sets it forty times a step; torch would look it up among the parameters.
        if name == "_current_fx_name":
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    # Steps

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Negative log-likelihood ÷ number of predicted characters, + penalty."""
        x, y = batch
        logits = self(x)
        if self.trainer.world_size == 1:
            loss = mean_nll(logits, y)
            if loss.device.type == "cpu":  # elsewhere the look alone would make the step wait
                self._check_finite(loss.item())
        else:
            loss = self._global_nll(logits, y)
        penalty = self.penalty()
        if self.is_log_due():
            sums = total_nll(logits, y), total_correct(logits, y), num_predicted(y)
            self.log_training(torch.stack(sums).detach(), _number(penalty))
        return loss + penalty if isinstance(penalty, Tensor) else loss

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: Optimizer) -> None:
        """As `optimizer.zero_grad()`, which asks torch's compiler first."""
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: int | float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Only where it is asked for."""
        if gradient_clip_val:
            super().configure_gradient_clipping(
                optimizer, gradient_clip_val, gradient_clip_algorithm
            )

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch to the metrics."""
        self._evaluate(batch)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch to the metrics."""
        self._evaluate(batch)

    def on_validation_epoch_end(self) -> None:
        """Log what the batches add up to."""
        self._log_evaluation("val")

    def on_test_epoch_end(self) -> None:
        """Log what the batches add up to."""
        self._log_evaluation("test")

    def predict_step(self, batch: Batch, batch_idx: int) -> tuple[Tensor, Tensor]:
        """Score whole words: their negative log-likelihoods, and their characters predicted."""
        x, y = batch
        nll = F.cross_entropy(
            self(x).flatten(0, -2), y.flatten(), ignore_index=PAD, reduction="none"
        )
        predicted = (y != PAD).flatten()
        ends = (y == BOUNDARY).flatten().long()  # each word ends with one
        word = ends.cumsum(0) - ends
        words = int(ends.sum())
        zeros = torch.zeros(words, dtype=torch.float64, device=nll.device)
        return (
            zeros.index_add(0, word[predicted], nll[predicted].double()),
            zeros.index_add(0, word[predicted], predicted[predicted].double()).long(),
        )

    # Metrics

    def is_log_due(self) -> bool:
        """Whether the Trainer writes metrics after this step: logging unasked is not free."""
        every: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        step, epoch = self.trainer.global_step + 1, self.trainer.current_epoch + 1
        last = self.trainer.is_last_batch and epoch == self.trainer.max_epochs
        due = every > 0 and (step % every == 0 or step == self.trainer.max_steps or last)
        # Not at an optimizer's second look at the batch, nor at one of several that make a step.
        return (
            due and self._logged_step < step - 1 and not self.trainer.fit_loop._should_accumulate()
        )

    def log_training(self, totals: Float[Tensor, "3"], penalty: float = 0.0) -> None:
        """Log a training batch from its totals: negative log-likelihood, correct, predicted.

        Where there is a penalty, `train/objective` is the loss with it.
        """
        nll, correct, count = self.trainer.strategy.reduce(totals, reduce_op="sum").tolist()
        self._check_finite(nll / count)
        logged = metrics("train", nll / count, correct / count)  # the same on every process
        if penalty:
            logged["train/objective"] = nll / count + penalty
        # `self.log` would take 0.15 s the first time.
        step = self._logged_step = self.trainer.global_step
        self.trainer.callback_metrics.update({k: torch.tensor(v) for k, v in logged.items()})
        for logger in self.trainer.loggers:
            logger.log_metrics(logged | {"epoch": self.trainer.current_epoch}, step=step)
            logger.save()

    def _global_nll(self, logits: Tensor, y: Tensor) -> Tensor:
        """A process's part: the mean over processes is the loss of the global batch.

        DDP averages the processes' gradients; their batches need not hold equally many characters.
        """
        count = self.trainer.strategy.reduce(num_predicted(y), reduce_op="sum")
        return total_nll(logits, y) * self.trainer.world_size / count

    def _check_finite(self, loss: float) -> None:
        """Stop before a step that could not be taken back."""
        if not math.isfinite(loss):
            lr = self.trainer.optimizers[0].param_groups[0]["lr"]
            raise RunError(
                f"step {self.trainer.global_step + 1}: the loss is not finite but {loss}, at"
                f" learning rate {lr:.3g}. Does a lower --optimizer.lr help?"
            )

    def _evaluate(self, batch: Batch) -> None:
        x, y = batch
        logits = self(x)
        count = num_predicted(y)
        if count > 0:  # a process may go without a share of a short last batch
            self.eval_loss.update(total_nll(logits, y).double() / count, count)
            self.eval_accuracy.update(total_correct(logits, y).double() / count, count)

    def _log_evaluation(self, stage: str) -> None:
        loss, accuracy = self.eval_loss.compute(), self.eval_accuracy.compute()
        self.log_dict(metrics(stage, float(loss), float(accuracy)), sync_dist=True)
        self.eval_loss.reset()
        self.eval_accuracy.reset()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Name the class, so that the file tells what it holds."""
        checkpoint["class_path"] = f"{type(self).__module__}.{type(self).__qualname__}"


def _number(value: Tensor | float) -> float:
    return value.item() if isinstance(value, Tensor) else value
