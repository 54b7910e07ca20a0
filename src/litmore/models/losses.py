"""What is made of logits: losses and metrics, whichever view the batch is of."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from litmore.data.views import PAD, AnyBatch, Batch, WeightedBatch


def total_nll(logits: Float[Tensor, "*leading V"], batch: AnyBatch) -> Float[Tensor, ""]:
    """The batch's negative log-likelihood in nats, summed over the predicted characters.

    In float32 at least, whatever the logits are.
    """
    if isinstance(batch, WeightedBatch):
        each = F.cross_entropy(*_flat(logits, batch), ignore_index=PAD, reduction="none")
        return each @ batch.weights().flatten()
    return F.cross_entropy(*_flat(logits, batch), ignore_index=PAD, reduction="sum")


def mean_nll(logits: Float[Tensor, "*leading V"], batch: AnyBatch) -> Float[Tensor, ""]:
    """Nats a predicted character; of tokens, cheaper than the sum ÷ their number."""
    if isinstance(batch, Batch):
        return F.cross_entropy(*_flat(logits, batch), ignore_index=PAD)
    return total_nll(logits, batch) / batch.num_predicted()


def _flat(logits: Tensor, batch: AnyBatch) -> tuple[Tensor, Tensor]:
    """A row of logits for each target."""
    if logits.dtype.itemsize < 4:
        logits = logits.float()
    y = batch.y if batch.y.dtype == torch.long else batch.y.to(logits.dtype)
    return (logits.flatten(0, -2), y.flatten()) if logits.dim() > 2 else (logits, y)


def metrics(stage: str, loss: float, accuracy: float) -> dict[str, float]:
    """The design's metric names for a loss in nats a character."""
    return {
        f"{stage}/loss": loss,
        f"{stage}/perplexity": math.exp(min(loss, 700.0)),
        f"{stage}/bits_per_char": loss / math.log(2),
        f"{stage}/accuracy": accuracy,
    }
