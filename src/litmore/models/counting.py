"""What models share that count what followed each context."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from litmore.corpus.vocabulary import Vocabulary
from litmore.data.views import AnyBatch
from litmore.errors import InputError
from litmore.models.base import as_batch
from litmore.models.context_tree import ContextTree
from litmore.models.losses import metrics
from litmore.models.stepless import Stepless
from litmore.models.tally import Tally


class Counting(Stepless):
    """How often each character followed each K tokens.

    One pass over the data is the whole training: there is no optimizer. On several processes each
    has the counts of all at any time. What was counted is the module's extra state, an integer
    tensor that grows with the distinct contexts.

    Args:
        vocabulary: the characters in the order of their ids; from the data.
        block_size: K.
        smoothing: added to every count, ≥ 0; None: instead of that, what shorter contexts say.

    Raises:
        InputError: the smoothing is negative or not a number.

    """

    views = ("windows", "counts")

    def __init__(
        self, vocabulary: Vocabulary | str, block_size: int, smoothing: float | None
    ) -> None:
        super().__init__(vocabulary, block_size)
        if smoothing is not None and not 0 <= smoothing < math.inf:
            raise InputError(f"--model.smoothing {smoothing}: must be a number of at least 0")
        self.smoothing = smoothing
        self.tally = Tally(block_size, self.vocab_size)
        self._tree: ContextTree | None = None

    @property
    def tree(self) -> ContextTree:
        """What was counted so far, made when it is asked for."""
        if self._tree is None:
            self._tree = ContextTree(*self.tally.rows(), self.vocab_size, self.smoothing)
        return self._tree

    def forward(self, x: Int[Tensor, "B _"]) -> Float[Tensor, "B V"]:
        """Log-probabilities of the next character; uniform where nothing was counted.

        Of fewer than K tokens it is what such a context says.
        """
        if torch.compiler.is_exporting():
            return self.tree.graph_of_probabilities(x).log()
        return self.tree.probabilities(x).log()

    def training_step(self, batch: AnyBatch | Sequence[Tensor], batch_idx: int) -> None:  # type: ignore[override]
        if batch_idx == 0:  # a second epoch must not count everything twice
            self.tally.clear()
        batch = as_batch(batch)
        _, _, following, times = batch.predictions()
        packed = self.tally.pack(batch.contexts(), following, times)
        self.tally.add(self._of_all_processes(packed))
        self._tree = None

    def _of_all_processes(self, packed: Int[Tensor, "W N"]) -> Int[Tensor, "W M"]:
        """Side by side; their batches need not be equally long."""
        if self.trainer.world_size == 1:
            return packed
        length = torch.tensor(packed.shape[1], device=self.device)
        longest = int(self.trainer.strategy.reduce(length, reduce_op="max"))
        filled = F.pad(packed, (0, longest - packed.shape[1]))
        everyones = torch.cat(tuple(self.all_gather(filled)), 1)
        return everyones[:, everyones[-1] > 0]

    def on_train_epoch_end(self) -> None:
        """Log the loss on everything counted."""
        rows, following, times = self.tally.rows()
        is_new = F.pad((rows[1:] != rows[:-1]).any(1), (1, 0), value=True)
        contexts, context = rows[is_new], is_new.cumsum(0) - 1
        sums = torch.zeros(3, dtype=torch.float64)
        for at in range(0, len(contexts), _AT_A_TIME):
            logits = self(contexts[at : at + _AT_A_TIME].to(self.device)).cpu()
            ends = torch.tensor([at, at + _AT_A_TIME])
            some = slice(*torch.searchsorted(context, ends).tolist())
            row, y, often = context[some] - at, following[some], times[some].double()
            nll = -(logits[row, y].double() * often).sum()
            correct = often[logits.argmax(1)[row] == y].sum()
            sums += torch.stack([nll, correct, often.sum()])
        nll, correct, count = sums.tolist()
        self.log_dict(metrics("train", nll / count, correct / count), sync_dist=True)

    def get_extra_state(self) -> Int[Tensor, "W U"]:
        return self.tally.table

    def set_extra_state(self, state: Int[Tensor, "W U"]) -> None:
        self.tally.table = state
        self._tree = None


_AT_A_TIME = 8192
"""Contexts whose loss is taken at once."""
