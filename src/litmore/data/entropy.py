"""The loss that no model of a context can go below."""

import numpy as np
import torch
from torch import Tensor

from litmore.data.views import PAD, Batch


def entropy_floor(batch: Batch) -> float:
    """The conditional entropy of a batch's targets given their contexts, nats a character.

    A model that learnt the batch by heart would predict after each context the targets that follow
    it there, each as often as it does: its loss is this, and no model of that context has a lower.

    Args:
        batch: `windows`, whose contexts are the rows of x, or `words`, whose contexts are all
            beginnings of those rows, or `counts`.

    """
    x, y = batch
    if y.is_floating_point():  # counts: a row is a context
        share = y / y.sum(1, keepdim=True)
        return float(torch.special.entr(share.double()).mul(y.sum(1, keepdim=True)).sum() / y.sum())
    if y.dim() > 1:
        x, y = _beginnings(x), y.flatten()
    pairs = torch.cat([x, y[:, None]], dim=1)[y != PAD].cpu().numpy()
    context = np.unique(pairs[:, :-1], axis=0, return_inverse=True)[1].ravel()
    targets = np.stack([context, pairs[:, -1]], axis=1)
    distinct, times = np.unique(targets, axis=0, return_counts=True)
    of_context = np.bincount(context)[distinct[:, 0]]
    return float(-(times * np.log(times / of_context)).sum() / len(pairs))


def _beginnings(x: Tensor) -> Tensor:
    """Each row's beginnings of length 1 … T, filled up with −1: (B·T, T)."""
    length = x.shape[1]
    later = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
    return x[:, None, :].expand(-1, length, -1).masked_fill(later, PAD).flatten(0, 1)
