"""The n-gram model, by counting."""

from litmore.corpus.vocabulary import Vocabulary
from litmore.models.counting import Counting


class NGram(Counting):
    """How often each character followed each K tokens, smoothed by what shorter contexts say.

    Source: Chen & Goodman 1998, interpolated modified Kneser–Ney (`ContextTree`).

    Args:
        vocabulary: the characters in the order of their ids; from the data.
        block_size: K; from the data.
        smoothing: none, or instead of shorter contexts: added to every count, ≥ 0; 0 gives −∞
            logits to what was never seen.

    Raises:
        InputError: the smoothing is negative or not a number.

    """

    def __init__(
        self, vocabulary: Vocabulary | str, block_size: int = 5, smoothing: float | None = None
    ) -> None:
        super().__init__(vocabulary, block_size, smoothing)
        self.save_hyperparameters()
