"""Which characters the model finds hard."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.nn import functional as F

from litmore.data.datamodule import NamesDataModule
from litmore.data.views import PAD, Batch
from litmore.models.base import CharLM
from litmore.watch.drawing import Drawing
from litmore.watch.figures import difficulty, pixels

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

EXAMPLES = 20_000
"""Characters judged at least, if there are so many."""


class Difficulty(Drawing):
    """Show `difficulty`: the loss of each next character, and after each previous one.

    On the first held-out batches, or the first training ones where there are none.

    Args:
        every_n_steps: between two drawings; None: a few times in the training; 0: at its end.

    """

    def __init__(self, every_n_steps: int | None = 0) -> None:
        super().__init__(every_n_steps)

    def draw(
        self, trainer: Trainer, pl_module: LightningModule, writer: "SummaryWriter", step: int
    ) -> None:
        """The picture."""
        datamodule = getattr(trainer, "datamodule", None)
        if not isinstance(pl_module, CharLM) or not isinstance(datamodule, NamesDataModule):
            return
        split = next((s for s in ("val", "train") if len(datamodule.splits[s])), None)
        if split is None:
            return
        view = datamodule.view_of(datamodule.splits[split])
        batches = (
            view[torch.arange(first, min(first + 2048, len(view)))]
            for first in range(0, len(view), 2048)
        )
        nll, times = pair_losses(pl_module, batches, EXAMPLES)
        if not nll.isfinite().all():
            return
        figure = difficulty(
            nll.cpu().numpy(),
            times.cpu().numpy(),
            pl_module.vocabulary.characters,
            f"loss on {split}, {int(times.sum()):,} characters, after {step:,} steps",
        )
        writer.add_image("difficulty", pixels(figure), step, dataformats="HWC")


def pair_losses(
    model: CharLM, batches: Iterable[Batch], examples: int
) -> tuple[Float[Tensor, "V V"], Float[Tensor, "V V"]]:
    """The negative log-likelihood of each pair (previous, next), summed, and how often it came.

    Args:
        model: judged as it is.
        batches: of any view; taken until so many characters are judged.
        examples: how many.

    """
    size, device = model.vocab_size, model.device
    nll = torch.zeros(size * size, dtype=torch.float64, device=device)
    times = torch.zeros_like(nll)
    for batch in batches:
        x, y = (part.to(device) for part in batch)
        logits = model(x).float()
        if y.is_floating_point():  # counts: (B, V)
            pairs = x[:, -1:] * size + torch.arange(size, device=device)
            weights = y.double()
            losses = torch.where(weights > 0, -logits.log_softmax(-1).double() * weights, 0.0)
        else:
            previous = (x if y.dim() == x.dim() else x[:, -1]).flatten()
            target = y.flatten()
            kept = target != PAD
            pairs = (previous * size + target)[kept]
            losses = F.cross_entropy(logits.flatten(0, -2)[kept], target[kept], reduction="none")
            weights = torch.ones_like(losses)
        nll.index_add_(0, pairs.flatten(), losses.double().flatten())
        times.index_add_(0, pairs.flatten(), weights.double().flatten())
        if times.sum() >= examples:
            break
    return nll.view(size, size), times.view(size, size)
