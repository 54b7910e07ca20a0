"""`predict`'s output: one CSV row a word."""

import csv
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor


class WordScores(Callback):
    """Write `word,nll,nll_per_char` to stdout as the batches are scored, in the file's order.

    nll is in nats, over the word's characters and its end; nll_per_char divides it by their number.

    Args:
        words: all of them, in order.

    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words = iter(words)
        self.rows = csv.writer(sys.stdout, lineterminator="\n")

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The header."""
        if trainer.is_global_zero:
            self.rows.writerow(["word", "nll", "nll_per_char"])

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Sequence[Tensor],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """A row a word."""
        if trainer.is_global_zero:
            nll, count = outputs
            per_char = nll / count
            for word, total, mean in zip(self.words, nll.tolist(), per_char.tolist(), strict=False):
                self.rows.writerow([word, f"{total:.6f}", f"{mean:.6f}"])
