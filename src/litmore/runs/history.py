"""The metrics that a run has written down."""

import csv
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Integer

from litmore.errors import InputError
from litmore.runs.folder import EVENTS, TABLE

LOSSES = ("train/loss", "val/loss", "test/loss")

TEST_LOSS = "results/test_loss"
"""Where TensorBoard has it: its tabs put groups and columns in the order of their names."""

HPARAMS = "_hparams_/session_start_info"
"""A run's row in the HParams tab."""

PARAMETERS = "Parameters"
"""The column there that has their number."""

_IN_EVENTS = {
    "test/loss": TEST_LOSS,
    "cost/seconds": "results/wall_seconds",
    "epoch": "watch_epoch",
}

_WATCHED = ("optimizer", "saturated", "speed", "start", "update_ratio")


def in_events(metric: str) -> str:
    """What TensorBoard's events call a metric, lest a group comes before the losses."""
    if metric.partition("/")[0] in _WATCHED:
        return f"watch_{metric}"
    return _IN_EVENTS.get(metric, metric)


@dataclass(frozen=True)
class Curve:
    """One metric of one run.

    Attributes:
        run: the run's name.
        metric: such as `val/loss`, in nats a character.
        steps: ascending.
        values: one a step.
        spread: of several runs, how far they lie from these, their means.

    """

    run: str
    metric: str
    steps: Integer[np.ndarray, " points"]
    values: Float[np.ndarray, " points"]
    spread: Float[np.ndarray, " points"] | None = None


def find_runs(paths: Iterable[Path]) -> list[Path]:
    """The run folders among and below the paths, each once, in order.

    Raises:
        InputError: a path does not exist, or there is no run in it.

    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise InputError(f"plot {path}: no such folder")
        folder = path if path.is_dir() else path.parent
        files = [*folder.rglob(EVENTS), *folder.rglob(TABLE)]
        if not files:
            raise InputError(f"plot {path}: no run in it: no TensorBoard events, no {TABLE}")
        found.update(dict.fromkeys(sorted({file.parent for file in files}, key=_natural)))
    return list(found)


def curves_of(run: Path, name: str, metrics: Sequence[str] = LOSSES) -> list[Curve]:
    """Metrics of a run, from its events or else from its CSV table; those that are there.

    Args:
        run: its folder.
        name: what to call it.
        metrics: which.

    """
    points = dict(_from_events(run, metrics)) if any(run.glob(EVENTS)) else {}
    if not points and (run / TABLE).is_file():
        points = _from_table(run / TABLE, metrics)
    return [
        Curve(name, metric, *map(np.array, zip(*sorted(points[metric].items()), strict=True)))
        for metric in metrics
        if points.get(metric)
    ]


def _from_events(run: Path, metrics: Sequence[str]) -> Iterator[tuple[str, dict[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import (
        SCALARS,
        TENSORS,
        EventAccumulator,
    )

    # A run that went on is no news.
    logging.getLogger("tensorboard").setLevel(logging.ERROR)

    events = EventAccumulator(str(run), size_guidance={SCALARS: 0}).Reload()
    there = set(events.Tags()[SCALARS])
    for metric in metrics:
        for tag in {metric, in_events(metric)}:  # older versions have it as it is
            if tag in there:
                points = events.Scalars(tag)
                points = points[-1:] if tag == TEST_LOSS else points  # drawn as a level line
                yield metric, {each.step: each.value for each in points}
    if "cost/parameters" in set(metrics) - there and HPARAMS in events.Tags()[TENSORS]:
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

        content = events.SummaryMetadata(HPARAMS).plugin_data.content
        columns = HParamsPluginData.FromString(content).session_start_info.hparams
        if PARAMETERS in columns:
            yield "cost/parameters", {0: columns[PARAMETERS].number_value}


def _from_table(path: Path, metrics: Sequence[str]) -> dict[str, dict[int, float]]:
    """Either a row a metric, or, as Lightning's CSVLogger has it, a column a metric."""
    points: dict[str, dict[int, float]] = defaultdict(dict)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cells = {row["metric"]: row["value"]} if "metric" in row else row
            for metric in metrics:
                if cells.get(metric):
                    points[metric][int(row["step"])] = float(cells[metric])
    return points


def _natural(path: Path) -> list[tuple[int, str]]:
    """version_2 comes before version_10."""
    name, _, number = path.name.rpartition("_")
    version = (int(number), name) if number.isdigit() else (-1, path.name)
    return [(0, str(path.parent)), version]
