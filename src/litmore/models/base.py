"""`CharLM`: the step, the loss, the logging and the evaluation that every architecture shares.

Letters: B batch, T time, K context length (`block_size`), V vocabulary, C embedding
(`embedding_dim`), H hidden (`hidden_dim`).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from inspect import currentframe
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.nn import functional as F
from torch.optim import AdamW, Optimizer

from litmore.corpus.vocabulary import BOUNDARY, Vocabulary
from litmore.data.views import PAD, AnyBatch, Batch
from litmore.errors import InputError, RunError
from litmore.log import log_now
from litmore.models.hyperparameters import INSTANTIATOR, keep_plain, remember
from litmore.models.losses import mean_nll, metrics, total_nll
from litmore.steps import is_log_due, step_at_hand

if TYPE_CHECKING:
    from lightning.pytorch import Callback


class CharLM(LightningModule, ABC):
    """A model of the next character: everything that does not depend on its architecture.

    A subclass names its layers in `__init__`, maps tokens to logits in `forward`, and declares the
    views it takes. It calls `self.save_hyperparameters()`, so that a checkpoint alone rebuilds it.

    Args:
        vocabulary: a data module's, or its characters in the order of their ids, from 1; 0 is the
            boundary.
        block_size: K, how many tokens of context the model looks at in the `windows` view.

    """

    views: tuple[str, ...] = ("windows",)
    """The views that `forward` takes (`litmore.data.views`).

    `counts` is right for a model whose logits after a context hang on nothing else in the batch.
    What takes `words` takes `stream`, too: the same shapes, of running text.
    """

    longest_input: int | None = None
    """T that `forward` takes at most in the `words` and `stream` views; None: any.

    In a longer one the context slides: each character beyond is predicted from the last so many.
    """

    def __init__(self, vocabulary: Vocabulary | str, block_size: int = 1) -> None:
        super().__init__()
        if block_size < 1:
            raise InputError(f"--model.block_size {block_size}: must be at least 1")
        self.vocabulary = Vocabulary(str(vocabulary))
        self.block_size = block_size
        self._evaluated = _NOTHING
        self._logged_step = -1
        self._is_monitored = False

    def __call__(self, *args: Any, **more: Any) -> Any:
        """`forward`, of words of any length. Lightning may call a whole step so, of a batch."""
        limit, x = self.longest_input, args[0] if len(args) == 1 and not more else None
        if limit is None or not isinstance(x, Tensor) or x.shape[1] <= limit:
            return super().__call__(*args, **more)
        beginnings = super().__call__(x[:, :limit])  # (B, limit, V)
        windows = x.unfold(1, limit, 1)[:, 1:]  # (B, T - limit, limit)
        beyond = super().__call__(windows.flatten(0, 1))[:, -1]
        return torch.cat([beginnings, beyond.view(len(x), -1, self.vocab_size)], dim=1)

    @property
    def vocab_size(self) -> int:
        """V: the characters and the boundary."""
        return len(self.vocabulary)

    @abstractmethod
    def forward(self, x: Int[Tensor, "B _"]) -> Float[Tensor, "*leading V"]:
        """Logits of the next character.

        Args:
            x: `Int[B, K]` for `Float[B, V]` in the `windows` view, `Int[B, T]` for
                `Float[B, T, V]` in the `words` and `stream` views.

        """

    def penalty(self) -> Tensor | float:
        """What the objective adds to the loss; none unless an architecture has one."""
        return 0.0

    def next_logits(self, tokens: Int[Tensor, "B T"]) -> Float[Tensor, "B V"]:
        """Logits of the character after each row of tokens, the opening boundary first."""
        if "windows" not in self.views:
            return self(tokens[:, -(self.longest_input or tokens.shape[1]) :])[:, -1]
        context = tokens[:, -self.block_size :]
        missing = self.block_size - context.shape[1]
        # A copy: what is compiled is compiled for each kind of strides.
        context = context.clone(memory_format=torch.contiguous_format)
        return self(F.pad(context, (missing, 0), value=BOUNDARY))

    def advance(
        self, tokens: Int[Tensor, " B"], state: tuple[Tensor, ...] = ()
    ) -> tuple[Float[Tensor, "B V"], tuple[Tensor, ...]]:
        """Logits after one more token of each word, and what a model keeps of a word so far.

        Optional: a model that can go on from where it stood says how. This one keeps the tokens
        that it can look at, and looks at them anew.

        Args:
            tokens: the first one is the opening boundary.
            state: what the call before gave, B first in each tensor; empty at first.

        """
        so_far = torch.cat([*state, tokens[:, None]], dim=1)  # (B, T)
        if limit := self.block_size if "windows" in self.views else self.longest_input:
            so_far = so_far[:, -limit:]
        return self.next_logits(so_far), (so_far,)

    # Training

    def training_step(self, batch: AnyBatch | Sequence[Tensor], batch_idx: int) -> Tensor:
        """The objective: negative log-likelihood ÷ number of predicted characters, + penalty."""
        batch = as_batch(batch)
        logits = self(batch.x)
        loss, penalty = self._loss(logits, batch), self.penalty()
        if self._is_monitored or is_log_due(self.trainer) or self.trainer.is_last_batch:
            self._log_training(logits, batch, penalty)
        return loss + penalty if isinstance(penalty, Tensor) else loss

    def _loss(self, logits: Tensor, batch: AnyBatch) -> Float[Tensor, ""]:
        """Nats a character; on several processes a part whose mean over them is the global batch's.

        DDP averages the processes' gradients; their batches need not hold equally many characters.
        """
        if self.trainer.world_size > 1:
            count = self.trainer.strategy.reduce(batch.num_predicted(), reduce_op="sum")
            return total_nll(logits, batch) * self.trainer.world_size / count
        loss = mean_nll(logits, batch)
        if loss.device.type == "cpu":  # elsewhere the look alone would make the step wait
            self._check_finite(loss.item())
        return loss

    def _log_training(self, logits: Tensor, batch: AnyBatch, penalty: Tensor | float) -> None:
        """The global batch's metrics, logged when due; `train/objective` is loss and penalty."""
        step = step_at_hand(self.trainer)
        if self._logged_step == step:
            return  # an optimizer may look at a batch several times in one step
        self._logged_step = step
        logged = self._training_metrics(logits, batch)
        self._check_finite(logged["train/loss"])
        if isinstance(penalty, Tensor):
            logged["train/objective"] = logged["train/loss"] + penalty.item()
        log_now(self.trainer, logged, step, is_log_due(self.trainer))

    def _training_metrics(self, logits: Tensor, batch: AnyBatch) -> dict[str, float]:
        """Of the batches of all processes."""
        sums = torch.stack(_sums(logits, batch)).detach()
        nll, correct, count = self.trainer.strategy.reduce(sums, reduce_op="sum").tolist()
        return metrics("train", nll / count, correct / count)

    def on_train_start(self) -> None:
        """Look once who monitors the training: they may look at any step."""
        trainer: Any = self.trainer
        monitored = [getattr(callback, "monitor", None) for callback in trainer.callbacks]
        monitored += [config.monitor for config in trainer.lr_scheduler_configs]
        self._is_monitored = any(str(name).startswith("train/") for name in monitored)

    def _check_finite(self, loss: float) -> None:
        """Stop before a step that could not be taken back."""
        if not math.isfinite(loss):
            lr = self.trainer.optimizers[0].param_groups[0]["lr"]
            raise RunError(
                f"step {self.trainer.global_step + 1}: the loss is not finite but {loss}, at"
                f" learning rate {lr:.3g}. Does a lower learning rate help?"
            )

    def configure_optimizers(self) -> Optimizer | None:
        """AdamW, where a config names no other."""
        return AdamW(self.parameters(), lr=0.01)

    def configure_callbacks(self) -> "Sequence[Callback]":
        """A validation after the last step."""
        from litmore.models.final_validation import FinalValidation

        callbacks = self.trainer.callbacks  # type: ignore[attr-defined]
        there = any(isinstance(callback, FinalValidation) for callback in callbacks)
        return [] if there else [FinalValidation()]

    # Evaluation

    def validation_step(self, batch: AnyBatch | Sequence[Tensor], batch_idx: int) -> None:
        self._evaluate(batch)

    def test_step(self, batch: AnyBatch | Sequence[Tensor], batch_idx: int) -> None:
        self._evaluate(batch)

    def on_validation_epoch_end(self) -> None:
        self._log_evaluation("val")

    def on_test_epoch_end(self) -> None:
        self._log_evaluation("test")

    def _evaluate(self, batch: AnyBatch | Sequence[Tensor]) -> None:
        """Add a batch to the sums, which are taken in double."""
        batch = as_batch(batch)
        sums = [*_sums(self(batch.x), batch), self._bytes(batch)]
        self._evaluated = [a + float(b) for a, b in zip(self._evaluated, sums, strict=True)]

    def _log_evaluation(self, stage: str) -> None:
        """Log what the batches of all processes add up to."""
        sums = torch.tensor(self._evaluated, dtype=torch.float64)
        self._evaluated = _NOTHING
        if self.trainer.world_size > 1:
            sums = self.trainer.strategy.reduce(sums.to(self.device), reduce_op="sum")
        nll, correct, count, num_bytes = sums.tolist()
        if not count:
            return
        # A NaN must show, as infinity.
        loss = nll / count if math.isfinite(nll) else math.inf
        found = metrics(stage, loss, correct / count)
        if num_bytes:
            found[f"{stage}/bits_per_byte"] = loss * count / num_bytes / math.log(2)
        self.log_dict(found, sync_dist=True)

    def _bytes(self, batch: AnyBatch) -> Float[Tensor, ""]:
        """How many bytes of running text are predicted; of words 0."""
        if not self.vocabulary.is_text:
            return torch.zeros(())
        _, _, following, times = batch.predictions()
        each = torch.as_tensor(self.vocabulary.bytes_of_ids, device=following.device)
        return (each[following] * times).sum()

    def predict_step(
        self, batch: AnyBatch | Sequence[Tensor], batch_idx: int
    ) -> tuple[Float[Tensor, " W"], Int[Tensor, " W"]]:
        """Score whole words: their negative log-likelihoods, and their characters predicted."""
        x, y = batch
        nll = F.cross_entropy(
            self(x).flatten(0, -2), y.flatten(), ignore_index=PAD, reduction="none"
        )
        predicted = (y != PAD).flatten()
        ends = (y == BOUNDARY).flatten().long()  # each word ends with one
        word = ends.cumsum(0) - ends
        zeros = torch.zeros(int(ends.sum()), dtype=torch.float64, device=nll.device)
        return (
            zeros.index_add(0, word[predicted], nll[predicted].double()),
            zeros.index_add(0, word[predicted], predicted[predicted].double()).long(),
        )

    # What fits, and what is kept

    def check_data(self, data: Any) -> None:
        """Say before the first step if this model cannot read that data.

        Raises:
            InputError: the data have no characters, the view is not one of the model's, or the
                context has another length.

        """
        name = type(self).__name__
        if "vocabulary" not in self.hparams:
            raise InputError(f"{name}: its __init__ must call self.save_hyperparameters()")
        if not hasattr(data, "vocabulary"):
            raise InputError(
                f"--data: {type(data).__name__} has no characters for {name} to predict"
            )
        view = getattr(data, "view", self.views[0])  # another's data module knows of none
        if view == "counts" and any(hasattr(part, "running_mean") for part in self.modules()):
            raise InputError(
                f"--data.view counts: {name} normalises by a batch's statistics, and those of"
                " distinct contexts are not the corpus's; pass --data.view windows"
            )
        if view not in self.views and not (view == "stream" and "words" in self.views):
            raise InputError(f"--data.view {view}: {name} takes {' or '.join(self.views)}")
        if (
            view not in ("words", "stream")
            and getattr(data, "block_size", self.block_size) != self.block_size
        ):
            raise InputError(
                f"--data.block_size {data.block_size}: {name} looks at {self.block_size} token(s);"
                f" pass --data.block_size {self.block_size}"
            )

    def save_hyperparameters(
        self, *args: Any, frame: FrameType | None = None, **settings: Any
    ) -> None:
        """As Lightning's; the vocabulary as its characters, which any file can hold."""
        frame = frame or currentframe().f_back  # type: ignore[union-attr]
        super().save_hyperparameters(*args, frame=frame, **settings)
        plain = {**self.hparams, "vocabulary": str(self.vocabulary)}
        super().save_hyperparameters(plain, frame=frame, **settings)

    def setup(self, stage: str) -> None:
        """Begin anew, and check what no command line has checked before.

        Raises:
            InputError: the data do not fit, or a checkpoint could not keep what they or the model
                are made of.

        """
        self._evaluated = _NOTHING
        self._logged_step = -1
        data = getattr(self.trainer, "datamodule", None)
        if hasattr(data, "view") and stage != "predict":
            self.check_data(data)
        if stage == "fit":
            keep_plain({}, self, data)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Name the class, and keep its arguments as plain values: the file stands alone."""
        checkpoint["class_path"] = f"{type(self).__module__}.{type(self).__qualname__}"
        keep_plain(checkpoint, self, getattr(self.trainer, "datamodule", None))

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Know what the arguments were made of, so that they can be kept again."""
        kept = checkpoint.get(self.CHECKPOINT_HYPER_PARAMS_KEY) or {}
        if INSTANTIATOR in kept:
            remember(self, kept)


def as_batch(batch: AnyBatch | Sequence[Tensor]) -> AnyBatch:
    """A batch that says what it is; a plain `(x, y)`, as any loader has it, is one of tokens."""
    return batch if isinstance(batch, AnyBatch) else Batch(*batch)


def _sums(logits: Tensor, batch: AnyBatch) -> list[Float[Tensor, ""]]:
    """Negative log-likelihood, characters rightly predicted, characters predicted."""
    return [total_nll(logits, batch), batch.num_correct(logits), batch.num_predicted()]


_NOTHING: list[float] = [0.0, 0.0, 0.0, 0.0]
"""What no batch comes to."""
