"""The multi-layer perceptron of Bengio et al., "A Neural Probabilistic Language Model", 2003."""

import math
from typing import Literal

from jaxtyping import Float, Int
from torch import Tensor, nn

from litmore.corpus.vocabulary import Vocabulary
from litmore.errors import InputError
from litmore.models.base import CharLM
from litmore.models.initialization import lecture_linear_order, lecture_normal_


class MLP(CharLM):
    """Embed K tokens, lay their embeddings side by side, one tanh layer, logits.

    Source: Bengio et al. 2003 without the direct connections; makemore lecture, part 2.

    Args:
        vocabulary: the characters in the order of their ids; from the data.
        block_size: K; from the data.
        embedding_dim: C.
        hidden_dim: H.
        init: `scaled` starts near the uniform distribution with tanh in its linear range
            (makemore lecture, part 3); `lecture` draws all from N(0, 1) in part 2's order.

    Raises:
        InputError: a size is below 1.

    """

    views = ("windows", "counts")

    def __init__(
        self,
        vocabulary: Vocabulary | str,
        block_size: int = 3,
        embedding_dim: int = 10,
        hidden_dim: int = 200,
        init: Literal["scaled", "lecture"] = "scaled",
    ) -> None:
        super().__init__(vocabulary, block_size)
        self.save_hyperparameters()
        for name, size in (("embedding_dim", embedding_dim), ("hidden_dim", hidden_dim)):
            if size < 1:
                raise InputError(f"--model.{name} {size}: must be at least 1")
        self.embedding = nn.Embedding(self.vocab_size, embedding_dim)
        self.hidden = nn.Linear(block_size * embedding_dim, hidden_dim)
        self.activation = nn.Tanh()
        self.output = nn.Linear(hidden_dim, self.vocab_size)
        if init == "lecture":
            lecture_normal_(
                self.embedding.weight,
                *lecture_linear_order(self.hidden),
                *lecture_linear_order(self.output),
            )
        else:
            nn.init.normal_(self.hidden.weight, std=5 / 3 / math.sqrt(self.hidden.in_features))
            nn.init.zeros_(self.hidden.bias)
            nn.init.normal_(self.output.weight, std=0.01)
            nn.init.zeros_(self.output.bias)

    def forward(self, x: Int[Tensor, "B K"]) -> Float[Tensor, "B V"]:
        embedded = self.embedding(x)  # (B, K, C)
        side_by_side = embedded.view(len(x), -1)  # (B, K·C), the same storage
        hidden = self.activation(self.hidden(side_by_side))  # (B, H)
        return self.output(hidden)  # (B, V)
