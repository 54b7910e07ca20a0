"""What models share that learn without steps."""

from torch import nn, zeros

from litmore.corpus.vocabulary import Vocabulary
from litmore.models.base import CharLM


class Stepless(CharLM):
    """A model with nothing to descend on: what it is, it counts or finds in its own way."""

    def __init__(self, vocabulary: Vocabulary | str, block_size: int = 1) -> None:
        super().__init__(vocabulary, block_size)
        self.automatic_optimization = False
        # DDP refuses a module that has no parameter to synchronise.
        self._nothing_to_train = nn.Parameter(zeros(()))

    def configure_optimizers(self) -> None:
        """None."""
