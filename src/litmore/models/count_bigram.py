"""The bigram model by counting."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from litmore.corpus.vocabulary import Vocabulary
from litmore.data.views import AnyBatch
from litmore.errors import InputError
from litmore.models.base import as_batch
from litmore.models.losses import metrics
from litmore.models.stepless import Stepless


class CountBigram(Stepless):
    """How often each character followed each other one, smoothed and normalised.

    One pass over the data is the whole training: there is no optimizer. On several processes the
    counts are summed at every step, so each holds all of them at any time.

    Source: makemore lecture, part 1.

    Args:
        vocabulary: the characters in the order of their ids; from the data.
        smoothing: added to every count, ≥ 0; 0 gives −∞ logits to what was never seen.

    Raises:
        InputError: the smoothing is negative or not a number.

    """

    views = ("windows", "counts")

    counts: Float[Tensor, "V V"]
    """Whole numbers; a context that is dealt out (`litmore.data.dealt`) comes in parts of one."""

    def __init__(self, vocabulary: Vocabulary | str, smoothing: float = 1.0) -> None:
        super().__init__(vocabulary)
        self.save_hyperparameters()
        if not 0 <= smoothing < float("inf"):
            raise InputError(f"--model.smoothing {smoothing}: must be a number of at least 0")
        self.smoothing = smoothing
        self.register_buffer(
            "counts", torch.zeros(self.vocab_size, self.vocab_size, dtype=torch.float64)
        )

    def forward(self, x: Int[Tensor, "B 1"]) -> Float[Tensor, "B V"]:
        """Logits of the next character; uniform after a token never seen."""
        return self.probabilities().log()[x[:, 0]]

    def probabilities(self) -> Float[Tensor, "V V"]:
        """Row: the previous token, column: the next one."""
        smoothed = (self.counts.round() + self.smoothing).float()
        total = smoothed.sum(1, keepdim=True)
        uniform = torch.full_like(smoothed, 1 / self.vocab_size)
        return torch.where(total > 0, smoothed / total, uniform)

    def training_step(self, batch: AnyBatch | Sequence[Tensor], batch_idx: int) -> None:  # type: ignore[override]
        if batch_idx == 0:  # a second epoch must not count everything twice
            self.counts.zero_()
        _, previous, following, times = as_batch(batch).predictions()
        pairs = previous * self.vocab_size + following
        counts = pairs.bincount(times.double(), self.vocab_size**2).view_as(self.counts)
        self.counts += self.trainer.strategy.reduce(counts, reduce_op="sum")

    def on_train_epoch_end(self) -> None:
        """Log the loss on everything counted."""
        counts = self.counts.round()
        previous, following = counts.nonzero(as_tuple=True)
        times = counts[previous, following]
        logits = self(previous[:, None])
        nll = -(logits.log_softmax(1).gather(1, following[:, None])[:, 0].double() * times).sum()
        correct = times[logits.argmax(1) == following].sum()
        total = float(times.sum())
        self.log_dict(metrics("train", float(nll) / total, float(correct) / total), sync_dist=True)
