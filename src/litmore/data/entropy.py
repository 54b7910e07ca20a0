"""The loss that no model of a context can go below."""

import numpy as np

from litmore.data.views import AnyBatch


def entropy_floor(batch: AnyBatch) -> float:
    """The conditional entropy of a batch's targets given their contexts, nats a character.

    A model that learnt the batch by heart would predict after each context the targets that follow
    it there, each as often as it does: its loss is this, and no model of that context has a lower.
    """
    _, _, following, times = (part.cpu().numpy() for part in batch.predictions())
    contexts = batch.contexts().cpu().numpy()
    context = np.unique(contexts, axis=0, return_inverse=True)[1].ravel()
    pairs = np.stack([context, following], axis=1)
    distinct, pair = np.unique(pairs, axis=0, return_inverse=True)
    of_pair = np.bincount(pair.ravel(), weights=times)
    of_context = np.bincount(context, weights=times)[distinct[:, 0]]
    return float(-(of_pair * np.log(of_pair / of_context)).sum() / of_pair.sum())
