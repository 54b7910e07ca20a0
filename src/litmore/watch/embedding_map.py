"""Where the characters lie in their embedding."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn

from litmore.models.base import CharLM
from litmore.watch.drawing import Drawing
from litmore.watch.figures import embedding_map, pixels
from litmore.watch.figures.embedding_map import plane

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class EmbeddingMap(Drawing):
    """Show `embedding`: the characters in two dimensions of their embedding, as they move.

    A model's embedding is its first table with a row for each token; of more than two columns the
    first two principal components are shown.

    Source: makemore lecture, part 2.
    """

    def __init__(self, every_n_steps: int | None = None) -> None:
        super().__init__(every_n_steps)
        self._places: Float[np.ndarray, "V 2"] | None = None

    def draw(
        self, trainer: Trainer, pl_module: LightningModule, writer: "SummaryWriter", step: int
    ) -> None:
        """The picture."""
        found = character_embedding(pl_module)
        if found is None or not isinstance(pl_module, CharLM):
            return
        name, weight = found
        self._places, share = plane(weight.float().cpu().numpy(), like=self._places)
        title = f"{name} after {step:,} steps"
        axis = "dimension"
        if weight.shape[1] > 2:
            title += f": {share:.0%} of the variance of its {weight.shape[1]} dimensions"
            axis = "principal component"
        figure = embedding_map(self._places, pl_module.vocabulary.characters, title, axis)
        writer.add_image("embedding", pixels(figure), step, dataformats="HWC")


def character_embedding(pl_module: LightningModule) -> tuple[str, Tensor] | None:
    """The name and the `Float[V, C]` of a character model's first table with a row a token."""
    if isinstance(pl_module, CharLM):
        for name, module in pl_module.named_modules():
            if isinstance(module, nn.Embedding) and module.num_embeddings == pl_module.vocab_size:
                return f"{name}.weight", module.weight.detach()
    return None
