"""Splits of a corpus as Lightning wants them: what words and running text share."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningDataModule, Trainer

from litmore.corpus.corpus import Corpus
from litmore.corpus.running_text import RunningText
from litmore.corpus.source import Source
from litmore.corpus.vocabulary import Vocabulary
from litmore.data.counts import Counts
from litmore.data.dealt import Dealt
from litmore.data.loader import BatchLoader
from litmore.data.order import EpochOrder
from litmore.data.views import View
from litmore.errors import InputError


class SplitsDataModule(LightningDataModule, ABC):
    """Train, val and test of a file, served as a view.

    A subclass sets the attributes and says what the splits are, and what is to be seen of one.

    Attributes:
        source: where they come from.
        batch_size: examples a process and training batch.
        eval_batch_size: the same where no gradient is needed.
        seed: of the training's order; the same on every process.

    """

    source: Source
    batch_size: int
    eval_batch_size: int
    seed: int

    def __init__(self) -> None:
        super().__init__()
        self._views: dict[str, View] = {}
        self._made_for: dict[str, int] = {}

    @property
    @abstractmethod
    def vocabulary(self) -> Vocabulary:
        """The characters and their ids; linked to the model."""

    @property
    @abstractmethod
    def splits(self) -> Mapping[str, Corpus] | Mapping[str, RunningText]:
        """`train`, `val` and `test`: views of one storage."""

    @abstractmethod
    def describe(self) -> list[str]:
        """What the splits hold, for people: a line a fact."""

    @abstractmethod
    def make_view(self, name: str) -> View:
        """The chosen view of a split."""

    def split_view(self, name: str) -> View:
        """The same, made once."""
        if name not in self._views:
            self._views[name] = self.make_view(name)
        return self._views[name]

    def training_view(self, global_batch: int) -> View:
        """What is trained on, in batches of so many examples over all processes."""
        view = self.split_view("train")
        return Dealt(view, global_batch) if isinstance(view, Counts) else view

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
        name = {"validate": "val", "test": "test"}.get(stage, "train")
        if not len(self.splits[name]):
            raise InputError(f"--data.split: the {name} split is empty, its share is 0")

    def train_dataloader(self) -> BatchLoader:
        """Shuffled by (seed, epoch); in fixed order where the Trainer overfits a few batches."""
        if overfits(self.trainer):
            return serve(self, self.split_view("train"), self.batch_size)
        global_batch = self.batch_size * self._order_state()["world_size"]
        view = self.training_view(global_batch)
        return serve(self, view, self.batch_size, view.training_order(self.seed, global_batch))

    def state_dict(self) -> dict[str, int]:
        return self._order_state()

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Take up an order that was begun.

        Raises:
            InputError: it is none.

        """
        is_told = isinstance(state_dict, dict) and state_dict.keys() >= {"batch_size", "world_size"}
        if not is_told or not all(type(n) is int and n > 0 for n in state_dict.values()):
            raise InputError(f"--ckpt_path: damaged: it holds no usable {type(self).__name__}")
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


def check_counts(most: int = 2**31 - 1, least: int = 1, **counts: int | None) -> None:
    """Refuse settings of these names that are out of range.

    Raises:
        InputError: one is.

    """
    for name, value in counts.items():
        if value is not None and not least <= value <= most:
            at = f"at most {most:,}" if value > most else f"at least {least}"
            raise InputError(f"--data.{name} {value}: must be {at}")


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Refuse a setting that is none of them.

    Raises:
        InputError: it is none.

    """
    if value not in choices:
        raise InputError(f"--data.{name} {value}: must be one of {', '.join(choices)}")
