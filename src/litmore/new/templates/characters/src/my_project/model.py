"""The model."""

from jaxtyping import Float, Int
from litmore.models import CharLM
from torch import Tensor, nn


class GRU(CharLM):
    """A recurrent network that reads a word, or a text, and predicts each next character.

    Args:
        vocabulary: from the data.
        hidden_dim: H, units.

    """

    views = ("words",)  # or running text, which is as long words

    def __init__(self, vocabulary: str, hidden_dim: int = 64) -> None:
        super().__init__(vocabulary)
        self.save_hyperparameters()
        self.embedding = nn.Embedding(self.vocab_size, hidden_dim)
        self.recurrent = nn.GRU(hidden_dim, hidden_dim, batch_first=True)
        self.output = nn.Linear(hidden_dim, self.vocab_size)

    def forward(self, x: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        hidden, _ = self.recurrent(self.embedding(x))  # (B, T, H)
        logits: Tensor = self.output(hidden)
        return logits
