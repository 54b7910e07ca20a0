"""Counting n-grams: how long, from words to a validation loss, beside plain dictionaries?

On 32 thousand names both count the training split and judge the other; then litmore alone counts
ten million words (`prepare.made_words`), the seconds of its own steps alone.
"""

import math
import sys
import time
from collections import Counter, defaultdict

import torch
from lightning.pytorch import Trainer

import prepare
from litmore.data import NamesDataModule
from litmore.models import NGram
from side_by_side import ratio, spread
from stopwatch import Row, shown

ORDER = 5


class Dictionaries:
    """Interpolated modified Kneser–Ney, over tuples of characters."""

    def __init__(self, words: list[str], vocab_size: int) -> None:
        self.vocab_size = vocab_size
        tables = [Counter(gram for word in words for gram in grams(word))]
        for _ in range(ORDER):
            tables.insert(0, Counter(gram[1:] for gram in tables[0]))
        self.following = []
        self.discounts = []
        for table in tables:
            following: dict[str, dict[str, int]] = defaultdict(dict)
            for gram, times in table.items():
                following[gram[:-1]][gram[-1]] = times
            n = Counter(table.values())
            found = [0.0]
            for i in (1, 2, 3):
                lowered = 0.0
                if n[1] and n[i]:
                    lowered = i - (i + 1) * n[1] / (n[1] + 2 * n[2]) * n[i + 1] / n[i]
                found.append(lowered if 0 < lowered < i else i / 2)
            self.following.append(following)
            self.discounts.append(found)

    def probability(self, gram: str, order: int = ORDER) -> float:
        if order < 0:
            return 1 / self.vocab_size
        shorter = self.probability(gram[1:] if order else gram, order - 1)
        following = self.following[order].get(gram[:-1] if order else "")
        if following is None:
            return shorter
        discounts = self.discounts[order]
        taken = sum(discounts[min(times, 3)] for times in following.values())
        own = following.get(gram[-1], 0)
        own -= discounts[min(own, 3)]
        return (own + taken * shorter) / sum(following.values())

    def loss(self, words: list[str]) -> float:
        nll = [-math.log(self.probability(gram)) for word in words for gram in grams(word)]
        return sum(nll) / len(nll)


def grams(word: str) -> list[str]:
    """Of each character its context, and itself."""
    padded = "." * ORDER + word + "."
    return [padded[at : at + ORDER + 1] for at in range(len(word) + 1)]


def trainer() -> Trainer:
    """One that writes and shows nothing."""
    quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    return Trainer(max_epochs=1, accelerator="cpu", **dict.fromkeys(quiet, False))


class Timed(NGram):
    """The seconds of its own steps."""

    seconds = 0.0

    def training_step(self, *args: object) -> None:
        began = time.perf_counter()
        super().training_step(*args)
        self.seconds += time.perf_counter() - began

    def on_train_epoch_end(self) -> None:
        began = time.perf_counter()
        _ = self.tally.table
        self.seconds += time.perf_counter() - began


def measure(quick: bool = False) -> list[Row]:
    """Measure and print."""
    torch.set_num_threads(1)
    theirs, ours = [], []
    for _ in range(1 if quick else 7):
        data = NamesDataModule(block_size=ORDER, batch_size=65_536)
        words = {name: list(data.splits[name]) for name in ("train", "val")}
        began = time.perf_counter()
        expected = Dictionaries(words["train"], len(data.vocabulary)).loss(words["val"])
        theirs.append(time.perf_counter() - began)
        began = time.perf_counter()
        fitting = trainer()
        fitting.fit(NGram(data.vocabulary, ORDER), data)
        ours.append(time.perf_counter() - began)
        assert math.isclose(fitting.callback_metrics["val/loss"], expected, rel_tol=1e-5)
    title = f"32,257 names to the validation loss of {ORDER} characters of context"
    rows = [Row(title, spread(theirs), spread(ours), ratio(theirs, ours), "< 0.3 s")]
    number = 20_000 if quick else 10_000_000
    path = str(prepare.made_words(number))
    for order in (3, ORDER):
        data = NamesDataModule(path, block_size=order, batch_size=65_536, split=(1.0, 0.0, 0.0))
        seconds = []
        for _ in range(1 if quick else 3):
            model = Timed(data.vocabulary, order)
            trainer().fit(model, data)
            seconds.append(model.seconds)
        distinct = model.tally.table.shape[1]
        title = f"counting {number:,} words, {order} characters of context, {distinct:,} distinct"
        rows.append(Row(title, "", spread(seconds), ""))
    return shown(rows)


if __name__ == "__main__":
    measure(quick="--quick" in sys.argv)
