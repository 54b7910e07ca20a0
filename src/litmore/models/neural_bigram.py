"""The bigram model as one layer, trained by gradient descent."""

from typing import Literal

from jaxtyping import Float, Int
from torch import Tensor, nn

from litmore.corpus.vocabulary import Vocabulary
from litmore.errors import InputError
from litmore.models.base import CharLM
from litmore.models.initialization import lecture_normal_


class NeuralBigram(CharLM):
    """A row of logits for each previous token: a one-hot vector times a V × V matrix.

    Trained to the end it is `CountBigram`; the penalty smooths it as added counts do.

    Source: makemore lecture, part 1.

    Args:
        vocabulary: the characters in the order of their ids; from the data.
        weight_penalty: λ of the objective's λ · mean(W²), ≥ 0.
        init: `zeros` starts uniform; `lecture` draws W from N(0, 1).

    Raises:
        InputError: the penalty is negative or not a number.

    """

    views = ("windows", "counts")

    def __init__(
        self,
        vocabulary: Vocabulary | str,
        weight_penalty: float = 0.01,
        init: Literal["zeros", "lecture"] = "zeros",
    ) -> None:
        super().__init__(vocabulary)
        self.save_hyperparameters()
        if not weight_penalty >= 0:
            raise InputError(f"--model.weight_penalty {weight_penalty}: must be at least 0")
        self.weight_penalty = weight_penalty
        self.logits = nn.Embedding(self.vocab_size, self.vocab_size)
        if init == "lecture":
            lecture_normal_(self.logits.weight)
        else:
            nn.init.zeros_(self.logits.weight)

    def forward(self, x: Int[Tensor, "B 1"]) -> Float[Tensor, "B V"]:
        return self.logits(x[:, 0])

    def penalty(self) -> Tensor:
        """λ · mean(W²)."""
        return self.weight_penalty * self.logits.weight.square().mean()
