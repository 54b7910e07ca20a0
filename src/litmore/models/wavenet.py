"""A tree over the context: neighbours are joined two by two, as in WaveNet."""

from functools import partial
from typing import Literal

from jaxtyping import Float, Int
from torch import Tensor, nn

from litmore.corpus.vocabulary import Vocabulary
from litmore.errors import InputError
from litmore.models.base import CharLM
from litmore.models.batch_norm import BatchNorm, LectureBatchNorm
from litmore.models.initialization import lecture_layers_, tanh_scaled_
from litmore.models.sizes import check_sizes


class WaveNet(CharLM):
    """Embed K tokens; lay pairs side by side, one tanh layer for all pairs, until one is left.

    Source: van den Oord et al., "WaveNet: a generative model for raw audio", 2016, of which it
    keeps the tree of dilated convolutions; makemore lecture, part 5.

    Args:
        vocabulary: the characters in the order of their ids; from the data.
        block_size: K, a power of two; from the data.
        embedding_dim: C.
        hidden_dim: H.
        norm: what goes into each tanh is normalised: `layer` over its H units; `batch`, the
            lecture's, over the batch and the pairs. That takes no `counts`: over distinct contexts
            the statistics would be others.
        init: `scaled` starts near the uniform distribution with tanh in its linear range;
            `lecture` has part 5's draws in their order, and the lectures' own batch norm.

    Raises:
        InputError: K is no power of two, or a size is below 1.

    """

    views: tuple[str, ...] = ("windows", "counts")

    def __init__(
        self,
        vocabulary: Vocabulary | str,
        block_size: int = 8,
        embedding_dim: int = 24,
        hidden_dim: int = 128,
        norm: Literal["layer", "batch"] = "layer",
        init: Literal["scaled", "lecture"] = "scaled",
    ) -> None:
        super().__init__(vocabulary, block_size)
        self.save_hyperparameters()
        if block_size < 2 or block_size.bit_count() > 1:
            raise InputError(f"--data.block_size {block_size}: must be a power of two, 2 or more")
        check_sizes(embedding_dim=embedding_dim, hidden_dim=hidden_dim)
        norm_class: type[nn.Module] = nn.LayerNorm
        if norm == "batch":
            self.views = ("windows",)
            norm_class = LectureBatchNorm if init == "lecture" else BatchNorm

        self.embedding = nn.Embedding(self.vocab_size, embedding_dim)
        self.levels = nn.ModuleList()
        width = embedding_dim
        for _ in range(block_size.bit_length() - 1):  # log2(K)
            linear = nn.Linear(2 * width, hidden_dim, bias=False)
            self.levels.append(nn.Sequential(linear, norm_class(hidden_dim), nn.Tanh()))
            width = hidden_dim
        self.output = nn.Linear(hidden_dim, self.vocab_size)

        linears = [module for module in self.modules() if isinstance(module, nn.Linear)]
        draw = partial(lecture_layers_, confidence=0.1) if init == "lecture" else tanh_scaled_
        draw(self.embedding, *linears)

    def forward(self, x: Int[Tensor, "B K"]) -> Float[Tensor, "B V"]:
        joined = self.embedding(x)  # (B, K, C)
        for level in self.levels:
            pairs = joined.unflatten(1, (-1, 2)).flatten(2)  # (B, K/2, 2·C), the same storage
            joined = level(pairs)  # (B, K/2, H), of half the length at each level
        return self.output(joined[:, 0])  # (B, V)
