"""What a character model is, before it is trained or after: pure torch.

Letters: B batch, T time, K context length (`block_size`), V vocabulary, C embedding
(`embedding_dim`), H hidden (`hidden_dim`).
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from litmore.corpus.vocabulary import BOUNDARY, Vocabulary
from litmore.errors import InputError

TRAINS = True
"""Whether `CharLM` comes with its second half (`litmore.models.base`)."""


class CharModel(nn.Module, ABC):
    """Tokens to logits, and what a name is drawn by.

    Args:
        vocabulary: the characters in the order of their ids, from 1; 0 is the boundary.
        block_size: K, how many tokens of context the model looks at in the `windows` view.

    """

    views: ClassVar[tuple[str, ...]] = ("windows", "counts")
    """The views that `forward` takes (`litmore.data.views`)."""

    def __init__(self, vocabulary: str, block_size: int = 1) -> None:
        super().__init__()
        if block_size < 1:
            raise InputError(f"--model.block_size {block_size}: must be at least 1")
        self.vocabulary = Vocabulary(vocabulary)
        self.block_size = block_size

    @property
    def vocab_size(self) -> int:
        """V: the characters and the boundary."""
        return len(self.vocabulary)

    @abstractmethod
    def forward(self, x: Int[Tensor, "B _"]) -> Float[Tensor, "*leading V"]:
        """Logits of the next character.

        Args:
            x: `Int[B, K]` for `Float[B, V]` in the `windows` view, `Int[B, T]` for
                `Float[B, T, V]` in the `words` view.

        """

    def penalty(self) -> Tensor | float:
        """What the objective adds to the loss; none unless an architecture has one."""
        return 0.0

    def next_logits(self, tokens: Int[Tensor, "B T"]) -> Float[Tensor, "B V"]:
        """Logits of the character after each row of tokens, the opening boundary first."""
        if "windows" not in self.views:
            return self(tokens)[:, -1]
        context = tokens[:, -self.block_size :]
        missing = self.block_size - context.shape[1]
        return self(F.pad(context, (missing, 0), value=BOUNDARY))
