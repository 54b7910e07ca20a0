"""What does `F.cross_entropy` save over exp, sum and log by hand?

Time and peak memory of the loss and its gradient, at batch 32 and 32,768 with 27 classes, and where
the version by hand overflows.
"""

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from side_by_side import ratio, side_by_side, spread

CLASSES = 27


def by_hand(logits: Tensor, y: Tensor) -> Tensor:
    """As the lecture first writes it: counts, probabilities, their log, the mean."""
    counts = logits.exp()
    probabilities = counts / counts.sum(1, keepdim=True)
    return -probabilities[torch.arange(len(y)), y].log().mean()


def step(loss, logits: Tensor, y: Tensor) -> Tensor:
    """The loss and its gradient."""
    logits.grad = None
    value = loss(logits, y)
    value.backward()
    return value


def peak_bytes(loss, logits: Tensor, y: Tensor) -> int:
    """The most that the step's own tensors hold at once."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        step(loss, logits, y)
    held = peak = 0
    events = [e for e in recorded.profiler.kineto_results.events() if e.name() == "[memory]"]
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak


def first_overflow() -> int:
    """The smallest whole logit at which the version by hand is no number any more."""
    y = torch.zeros(1, dtype=torch.long)
    for logit in range(1, 200):
        row = torch.zeros(1, CLASSES)
        row[0, 0] = float(logit)
        if not by_hand(row, y).isfinite():
            return logit
    raise AssertionError("never")


def main() -> None:
    """Measure and print."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # on a shared machine, waiting for a second one is most of the time
    print("one thread; loss and gradient, median (lowest–highest)")
    for batch in (32, 32_768):
        logits = torch.randn(batch, CLASSES, requires_grad=True)
        y = torch.randint(CLASSES, (batch,))
        losses = {"by hand": by_hand, "built in": F.cross_entropy}
        seconds = side_by_side(
            {name: partial(step, loss, logits, y) for name, loss in losses.items()}
        )
        print(f"batch {batch:,}")
        for name, loss in losses.items():
            peak = peak_bytes(loss, logits, y) / 1024
            print(f"  {name:<9} {spread(seconds[name]):<28} peak {peak:,.1f} KiB")
        print(f"  by hand ÷ built in: {ratio(seconds['by hand'], seconds['built in'])}")
    print(f"by hand is NaN from a logit of {first_overflow()} on; built in never")


if __name__ == "__main__":
    main()
