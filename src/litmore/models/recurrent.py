"""What the recurrent networks share: they differ in their cell alone."""

from collections.abc import Callable
from typing import ClassVar, Literal

from jaxtyping import Float, Int
from torch import Tensor, nn

from litmore.corpus.vocabulary import Vocabulary
from litmore.models.base import CharLM
from litmore.models.sizes import check_dropout, check_sizes


class Recurrent(CharLM):
    """Embed a word's tokens, take them into a state one after the other, logits after each.

    Args:
        vocabulary: the characters in the order of their ids; from the data.
        embedding_dim: C.
        hidden_dim: H.
        num_layers: cells on top of each other.
        dropout: share of what a layer is given that is dropped in training, and of the state that
            the logits are made of.
        init: `scaled` draws the weights from state to state orthogonal; `makemore` leaves all as
            torch draws them, as makemore.py does.

    Raises:
        InputError: a size is below 1, or a share is none.

    """

    views = ("words",)
    cell: ClassVar[Callable[..., nn.RNNBase]]

    def __init__(
        self,
        vocabulary: Vocabulary | str,
        embedding_dim: int = 64,
        hidden_dim: int = 64,
        num_layers: int = 1,
        dropout: float = 0.0,
        init: Literal["scaled", "makemore"] = "scaled",
    ) -> None:
        super().__init__(vocabulary)
        self.save_hyperparameters()
        check_sizes(embedding_dim=embedding_dim, hidden_dim=hidden_dim, num_layers=num_layers)
        check_dropout(dropout)
        self.embedding = nn.Embedding(self.vocab_size, embedding_dim)
        between = dropout if num_layers > 1 else 0.0  # torch warns of it where there is no between
        self.recurrent = self.cell(
            embedding_dim, hidden_dim, num_layers, batch_first=True, dropout=between
        )
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden_dim, self.vocab_size)
        if init == "scaled":
            for name, weight in self.recurrent.named_parameters():
                if name.startswith("weight_hh"):
                    for gate in weight.split(hidden_dim):  # views
                        nn.init.orthogonal_(gate)

    def forward(self, x: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        states, _ = self.recurrent(self.dropout(self.embedding(x)))  # (B, T, H)
        return self.output(self.dropout(states))

    def advance(
        self, tokens: Int[Tensor, " B"], state: tuple[Tensor, ...] = ()
    ) -> tuple[Float[Tensor, "B V"], tuple[Tensor, ...]]:
        """The state is what a word so far comes to."""
        before = tuple(part.transpose(0, 1).contiguous() for part in state)  # (layers, B, H)
        given = None if not before else before[0] if len(before) == 1 else before
        states, after = self.recurrent(self.embedding(tokens)[:, None], given)
        kept = after if isinstance(after, tuple) else (after,)
        return self.output(states[:, 0]), tuple(part.transpose(0, 1) for part in kept)
