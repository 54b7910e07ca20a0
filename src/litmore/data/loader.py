"""Batches of a view."""

from collections.abc import Iterator
from typing import Any

import torch

from litmore.data.order import EpochOrder, FileOrder
from litmore.data.views import AnyBatch, Batch, View, WordView
from litmore.errors import InputError

_BLOCK = 4096
"""Examples gathered at once: as dear as 32, if batches are that small."""


class BatchLoader:
    """The examples of an order, all of a view but for `Tiling`, as a function of the epoch.

    With several processes each global batch of `batch_size × world_size` examples is cut into one
    run a process: together they see what one process with that batch size sees, in the same
    order, and no example twice. A short last batch is shared out, possibly unevenly.

    Args:
        view: the examples.
        batch_size: examples a process and batch.
        order: of the examples; None: the view's own, every epoch.
        rank: of this process, of `world_size`.
        world_size: how many there are.

    """

    def __init__(
        self,
        view: View,
        batch_size: int,
        *,
        order: EpochOrder | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.view = view
        self.batch_size = batch_size
        self.rank = rank
        self.world_size = world_size
        # Lightning looks for `sampler`: to set its epoch, and to see whether it shuffles.
        self.sampler = FileOrder(len(view)) if order is None else order
        self.batch_sampler = None  # asked for where `sampler` is
        self._position = (0, 0)  # epoch, examples served in it
        self._resuming = False

    @property
    def global_batch(self) -> int:
        """Examples that all processes take at once."""
        return self.batch_size * self.world_size

    def __len__(self) -> int:
        return -(-len(self.sampler) // self.global_batch)

    @property
    def served(self) -> int:
        """Batches that need not be served any more where an epoch goes on, of its `len`."""
        return len(self) - -(-(len(self.sampler) - self._position[1]) // self.global_batch)

    def __iter__(self) -> Iterator[AnyBatch]:
        start = self._examples() if self._resuming else 0
        self._resuming = False
        order = self.sampler.order()
        num_batches = -(-(len(self.sampler) - start) // self.global_batch)
        at_once = 1 if self.view.ragged else max(1, _BLOCK // self.batch_size)
        for first in range(0, num_batches, at_once):
            from_, to = (start + n * self.global_batch for n in (first, first + at_once))
            shares = [
                batch.tensor_split(self.world_size)[self.rank]
                for batch in order[from_:to].split(self.global_batch)
            ]
            sizes = [len(share) for share in shares]
            block = self.view[torch.cat(shares)]
            parts = map(type(block), block.x.split(sizes), block.y.split(sizes))
            for number, batch in enumerate([block] if at_once == 1 else parts, first + 1):
                examples = min(start + number * self.global_batch, len(self.sampler))
                self._position = (self.sampler.epoch, examples)
                yield batch

    def _examples(self) -> int:
        epoch, examples = self._position
        return examples if epoch == self.sampler.epoch else 0

    def state_dict(self) -> dict[str, Any]:
        """Where in the epoch the loader stands; Lightning keeps it in the checkpoint.

        Counted in examples: the run may go on with other batches, or more processes.
        """
        return {
            "epoch": self.sampler.epoch,
            "examples": self._examples(),
            "global_batch": self.global_batch,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where a loader stood.

        Raises:
            InputError: it stood nowhere.

        """
        counts = state.values() if isinstance(state, dict) and "epoch" in state else [None]
        if not all(type(count) is int and count >= 0 for count in counts):
            raise InputError("--ckpt_path: damaged: it does not tell where in the data it stood")
        examples = state.get("examples", state.get("served", 0) * self.global_batch)
        self._position = (state["epoch"], min(examples, len(self.sampler)))
        self._resuming = True


class WordLoader:
    """The words in order, `batch_size` of them with all their examples at a time: to score them."""

    def __init__(self, view: WordView, num_words: int, batch_size: int) -> None:
        self.view = view
        self.num_words = num_words
        self.batch_size = batch_size

    def __len__(self) -> int:
        return -(-self.num_words // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for first in range(0, self.num_words, self.batch_size):
            yield self.view.of_words(first, min(first + self.batch_size, self.num_words))
