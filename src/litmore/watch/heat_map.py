"""What follows each character, as the lectures' heat map."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Integer
from lightning.pytorch import LightningModule, Trainer

from litmore.corpus.vocabulary import BOUNDARY
from litmore.models.base import CharLM
from litmore.models.count_bigram import CountBigram
from litmore.watch.drawing import Drawing
from litmore.watch.figures import heat_map, pixels

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class HeatMap(Drawing):
    """Show `bigram`: what has been counted, or how likely each character is after one other.

    Of a model of longer contexts that is the first character of a word: after `.a` come the second
    characters of words with an a. Of a bigram it is the whole model.

    Source: makemore lecture, part 1.

    Args:
        every_n_steps: between two drawings; None: a few times in the training; 0: at its end.

    """

    def __init__(self, every_n_steps: int | None = 0) -> None:
        super().__init__(every_n_steps)

    def draw(
        self, trainer: Trainer, pl_module: LightningModule, writer: "SummaryWriter", step: int
    ) -> None:
        """The picture."""
        if not isinstance(pl_module, CharLM):
            return
        if isinstance(pl_module, CountBigram):
            what = "how often the second character followed the first"
        else:
            what = "after the first character, % of the second"
        values = table(pl_module)
        if not np.isfinite(values).all():
            return
        figure = heat_map(values, pl_module.vocabulary.characters, what)
        writer.add_image("bigram", pixels(figure), step, dataformats="HWC")


def table(model: CharLM) -> Float[np.ndarray, "V V"] | Integer[np.ndarray, "V V"]:
    """A counting model's counts; any other's probabilities after one character."""
    if isinstance(model, CountBigram):
        return model.counts.cpu().numpy()
    previous = torch.arange(model.vocab_size, device=model.device)
    opened = torch.stack([torch.full_like(previous, BOUNDARY), previous], dim=1)  # (V, 2)
    logits = torch.cat([model.next_logits(opened[:1, :1]), model.next_logits(opened[1:])])
    return logits.float().softmax(-1).cpu().numpy()
