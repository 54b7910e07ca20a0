"""The bigram model by counting."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from litmore.corpus.vocabulary import Vocabulary
from litmore.models.counting import Counting


class CountBigram(Counting):
    """How often each character followed each other one, smoothed and normalised.

    Source: makemore lecture, part 1.

    Args:
        vocabulary: the characters in the order of their ids; from the data.
        smoothing: added to every count, ≥ 0; 0 gives −∞ logits to what was never seen.

    Raises:
        InputError: the smoothing is negative or not a number.

    """

    def __init__(self, vocabulary: Vocabulary | str, smoothing: float = 1.0) -> None:
        super().__init__(vocabulary, 1, smoothing)
        self.save_hyperparameters()

    @property
    def counts(self) -> Int[Tensor, "V V"]:
        """Row: the previous token, column: the next one."""
        return self.counts_of(torch.arange(self.vocab_size))

    def counts_of(self, tokens: Int[Tensor, " N"]) -> Int[Tensor, "N N"]:
        """Those of some tokens alone; of many, all of them have no room."""
        place = torch.full((self.vocab_size,), -1)
        place[tokens] = torch.arange(len(tokens))
        contexts, following, times = self.tally.rows()
        row, column = place[contexts[:, 0]], place[following]
        among = (row >= 0) & (column >= 0)
        counts = torch.zeros(len(tokens), len(tokens), dtype=torch.long)
        counts[row[among], column[among]] = times[among]
        return counts

    def probabilities(self) -> Float[Tensor, "V V"]:
        """Row: the previous token, column: the next one."""
        every = torch.arange(self.vocab_size, device=self.device)
        return self(every[:, None]).exp()
