"""The losses of runs over their steps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from litmore.runs.history import Curve
from litmore.watch.canvas import INK, blank

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLES: dict[str, dict[str, Any]] = {
    "train": {"linewidth": 1.0, "alpha": 0.45},
    "val": {"linewidth": 2.0, "marker": "o", "markersize": 3},
    "test": {"linestyle": "", "marker": "*", "markersize": 11},
}
"""How the metrics of each split are drawn."""

ALL_NAMED = 6
"""Up to so many curves each has its line in the legend; of more, one of each run."""

MOST_NAMED = 16
"""Lines that a legend has room for."""


def loss_curves(curves: Sequence[Curve]) -> "Figure":
    """All curves in one picture, a colour a run; thin the training, thick the validation.

    Of a mean of runs, a band shows how far they lie from it.
    """
    figure = blank(900, 560)
    axes = figure.add_axes((0.08, 0.1, 0.9, 0.86))
    runs = list(dict.fromkeys(curve.run for curve in curves))
    for curve in curves:
        colour = f"C{runs.index(curve.run) % 10}"
        # A run's last curve but its test's, which is a point: the validation's, if it has one.
        (*_, main) = [c for c in curves if c.run == curve.run and not _is_test(c)] or [curve]
        is_named = len(curves) <= ALL_NAMED or (
            curve is main and runs.index(curve.run) < MOST_NAMED
        )
        last = f"{curve.values[-1]:.4f}"
        if curve.spread is not None:
            last += f" ± {curve.spread[-1]:.4f}"
            low, high = curve.values - curve.spread, curve.values + curve.spread
            axes.fill_between(curve.steps, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(
            curve.steps,
            curve.values,
            color=colour,
            label=f"{curve.run}  {curve.metric}  {last}" if is_named else None,
            **STYLES.get(curve.metric.split("/")[0], STYLES["val"]),
        )
    finite = np.concatenate([c.values[np.isfinite(c.values)] for c in curves] or [np.empty(0)])
    if finite.size:
        # A first loss far above the rest would flatten everything that comes after it.
        low, high = float(finite.min()), float(np.quantile(finite, 0.98))
        room = 0.06 * (high - low) or 0.1
        axes.set_ylim(low - room, high + 4 * room)
    axes.set_xlabel("optimizer steps", color=INK)
    metrics = dict.fromkeys(curve.metric for curve in curves)
    is_loss = all(metric.endswith("/loss") for metric in metrics)
    axes.set_ylabel("loss (nats a character)" if is_loss else ", ".join(metrics), color=INK)
    axes.tick_params(colors=INK)
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    more = len(runs) - MOST_NAMED if len(curves) > ALL_NAMED else 0
    axes.legend(fontsize=8, labelcolor=INK, title=f"and {more:,} more" if more > 0 else None)
    return figure


def _is_test(curve: Curve) -> bool:
    return curve.metric.startswith("test")
