"""Running text's splits as Lightning wants them."""

from collections.abc import Sequence
from functools import cached_property
from typing import Literal

import torch

from litmore.corpus.corpus import LEFT_PADDING
from litmore.corpus.running_text import RunningText, TextSource
from litmore.corpus.splits import SPLITS, cuts
from litmore.corpus.vocabulary import Vocabulary
from litmore.data.counts import Counts
from litmore.data.served import SplitsDataModule, check_choice, check_counts, overfits
from litmore.data.stream import Anywhere, Stream
from litmore.data.views import View, Windows
from litmore.errors import InputError

VIEWS = ("stream", "windows", "counts")

EVALUATED = 8192
"""Tokens of a batch where no gradient is needed, if nothing else is said."""

SHOWN = 40
"""Characters of a split's beginning that a table shows."""


class TextDataModule(SplitsDataModule):
    """Any text as one stream of tokens, cut into train, val and test and served as a view.

    Nothing of the text is dropped or changed: blank lines, spaces and control characters are
    characters like all others, and so is the newline.

    Args:
        path: a file, plain or packed; none takes the embedded names, as a text.
        url: where to fetch the file, once, if no path is given (see `litmore.corpus.download`).
        sha256: of the file, wherever it comes from; another content is refused. Filled in when the
            file is read, so that a checkpoint knows what it was trained on.
        tokens: `characters` of UTF-8, or the `bytes` of any file.
        block_size: T, the tokens of a window of `stream`; K, the context in `windows` and `counts`.
        batch_size: examples a process and training batch.
        view: `stream` (x: Int[B, T], y: Int[B, T]), `windows` (x: Int[B, K], y: Int[B]) or
            `counts` (x: Int[B, K] distinct contexts, y: Float[B, V] what followed how often).
        split: shares of train, val and test, in the text's order, which sum to 1; a share of 0
            leaves that split out.
        eval_block_size: T where nothing is trained; none takes `block_size`. A recurrent net
            carries its state through a window: one that is longer than the split is all of it.
        eval_overlap: tokens at the beginning of such a window that are context alone, at least;
            none takes half of `block_size`. Each token is predicted once all the same.
        eval_batch_size: examples a process and batch where no gradient is needed; none takes as
            many as hold some 8,192 tokens.
        vocabulary: the characters in the order of their ids; none takes the text's own, sorted.
        memory_map: keep the tokens in files that are memory-mapped, for a text larger than memory
            (`litmore.corpus.mapped`); none does so for more than 64 MiB of text.

    Raises:
        InputError: a setting or the file cannot be used.

    """

    source: TextSource

    def __init__(
        self,
        path: str | None = None,
        url: str | None = None,
        sha256: str | None = None,
        tokens: Literal["characters", "bytes"] = "characters",
        block_size: int = 64,
        batch_size: int = 32,
        view: Literal["stream", "windows", "counts"] = "stream",
        split: Sequence[float] = (0.9, 0.05, 0.05),
        eval_block_size: int | None = None,
        eval_overlap: int | None = None,
        eval_batch_size: int | None = None,
        vocabulary: str | None = None,
        memory_map: bool | None = None,
    ) -> None:
        super().__init__()
        check_counts(batch_size=batch_size, eval_batch_size=eval_batch_size)
        # Before the text's first token there is room for so much.
        check_counts(block_size=block_size, most=LEFT_PADDING)
        check_counts(eval_block_size=eval_block_size)
        check_counts(eval_overlap=eval_overlap, least=0, most=LEFT_PADDING)
        check_choice("view", view, VIEWS)
        check_choice("tokens", tokens, ("characters", "bytes"))
        self.source = TextSource(
            path, url, sha256, vocabulary=vocabulary, memory_map=memory_map, tokens=tokens
        )
        path = self.source.path
        split = list(split)  # as YAML and JSON have it
        # As of the names: what a checkpoint needs to find the same data again.
        self.save_hyperparameters(ignore=["vocabulary", "memory_map"])
        self.tokens = tokens
        self.block_size = block_size
        self.batch_size = batch_size
        self.view = view
        self.split = split
        self.eval_block_size = eval_block_size or block_size
        self.eval_overlap = block_size // 2 if eval_overlap is None else eval_overlap
        if self.eval_overlap >= self.eval_block_size:
            raise InputError(
                f"--data.eval_overlap {self.eval_overlap}: must be below the"
                f" {self.eval_block_size} tokens of a window"
            )
        width = self.eval_block_size if view == "stream" else 1
        self.eval_batch_size = eval_batch_size or max(EVALUATED // width, 1)
        self.seed = torch.initial_seed()

    @property
    def vocabulary(self) -> Vocabulary:
        return self.source.given_vocabulary or self.source.text.vocabulary

    @cached_property
    def splits(self) -> dict[str, RunningText]:
        """`train`, `val` and `test`: one after the other, in one storage."""
        text = self.source.text
        ends = cuts(len(text), self.split, self.tokens)
        return {
            name: text[first:last]
            for name, first, last in zip(SPLITS, (0, *ends), ends, strict=False)
        }

    def make_view(self, name: str) -> View:
        text = self.splits[name]
        if self.view == "counts":
            return Counts(text, self.block_size)
        if self.view == "windows":
            return Windows(text, self.block_size)
        if name == "train":
            return Stream(text, self.block_size)
        return Stream(text, self.eval_block_size, self.eval_overlap)

    def training_view(self, global_batch: int) -> View:
        if self.view != "stream":
            return super().training_view(global_batch)
        return Anywhere(self.splits["train"], self.block_size)

    def describe(self) -> list[str]:
        sizes = " / ".join(f"{len(self.splits[name]):,}" for name in SPLITS)
        kinds = "" if self.tokens == "bytes" else f", {len(self.vocabulary)} different ones"
        lines = [f"{self.path.name}: {sizes} {self.tokens} (train / val / test){kinds}"]
        if overfits(self.trainer):
            lines.append("--trainer.overfit_batches: the same batches at every step, no validation")
        return lines

    def table(self) -> str:
        """The splits as a table: how many characters, or bytes, and the first ones."""
        rows: list[tuple[str, str, str]] = [("split", self.tokens, "begins")]
        for name in SPLITS:
            part = self.splits[name]
            begins = repr(self.vocabulary.text(part.tokens[1 : SHOWN + 1]))
            rows.append((name, f"{len(part):,}", begins if len(part) else ""))
        widths = [max(len(row[column]) for row in rows) for column in range(2)]
        return "\n".join(f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]}" for row in rows)

    def check_data(self, stage: str) -> None:
        if stage == "predict":
            raise InputError(
                "--data TextDataModule: predict scores words one by one; test gives a text's loss"
            )
        super().check_data(stage)
        train = self.splits["train"]
        if stage == "fit" and self.view == "stream" and len(train) < self.block_size:
            raise InputError(
                f"--data.block_size {self.block_size}: the train split has {len(train):,}"
                f" {self.tokens}, less than a window"
            )
