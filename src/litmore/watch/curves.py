"""The losses of runs over their steps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from litmore.runs.history import Curve
from litmore.watch.canvas import INK, blank

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLES: dict[str, dict[str, Any]] = {
    "train/loss": {"linewidth": 1.0, "alpha": 0.45},
    "val/loss": {"linewidth": 2.0, "marker": "o", "markersize": 3},
    "test/loss": {"linestyle": "", "marker": "*", "markersize": 11},
}
"""How each loss is drawn."""


def loss_curves(curves: Sequence[Curve]) -> "Figure":
    """All curves in one picture, a colour a run; thin the training, thick the validation."""
    figure = blank(900, 560)
    axes = figure.add_axes((0.08, 0.1, 0.9, 0.86))
    runs = list(dict.fromkeys(curve.run for curve in curves))
    for curve in curves:
        axes.plot(
            curve.steps,
            curve.values,
            color=f"C{runs.index(curve.run) % 10}",
            label=f"{curve.run}  {curve.metric}  {curve.values[-1]:.4f}",
            **STYLES[curve.metric],
        )
    finite = np.concatenate([c.values[np.isfinite(c.values)] for c in curves] or [np.empty(0)])
    if finite.size:
        # A first loss far above the rest would flatten everything that comes after it.
        low, high = float(finite.min()), float(np.quantile(finite, 0.98))
        room = 0.06 * (high - low) or 0.1
        axes.set_ylim(low - room, high + 4 * room)
    axes.set_xlabel("optimizer steps", color=INK)
    axes.set_ylabel("loss (nats a character)", color=INK)
    axes.tick_params(colors=INK)
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    axes.legend(fontsize=8, labelcolor=INK)
    return figure
