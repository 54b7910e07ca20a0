"""`predict`'s output: one CSV row a word."""

import csv
import sys
from collections.abc import Sequence
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from litmore.corpus.characters import visible
from litmore.corpus.normal_forms import spelt
from litmore.corpus.vocabulary import Vocabulary

HEADER = ("word", "nll", "nll_per_char", "unknown")


class WordScores(Callback):
    """Write `word,nll,nll_per_char,unknown` to stdout as the batches are scored, in file order.

    nll is in nats, over the word's characters and its end; nll_per_char divides it by their number.
    A word with characters that the model does not know has those under `unknown`, and no score.

    Args:
        words: all of them, in order; those of known characters are the ones that are scored.
        vocabulary: the model's.

    """

    def __init__(self, words: Sequence[str], vocabulary: Vocabulary) -> None:
        self.words = words
        self._left = iter(words)
        self.vocabulary = vocabulary
        self.rows = csv.writer(sys.stdout, lineterminator="\n")

    @property
    def scores_any(self) -> bool:
        """Whether any word is of known characters alone; else the Trainer has nothing to do."""
        return any(not self._unknown(word) for word in self.words)

    def _unknown(self, word: str) -> str:
        unknown = self.vocabulary.unknown(spelt(word, self.vocabulary))
        return "".join(map(visible, unknown))

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.is_global_zero:
            self.rows.writerow(HEADER)

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Sequence[Tensor],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if trainer.is_global_zero:
            nll, count = outputs
            per_char = nll / count
            for total, mean in zip(nll.tolist(), per_char.tolist(), strict=True):
                self.rows.writerow([self._next_known(), f"{total:.6f}", f"{mean:.6f}", ""])

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The words after the last one scored."""
        if trainer.is_global_zero:
            self._next_known()

    def write_unknown(self) -> None:
        self.rows.writerow(HEADER)
        self._next_known()

    def _next_known(self) -> str | None:
        """The next word to be scored; those before it get their row."""
        for word in self._left:
            unknown = self._unknown(word)
            if not unknown:
                return word
            self.rows.writerow([word, "", "", unknown])
        return None
