"""The curves of runs, those of several seeds as their mean and its spread."""

import io
from collections.abc import Iterator, Sequence

import numpy as np

from litmore.compare.columns import Column
from litmore.compare.rows import Metric, Row
from litmore.compare.table import cell_text
from litmore.errors import InputError
from litmore.runs.history import Curve, curves_of
from litmore.watch.curves import loss_curves

SETTINGS_NAMED = 3
"""How many settings stand in the legend."""


def picture(rows: Sequence[Row], columns: Sequence[Column], metric: Metric) -> bytes:
    """A PNG.

    Raises:
        InputError: no run has logged the metric.

    """
    curves = [curve for row in rows for curve in _curves(row, columns, metric)]
    if not curves:
        raise InputError(f"--plot: {metric.name} was logged by no run")
    content = io.BytesIO()
    loss_curves(curves).savefig(content, format="png")
    return content.getvalue()


def _curves(row: Row, columns: Sequence[Column], metric: Metric) -> Iterator[Curve]:
    wanted: tuple[str, ...] = (metric.name,)
    if metric.name.startswith("val"):
        wanted = (f"train{metric.name.removeprefix('val')}", *wanted)
    settings = [column for column in columns if column.kind == "setting"][:SETTINGS_NAMED]
    told = [f"{c.name} {text}" for c in settings if (text := cell_text(c, row))]
    name = "  ".join([row.name, *told])
    by_metric: dict[str, list[Curve]] = {metric: [] for metric in wanted}
    for run in row.runs:
        for curve in curves_of(run.path, name, wanted):
            by_metric[curve.metric].append(curve)
    for found in filter(None, by_metric.values()):
        curve = mean_curve(found) if len(found) > 1 else found[0]
        if curve.steps.size:
            yield curve


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """Their mean and standard deviation, at all steps of any that lie within all."""
    first, last = max(c.steps[0] for c in curves), min(c.steps[-1] for c in curves)
    steps = np.unique(np.concatenate([curve.steps for curve in curves]))
    steps = steps[(first <= steps) & (steps <= last)]
    values = np.stack([np.interp(steps, curve.steps, curve.values) for curve in curves])
    one = curves[0]
    return Curve(one.run, one.metric, steps, values.mean(0), spread=values.std(0, ddof=1))
