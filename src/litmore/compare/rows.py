"""Runs as rows: those that differ by their seed alone are one."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from litmore.compare.runs import Run
from litmore.errors import InputError, nearest

BETTER_HIGH = ("acc", "accuracy", "auroc", "f1", "precision", "recall")
"""The ends of the names of metrics of which more is better, where no run says so."""


class Spread(NamedTuple):
    """Some values' mean, how far they lie from it, and how many they are.

    Of one value there is no telling how far. Of values, `off` is their sample standard deviation;
    of a mean of differences, its standard error.
    """

    mean: float
    off: float | None
    n: int


@dataclass(frozen=True)
class Row:
    """Runs of the same settings and the same fate, of different seeds.

    Attributes:
        runs: the newest last.
        values: by column; none that no run has.
        difference: to the best row, of the seeds that both have; None if those are fewer than two.
        is_best: whether this is that row.

    """

    runs: tuple[Run, ...]
    values: dict[str, Spread]
    difference: Spread | None = None
    is_best: bool = False

    @property
    def status(self) -> str:
        return self.runs[0].summary.status

    @property
    def settings(self) -> dict[str, Any]:
        return self.runs[0].settings

    @property
    def name(self) -> str:
        """`mlp/version_0`, or `mlp/version_0-4,7`."""
        if len(self.runs) == 1:
            return self.runs[0].name
        folders = {run.path.absolute().parent.name for run in self.runs}
        versions = [run.path.name.removeprefix("version_") for run in self.runs]
        if len(folders) > 1 or not all(version.isdecimal() for version in versions):
            return f"{self.runs[0].name} and {len(self.runs) - 1} more"
        return f"{folders.pop()}/version_{_ranges(sorted(map(int, versions)))}"


class Metric(NamedTuple):
    """What is compared.

    Attributes:
        name: such as `val/loss`.
        is_max: whether more is better.

    """

    name: str
    is_max: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """What is known of it of a run; the first that any row has ranks the rows."""
        if self.name.startswith("test"):
            return (self.name,)
        of_test = f"test{self.name.removeprefix('val')}"
        more = (of_test,) if self.name.startswith("val") else ()
        return (f"best {self.name}", f"last {self.name}", *more)

    def of(self, run: Run) -> dict[str, float]:
        """Its values in a run, by column."""
        summary = run.summary
        best = summary.best if summary.monitor == self.name else None
        found = {
            f"best {self.name}": best,
            f"last {self.name}": summary.last.get(self.name),
            **(summary.test or {}),
        }
        return {name: found[name] for name in self.columns if found.get(name) is not None}


def choose_metric(runs: Sequence[Run], name: str | None) -> Metric:
    """The metric of that name; without one, the one that most runs are saved by.

    Raises:
        InputError: no run has it.

    """
    known: Counter[str] = Counter()
    for run in runs:
        summary = run.summary
        known.update({*summary.last, *(summary.test or {})})
        if summary.best is not None:
            known[summary.monitor] += 1
    monitors = Counter(run.summary.monitor for run in runs)
    if name is None:
        wished = [each for each, _ in monitors.most_common()]
        others = sorted(known, key=lambda metric: (not metric.startswith("val"), metric))
        name = next((metric for metric in (*wished, *others) if metric in known), wished[0])
    elif name not in known:
        meant = nearest(name, list(known)) or f" (there are {', '.join(known) or 'none'})"
        raise InputError(f"--metric {name}: no run has it{meant}")
    modes = {run.summary.monitor_mode for run in runs if run.summary.monitor == name}
    is_max = "max" in modes if modes else name.endswith(BETTER_HIGH)
    return Metric(name, is_max)


def rows_of(runs: Iterable[Run], metric: Metric) -> list[Row]:
    """The rows, the newest last. A seed that was run again begins another."""
    groups: dict[tuple[str, str, int], list[Run]] = defaultdict(list)
    seen: Counter[tuple[str, str, int]] = Counter()
    for run in runs:
        told = {name: value for name, value in run.settings.items() if value is not None}
        same = json.dumps(told, sort_keys=True, default=str)
        again = 0
        if run.seed is not None:
            repeated = same, run.summary.status, run.seed
            again, seen[repeated] = seen[repeated], seen[repeated] + 1
        groups[same, run.summary.status, again].append(run)
    found = [_row(group, metric) for group in groups.values()]
    found.sort(key=lambda row: row.runs[-1].summary.started)
    return _compared(found, metric)


def _row(runs: Sequence[Run], metric: Metric) -> Row:
    values: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        summary = run.summary
        cost = {
            "steps": summary.step,
            "seconds": summary.seconds,
            "parameters": summary.parameters,
        }
        for name, value in {**metric.of(run), **cost}.items():
            if value is not None:
                values[name].append(float(value))
    return Row(tuple(runs), {name: spread(found) for name, found in values.items()})


def _compared(rows: Sequence[Row], metric: Metric) -> list[Row]:
    """The finished rows beside the best of them, seed by seed.

    Where there are rows of several seeds, the best is one of those: of one seed there is no telling
    luck from merit.
    """
    finished = [row for row in rows if row.status == "finished"]
    column = next((c for c in metric.columns if any(c in row.values for row in finished)), None)
    several = [row for row in finished if column in row.values and row.values[column].n > 1]
    ranked = [row for row in several if math.isfinite(row.values[str(column)].mean)]
    if column is None or not ranked or len(finished) == 1:
        return list(rows)
    pick = max if metric.is_max else min
    best = pick(ranked, key=lambda row: row.values[column].mean)
    theirs = _by_seed(best, metric, column)

    def compared(row: Row) -> Row:
        if row is best:
            return replace(row, is_best=True)
        ours = _by_seed(row, metric, column) if row.status == "finished" else {}
        of_both = [ours[seed] - theirs[seed] for seed in ours.keys() & theirs.keys()]
        if len(of_both) < 2:
            return row
        mean, deviation, n = spread(of_both)
        assert deviation is not None
        return replace(row, difference=Spread(mean, deviation / math.sqrt(n), n))

    return [compared(row) for row in rows]


def _by_seed(row: Row, metric: Metric, column: str) -> Mapping[int, float]:
    found = {run.seed: metric.of(run).get(column) for run in row.runs}
    return {s: v for s, v in found.items() if s is not None and v is not None}


def spread(values: Sequence[float]) -> Spread:
    """Of values, of which some may not be finite."""
    n = len(values)
    mean = math.fsum(values) / n if all(map(math.isfinite, values)) else sum(values) / n
    if n == 1:
        return Spread(mean, None, 1)
    return Spread(mean, math.sqrt(sum((value - mean) ** 2 for value in values) / (n - 1)), n)


def _ranges(numbers: Sequence[int]) -> str:
    """0-4,7 of 0, 1, 2, 3, 4, 7."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)
