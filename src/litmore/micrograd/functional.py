"""Operations on many values at once, each a node with its derivatives worked out by hand."""

import math
import operator
from collections.abc import Sequence
from typing import SupportsIndex

from litmore.micrograd.engine import Value, node


def softmax(logits: Sequence[Value]) -> list[Value]:
    """Their exponentials, divided by the sum of these: probabilities."""
    logits = tuple(logits)
    shares = _shares(logits)
    return [
        node(p, "softmax", logits, [p * ((i == j) - q) for j, q in enumerate(shares)])
        for i, p in enumerate(shares)
    ]


def cross_entropy(logits: Sequence[Value], target: SupportsIndex) -> Value:
    """−log of the target's probability under the logits' softmax; the gradient: p − one-hot.

    Raises:
        ValueError: there is no such logit.

    """
    logits, right = tuple(logits), operator.index(target)
    if not 0 <= right < len(logits):
        raise ValueError(f"cross_entropy: target {right} of {len(logits)} logits")
    shares = _shares(logits)
    largest = max(x.data for x in logits)
    nats = math.log(sum(math.exp(x.data - largest) for x in logits)) + largest
    return node(
        nats - logits[right].data,
        "cross_entropy",
        logits,
        [p - (i == right) for i, p in enumerate(shares)],
    )


def gelu(x: Value) -> Value:
    """x times the share of a standard normal below it, by the tanh that GPT-2 takes for it."""
    a = x.data
    tanh = math.tanh(_ROOT * (a + 0.044715 * a**3))
    slope = (1 - tanh * tanh) * _ROOT * (1 + 3 * 0.044715 * a * a)
    return node(0.5 * a * (1 + tanh), "gelu", (x,), (0.5 * (1 + tanh) + 0.5 * a * slope,))


_ROOT = math.sqrt(2 / math.pi)


def _shares(logits: tuple[Value, ...]) -> list[float]:
    largest = max(x.data for x in logits)  # taken off: nothing overflows, and nothing changes
    powers = [math.exp(x.data - largest) for x in logits]
    whole = sum(powers)
    return [power / whole for power in powers]
