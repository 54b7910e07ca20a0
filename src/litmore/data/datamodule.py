"""The names' splits as Lightning wants them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import torch

from litmore.corpus.corpus import Corpus
from litmore.corpus.reading import NormalForm
from litmore.corpus.source import Source
from litmore.corpus.splits import SPLITS, cut_into_splits
from litmore.corpus.text import MAX_WORD
from litmore.corpus.vocabulary import Vocabulary
from litmore.data.counts import Counts
from litmore.data.loader import WordLoader
from litmore.data.repeated import Repeated, Weighted
from litmore.data.served import SplitsDataModule, check_choice, check_counts, overfits
from litmore.data.views import View, Windows, Words
from litmore.errors import InputError

VIEWS = ("windows", "words", "counts")

_JUDGED = 2**20
"""Words of a split that are looked for in train; as many are held in memory."""


class NamesDataModule(SplitsDataModule):
    """Words of a file, one a line, split into train, val and test and served as a view.

    Args:
        path: a UTF-8 file of one word a line, plain or packed; none takes the embedded names.
        url: where to fetch the file, once, if no path is given (see `litmore.corpus.download`).
        sha256: of the file, wherever it comes from; another content is refused. Filled in when the
            file is read, so that a checkpoint knows what it was trained on.
        max_words: take only so many words, the file's first.
        block_size: K, the tokens of context in a window; `words` are whole.
        batch_size: examples a process and training batch; of `counts`, pieces of contexts
            (`litmore.data.dealt`).
        view: `windows` (x: Int[B, K], y: Int[B]), `words` (x: Int[B, T], y: Int[B, T]) or
            `counts` (x: Int[B, K] distinct contexts, y: Float[B, V] what followed how often).
        split: shares of train, val and test, which sum to 1; a share of 0 leaves that split out.
        split_seed: of the shuffle before the cut; 42 as in the lecture.
        unique: keep each word once, so that none stands in two splits.
        eval_batch_size: examples a process and batch where no gradient is needed.
        vocabulary: the characters in the order of their ids; none takes the file's own, sorted.
        predict_path: the file whose words `predict` scores, one a line, or in the column.
        memory_map: keep the tokens in files that are memory-mapped, for a corpus larger than memory
            (`litmore.corpus.mapped`); none does so for a file of more than 64 MiB of text,
            unless each word is to be kept once.
        column: the column of a CSV or TSV file that holds the words, by the name at its head or by
            its number, from 1; none: the file has one word a line.
        weight: the column that says how often each word counts: in the loss, and where the splits
            are cut.
        normalize: the Unicode normal form to bring the words to.

    Raises:
        InputError: a setting or the file cannot be used.

    """

    def __init__(
        self,
        path: str | None = None,
        url: str | None = None,
        sha256: str | None = None,
        max_words: int | None = None,
        block_size: int = 3,
        batch_size: int = 32,
        view: Literal["windows", "words", "counts"] = "windows",
        split: Sequence[float] = (0.8, 0.1, 0.1),
        split_seed: int = 42,
        unique: bool = False,
        eval_batch_size: int = 8192,
        vocabulary: str | None = None,
        predict_path: str | None = None,
        memory_map: bool | None = None,
        column: int | str | None = None,
        weight: int | str | None = None,
        normalize: Literal["NFC", "NFD", "NFKC", "NFKD"] | None = None,
    ) -> None:
        super().__init__()
        check_counts(block_size=block_size, most=MAX_WORD)  # no word has a longer past
        check_counts(batch_size=batch_size, eval_batch_size=eval_batch_size, max_words=max_words)
        check_choice("view", view, VIEWS)
        if normalize is not None:
            check_choice("normalize", normalize, get_args(NormalForm))
        self.source = Source(
            path, url, sha256, max_words, unique, vocabulary, memory_map, column, weight, normalize
        )
        path = self.source.path
        split = list(split)  # as YAML and JSON have it
        # What a checkpoint needs to find the same data again; the model carries the vocabulary, and
        # how a file is read is the machine's business.
        left_out = ["vocabulary", "predict_path", "memory_map"]
        # Whole words are not cut, and a model may have a block_size of its own.
        left_out += ["block_size"] if view == "words" else []
        self.save_hyperparameters(ignore=left_out)
        self.block_size = block_size
        self.batch_size = batch_size
        self.view = view
        self.split = split
        self.split_seed = split_seed
        self.unique = unique
        self.eval_batch_size = eval_batch_size
        self.predict_path = predict_path
        self.seed = torch.initial_seed()  # of the training's order; the same on every process

    @cached_property
    def corpus(self) -> Corpus:
        return self.source.corpus

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters and their ids; linked to the model."""
        return self.source.given_vocabulary or self.corpus.vocabulary

    @cached_property
    def splits(self) -> dict[str, Corpus]:
        """`train`, `val` and `test`: views of one storage."""
        return cut_into_splits(self.corpus, self.split, self.split_seed)

    def make_view(self, name: str) -> View:
        split = self.splits[name]
        if name != "train" and split.times is not None:
            # The same sums as all repetitions give, whatever the words count.
            whole = self.view == "words"
            return Weighted(split) if whole else Counts(split, self.block_size)
        return self.view_of(split)

    def view_of(self, corpus: Corpus) -> View:
        if self.view == "counts":
            return Counts(corpus, self.block_size)
        view = self.words_of(corpus)
        return view if corpus.times is None else Repeated(view)

    def words_of(self, corpus: Corpus) -> Windows | Words:
        """The view by which words are scored one by one; counts do not tell them apart."""
        return Words(corpus) if self.view == "words" else Windows(corpus, self.block_size)

    def describe(self) -> list[str]:
        """What the splits hold, for people: a line a fact."""
        sizes = " / ".join(f"{len(self.splits[name]):,}" for name in SPLITS)
        examples = " / ".join(f"{self.splits[name].num_predicted:,}" for name in SPLITS)
        lines = [
            f"{self.path.name}: {sizes} words (train / val / test), {examples} characters to"
            f" predict, {len(self.vocabulary) - 1} different ones"
        ]
        if self.corpus.times is not None:
            weights = [self.splits[name].times for name in SPLITS]
            counted = " / ".join(f"{int(each.sum()):,}" for each in weights if each is not None)
            lines.append(f"counting {counted} by --data.weight {self.source.weight}")
        if not self.unique and len(self.splits["val"]):
            also, of = self._also_in_train("val")
            first = "first " if of < len(self.splits["val"]) else ""
            how = "" if self.source.is_mapped else " (--data.unique true keeps each word once)"
            lines.append(f"{also:,} of the {first}{of:,} val words also stand in train{how}")
        lines += self.source.doubts()
        if overfits(self.trainer):
            lines.append("--trainer.overfit_batches: the same batches at every step, no validation")
        return lines

    def _also_in_train(self, name: str) -> tuple[int, int]:
        """How many of a split's first words stand in train too, and of how many that is."""
        judged = self.splits[name][:_JUDGED]
        return int(self.splits["train"].known(judged).sum()), len(judged)

    def table(self) -> str:
        """The splits as a table: words, examples, words also in train, the first words."""
        train = self.splits["train"]
        rows = [("split", "words", "examples", "also in train", "first words")]
        for name in SPLITS:
            part = self.splits[name]
            also, of = (0, 0) if part is train else self._also_in_train(name)
            known = "" if part is train else f"{also:,}"
            known += f" of {of:,}" if 0 < of < len(part) else ""
            first = ", ".join(part[:5])
            rows.append((name, f"{len(part):,}", f"{part.num_predicted:,}", known, first))
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        return "\n".join(
            f"{row[0]:<{widths[0]}}"
            + "".join(f"  {row[column]:>{widths[column]}}" for column in (1, 2, 3))
            + f"  {row[4]}"
            for row in rows
        )

    def check_data(self, stage: str) -> None:
        if stage == "predict":
            _ = self.predict_corpus
        else:
            super().check_data(stage)

    def predict_dataloader(self) -> WordLoader:
        """The words of `predict_path`, in order, on every process."""
        corpus = self.predict_corpus
        return WordLoader(self.words_of(corpus), len(corpus), self.batch_size)

    @property
    def predict_corpus(self) -> Corpus:
        """The words that can be scored: of characters that the vocabulary knows."""
        return self._predict[0]

    @property
    def predict_words(self) -> list[str]:
        return self._predict[1]

    @cached_property
    def _predict(self) -> tuple[Corpus, list[str]]:
        if self.predict_path is None:
            raise InputError("--data.predict_path: name the file whose words to score")
        reading = replace(self.source.reading, weight=None)
        return Corpus.read_known(Path(self.predict_path).expanduser(), self.vocabulary, reading)
