"""The multi-layer perceptron of Bengio et al., "A Neural Probabilistic Language Model", 2003."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from jaxtyping import Float, Int
from torch import Tensor, nn

from litmore.corpus.vocabulary import Vocabulary
from litmore.errors import InputError
from litmore.models import initialization as initial
from litmore.models.base import CharLM
from litmore.models.batch_norm import BatchNorm, LectureBatchNorm
from litmore.models.sizes import check_sizes


class MLP(CharLM):
    """Embed K tokens, lay their embeddings side by side, tanh layers, logits.

    Source: Bengio et al. 2003 without the direct connections; makemore lectures, parts 2, 3 and 5.

    Args:
        vocabulary: the characters in the order of their ids; from the data.
        block_size: K; from the data.
        embedding_dim: C.
        hidden_dim: H.
        init: `scaled` starts near the uniform distribution with tanh in its linear range
            (makemore lecture, part 3); the others are the lectures' own draws, and their own batch
            norm: part 2's, part 3's first network, its deep one (which normalises its logits,
            too), part 5's flat one.
        num_layers: how many tanh layers, each of H.
        batch_norm: normalise what goes into each tanh. It takes no `counts`: over distinct
            contexts the statistics would be others.

    Raises:
        InputError: a size is below 1, or the deep lecture's weights are drawn without its norm.

    """

    views: tuple[str, ...] = ("windows", "counts")

    def __init__(
        self,
        vocabulary: Vocabulary | str,
        block_size: int = 3,
        embedding_dim: int = 10,
        hidden_dim: int = 200,
        init: Literal[
            "scaled", "lecture", "lecture_part3", "lecture_deep", "lecture_part5"
        ] = "scaled",
        num_layers: int = 1,
        batch_norm: bool = False,
    ) -> None:
        super().__init__(vocabulary, block_size)
        self.save_hyperparameters()
        check_sizes(embedding_dim=embedding_dim, hidden_dim=hidden_dim, num_layers=num_layers)
        deep = init == "lecture_deep"
        if deep and not batch_norm:
            raise InputError("--model.init lecture_deep: pass --model.batch_norm true with it")
        norm: Callable[[int], nn.Module] = nn.Identity
        if batch_norm:
            self.views = ("windows",)
            norm = _LECTURE_NORMS.get(init, BatchNorm)

        self.embedding = nn.Embedding(self.vocab_size, embedding_dim)
        self.hidden = nn.Linear(block_size * embedding_dim, hidden_dim, bias=not batch_norm)
        self.norm: nn.Module = norm(hidden_dim)
        self.activation = nn.Tanh()
        self.deeper = nn.Sequential()
        for _ in range(num_layers - 1):
            linear = nn.Linear(hidden_dim, hidden_dim, bias=not batch_norm)
            self.deeper.extend([linear, norm(hidden_dim), nn.Tanh()])
        self.output = nn.Linear(hidden_dim, self.vocab_size, bias=not deep)
        self.output_norm: nn.Module = norm(self.vocab_size) if deep else nn.Identity()

        linears = [module for module in self.modules() if isinstance(module, nn.Linear)]
        _INITS[init](self.embedding, *linears)
        if deep:
            nn.init.constant_(self.output_norm.get_parameter("weight"), 0.1)

    def forward(self, x: Int[Tensor, "B K"]) -> Float[Tensor, "B V"]:
        embedded = self.embedding(x)  # (B, K, C)
        side_by_side = embedded.view(x.shape[0], -1)  # (B, K·C), the same storage
        hidden = self.activation(self.norm(self.hidden(side_by_side)))  # (B, H)
        hidden = self.deeper(hidden)  # (B, H)
        return self.output_norm(self.output(hidden))  # (B, V)


_INITS: dict[str, Callable[..., None]] = {
    "scaled": initial.tanh_scaled_,
    "lecture": initial.lecture_part2_,
    "lecture_part3": initial.lecture_part3_,
    "lecture_deep": initial.lecture_layers_,
    "lecture_part5": partial(initial.lecture_layers_, confidence=0.1),
}
_LECTURE_NORMS: dict[str, Callable[[int], nn.Module]] = {
    "lecture_part3": partial(LectureBatchNorm, eps=0.0, momentum=0.001),
    "lecture_deep": LectureBatchNorm,
    "lecture_part5": LectureBatchNorm,
}
