"""The names' splits as Lightning wants them."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from lightning.pytorch import LightningDataModule, Trainer

from litmore.corpus.corpus import Corpus
from litmore.corpus.source import Source
from litmore.corpus.splits import SPLITS, cut_into_splits
from litmore.corpus.text import MAX_WORD
from litmore.corpus.vocabulary import Vocabulary
from litmore.data.counts import Counts
from litmore.data.dealt import Dealt
from litmore.data.loader import BatchLoader, WordLoader
from litmore.data.order import EpochOrder
from litmore.data.views import View, Windows, Words, WordView
from litmore.errors import InputError

VIEWS = ("windows", "words", "counts")

_JUDGED = 2**20
"""Words of a split that are looked for in train; as many are held in memory."""

_MOST = 2**31 - 1
"""What any count may be."""


class NamesDataModule(LightningDataModule):
    """Words of a file, one a line, split into train, val and test and served as a view.

    Args:
        path: a UTF-8 file of one word a line, plain or `.gz`; none takes the embedded names.
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
        predict_path: the file whose words `predict` scores, one a line.
        memory_map: keep the tokens in files that are memory-mapped, for a corpus larger than memory
            (`litmore.corpus.mapped`); none does so for a file of more than 64 MiB of text,
            unless each word is to be kept once.

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
    ) -> None:
        super().__init__()
        for name, value, most in (
            ("block_size", block_size, MAX_WORD),  # no word has a longer past
            ("batch_size", batch_size, _MOST),
            ("eval_batch_size", eval_batch_size, _MOST),
            ("max_words", max_words, _MOST),
        ):
            if value is not None and not 1 <= value <= most:
                at = f"at most {most:,}" if value > most else "at least 1"
                raise InputError(f"--data.{name} {value}: must be {at}")
        if view not in VIEWS:
            raise InputError(f"--data.view {view}: must be one of {', '.join(VIEWS)}")
        self.source = Source(path, url, sha256, max_words, unique, vocabulary, memory_map)
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
        self._views: dict[str, View] = {}
        self._made_for: dict[str, int] = {}

    def __str__(self) -> str:
        return "\n".join(self.describe())

    @property
    def path(self) -> Path:
        """The file: the one given, the one fetched, or the embedded names."""
        return self.source.file

    @property
    def sha256(self) -> str | None:
        """The file's, or until it is read, the one given."""
        return self.source.sha256

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

    def view_of(self, corpus: Corpus) -> View:
        return Counts(corpus, self.block_size) if self.view == "counts" else self.words_of(corpus)

    def split_view(self, name: str) -> View:
        """The chosen view of a split, made once."""
        if name not in self._views:
            self._views[name] = self.view_of(self.splits[name])
        return self._views[name]

    def words_of(self, corpus: Corpus) -> WordView:
        """The view by which words are scored one by one; counts do not tell them apart."""
        return Words(corpus) if self.view == "words" else Windows(corpus, self.block_size)

    def describe(self) -> list[str]:
        """What the splits hold, for people: a line a fact."""
        sizes = " / ".join(f"{len(self.splits[name]):,}" for name in SPLITS)
        examples = " / ".join(f"{self.splits[name].num_examples:,}" for name in SPLITS)
        lines = [
            f"{self.path.name}: {sizes} words (train / val / test), {examples} characters to"
            f" predict, {len(self.vocabulary) - 1} different ones"
        ]
        if not self.unique and len(self.splits["val"]):
            also, of = self._also_in_train("val")
            first = "first " if of < len(self.splits["val"]) else ""
            how = "" if self.source.is_mapped else " (--data.unique true keeps each word once)"
            lines.append(f"{also:,} of the {first}{of:,} val words also stand in train{how}")
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
            rows.append((name, f"{len(part):,}", f"{part.num_examples:,}", known, first))
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        return "\n".join(
            f"{row[0]:<{widths[0]}}"
            + "".join(f"  {row[column]:>{widths[column]}}" for column in (1, 2, 3))
            + f"  {row[4]}"
            for row in rows
        )

    def setup(self, stage: str) -> None:
        """Read and split; a checkpoint is to know the file's hash."""
        if stage != "predict":
            _ = self.splits
        self.hparams.update(self.settings())

    def settings(self) -> dict[str, Any]:
        """What finds the same data again, as plain values; the file's hash, once it is read."""
        return dict(self.hparams) | {"sha256": self.sha256}

    def check_data(self, stage: str) -> None:
        """Read what a stage needs: what is wrong with the files is said before anything is written.

        Raises:
            InputError: a file or a setting cannot be used, or the split is empty.

        """
        if stage == "predict":
            _ = self.predict_corpus
            return
        name = {"validate": "val", "test": "test"}.get(stage, "train")
        if not len(self.splits[name]):
            raise InputError(f"--data.split: the {name} split is empty, its share is 0")

    def train_dataloader(self) -> BatchLoader:
        """Shuffled by (seed, epoch); in fixed order where the Trainer overfits a few batches."""
        view = self.split_view("train")
        if overfits(self.trainer):
            return serve(self, view, self.batch_size)
        global_batch = self.batch_size * self._order_state()["world_size"]
        if isinstance(view, Counts):
            view = Dealt(view, global_batch)
        return serve(self, view, self.batch_size, view.training_order(self.seed, global_batch))

    def state_dict(self) -> dict[str, int]:
        return self._order_state()

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        self._made_for = state_dict

    def _order_state(self) -> dict[str, int]:
        """For which batches the order is made.

        It stays where a run goes on with more processes, or fewer: else an epoch that has begun
        would end with other examples than are left.
        """
        if self._made_for.get("batch_size") != self.batch_size:
            world_size = self.trainer.world_size if self.trainer else 1
            self._made_for = {"batch_size": self.batch_size, "world_size": world_size}
        return self._made_for

    def val_dataloader(self) -> BatchLoader | list:
        # Where a few batches are learnt by heart, none.
        return [] if overfits(self.trainer) else self._eval_loader("val")

    def test_dataloader(self) -> BatchLoader | list:
        return self._eval_loader("test")

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
        return Corpus.read_known(Path(self.predict_path).expanduser(), self.vocabulary)

    def _eval_loader(self, name: str) -> BatchLoader | list:
        """In order, each example once."""
        if not len(self.splits[name]):
            return []
        return serve(self, self.split_view(name), self.eval_batch_size)


def serve(
    module: LightningDataModule, view: View, batch_size: int, order: EpochOrder | None = None
) -> BatchLoader:
    """A view as batches for the processes of the module's Trainer."""
    trainer = module.trainer
    rank, world_size = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
    return BatchLoader(view, batch_size, order=order, rank=rank, world_size=world_size)


def overfits(trainer: Trainer | None) -> bool:
    """Whether it is to learn a few batches by heart."""
    return trainer is not None and trainer.overfit_batches > 0  # type: ignore[attr-defined]
