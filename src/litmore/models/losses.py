"""What is made of logits: losses and metrics, whichever view the batch is of."""

import math

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from litmore.data.views import PAD


def total_nll(logits: Float[Tensor, "*leading V"], y: Tensor) -> Float[Tensor, ""]:
    """The batch's negative log-likelihood in nats, summed over the predicted characters."""
    if logits.dim() > 2:
        logits, y = logits.flatten(0, -2), y.flatten()
    return F.cross_entropy(logits, y, ignore_index=PAD, reduction="sum")


def mean_nll(logits: Float[Tensor, "*leading V"], y: Tensor) -> Float[Tensor, ""]:
    """Nats a predicted character; of an ordinary batch, cheaper than the sum ÷ their number."""
    if y.is_floating_point():  # counts
        return total_nll(logits, y) / y.sum()
    if logits.dim() > 2:
        logits, y = logits.flatten(0, -2), y.flatten()
    return F.cross_entropy(logits, y, ignore_index=PAD)


def num_predicted(y: Tensor) -> Float[Tensor, ""]:
    """How many characters the batch predicts."""
    if y.is_floating_point():  # counts
        return y.sum()
    return (y != PAD).sum().float()


def total_correct(logits: Float[Tensor, "*leading V"], y: Tensor) -> Float[Tensor, ""]:
    """How many characters the most likely next one is right for."""
    if y.is_floating_point():
        return y.gather(-1, logits.argmax(-1, keepdim=True)).sum()
    return (logits.argmax(-1) == y).sum().float()


def metrics(stage: str, loss: float, accuracy: float) -> dict[str, float]:
    """The design's metric names for a loss in nats a character."""
    return {
        f"{stage}/loss": loss,
        f"{stage}/perplexity": math.exp(min(loss, 700.0)),
        f"{stage}/bits_per_char": loss / math.log(2),
        f"{stage}/accuracy": accuracy,
    }
