"""The bag of words."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from litmore.corpus.vocabulary import Vocabulary
from litmore.models.base import CharLM
from litmore.models.sizes import check_sizes


class BagOfWords(CharLM):
    """The mean of all embeddings so far, whatever their order; two linear layers, logits.

    Each token's embedding has its place added, and the mean is added to the token's own.

    Source: makemore.py.

    Args:
        vocabulary: the characters in the order of their ids; from the data.
        block_size: T at most, the places that there are; in a longer word the context slides.
        embedding_dim: C.
        hidden_dim: H.

    Raises:
        InputError: a size is below 1.

    """

    views = ("words",)

    def __init__(
        self,
        vocabulary: Vocabulary | str,
        block_size: int = 16,
        embedding_dim: int = 64,
        hidden_dim: int = 64,
    ) -> None:
        super().__init__(vocabulary, block_size)
        self.save_hyperparameters()
        check_sizes(embedding_dim=embedding_dim, hidden_dim=hidden_dim)
        self.longest_input = block_size
        self.embedding = nn.Embedding(self.vocab_size, embedding_dim)
        self.position = nn.Embedding(block_size, embedding_dim)
        self.hidden = nn.Linear(embedding_dim, hidden_dim)
        self.back = nn.Linear(hidden_dim, embedding_dim)
        self.output = nn.Linear(embedding_dim, self.vocab_size)

    def forward(self, x: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        place = torch.arange(x.shape[1], device=x.device)
        embedded = self.embedding(x) + self.position(place)  # (B, T, C)
        bag = embedded.cumsum(1) / (place + 1)[:, None]  # of each token and those before it
        return self._logits(embedded + bag)

    def _logits(self, mixed: Float[Tensor, "*leading C"]) -> Float[Tensor, "*leading V"]:
        return self.output(mixed + self.back(self.hidden(mixed).tanh()))

    def advance(
        self, tokens: Int[Tensor, " B"], state: tuple[Tensor, ...] = ()
    ) -> tuple[Float[Tensor, "B V"], tuple[Tensor, ...]]:
        """The state is the tokens so far, and the sum of their embeddings."""
        so_far = torch.cat([*state[:1], tokens[:, None]], dim=1)
        length = so_far.shape[1]
        if length > self.block_size:
            return super().advance(tokens, state[:1])
        embedded = self.embedding(tokens) + self.position.weight[length - 1]  # (B, C)
        total = embedded + state[1] if state else embedded
        return self._logits(embedded + total / length), (so_far, total)
