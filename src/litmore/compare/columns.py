"""Which columns a table of runs has, and what stands in them."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from litmore.compare.rows import Metric, Row, Spread
from litmore.errors import InputError, nearest

Cell = Spread | str | int | float | bool | list | dict | None


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: its head.
        of: what stands in it.
        also: other names that `--sort` takes for it.
        kind: a `setting` is what a run was told; a `result` and the `difference` of one have a
            spread, a `cost` has none that matters.
        rank: what is shown where not all fits: the lower the sooner left out; None: always shown.

    """

    name: str
    of: Callable[[Row], Cell]
    also: tuple[str, ...] = ()
    kind: Literal["name", "setting", "result", "difference", "cost"] = "name"
    rank: int | None = None


def columns_of(rows: Sequence[Row], metric: Metric) -> list[Column]:
    """The run, the settings that are not the same everywhere, and what came of it."""
    found = [c for c in metric.columns if any(c in row.values for row in rows)]
    ranks = [None, *(5 if name.startswith("last") else 40 for name in found[1:])]
    results = [
        Column(name, _value(name), kind="result", rank=rank)
        for name, rank in zip(found, ranks, strict=False)
    ]
    if any(row.difference for row in rows):
        results.insert(1, Column("difference", _difference, kind="difference", rank=45))
    costs = [
        Column(name, _value(name), kind="cost", rank=rank)
        for name, rank in (("steps", 8), ("seconds", 7), ("parameters", 6))
    ]
    before = [Column("run", lambda row: row.name)]
    status = Column("status", lambda row: row.status, rank=50)
    taken = {column.name for column in (*before, status, *results, *costs)}
    return [*before, *_settings(rows, taken), status, *results, *costs]


def find(name: str, columns: Sequence[Column]) -> Column:
    """The column of a name, as it is headed, or as a flag or its first word says it.

    Raises:
        InputError: there is none.

    """
    for column in columns:
        if name in (column.name, *column.also, column.name.split()[0]):
            return column
    known = [other for column in columns for other in (column.name, *column.also)]
    meant = nearest(name, known) or f" (there are {', '.join(c.name for c in columns)})"
    raise InputError(f"--sort {name}: no such column{meant}")


def _value(name: str) -> Callable[[Row], Cell]:
    return lambda row: row.values.get(name)


def _difference(row: Row) -> Cell:
    return "best" if row.is_best else row.difference


def _settings(rows: Sequence[Row], taken: set[str]) -> list[Column]:
    """What differs between runs of one model comes first, and what most of them have."""
    names = _differing(rows)
    models = {row.settings.get("model") for row in rows}
    of_models = [[r for r in rows if r.settings.get("model") == model] for model in models]
    varied = {name for of_one in of_models for name in _differing(of_one)}
    had = {name: sum(row.settings.get(name) is not None for row in rows) for name in names}
    names.sort(key=lambda n: (n != "model", n not in varied, -had[n], _part(n)))
    short = _short(names, taken)
    columns = []
    for at, name in enumerate(names):
        rank = _SHOWN[at] if at < len(_SHOWN) else -at
        columns.append(Column(short[name], _setting(name), (name,), kind="setting", rank=rank))
    return columns


_SHOWN = (60, 55, 46)
"""The ranks of the first settings: before and after the status, and before the difference."""


def _setting(name: str) -> Callable[[Row], Cell]:
    return lambda row: row.settings.get(name)


def _differing(rows: Sequence[Row]) -> list[str]:
    """The settings that differ where they are there, and do not follow from others.

    What is the same in all runs that have it comes with their class.
    """
    values: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for name, value in row.settings.items():
            values[name].add(repr(value))
    names = [name for name in values if len(values[name]) > 1]
    of_data = [n for n in names if n.startswith("data") and n not in _FOLLOWING]
    return [n for n in names if n not in _FOLLOWING or not _follows(n, of_data, rows)]


def _follows(name: str, others: Sequence[str], rows: Sequence[Row]) -> bool:
    """Whether a setting is told by the others."""
    told: dict[str, str] = {}
    for row in rows:
        key, value = repr([row.settings.get(n) for n in others]), repr(row.settings.get(name))
        if told.setdefault(key, value) != value:
            return False
    return True


_FOLLOWING = ("data.sha256", "data.vocabulary", "model.vocabulary")
"""A file's hash and its characters."""


def _part(name: str) -> int:
    part = name.partition(".")[0]
    order = ("model", "optimizer", "lr_scheduler", "data", "trainer")
    return order.index(part) if part in order else len(order)


def _short(names: Sequence[str], taken: set[str]) -> dict[str, str]:
    """The last part of each name, or as many of the last as tell it from all others."""
    short = {}
    for name in names:
        parts = name.split(".")
        ends = [".".join(parts[at:]) for at in reversed(range(len(parts)))]
        others = [f".{other}" for other in names if other != name]
        short[name] = next(
            (
                end
                for end in ends
                if end not in taken and not any(other.endswith(f".{end}") for other in others)
            ),
            name,
        )
    return short


def value_of(cell: Cell) -> Any:
    """The mean of what has one."""
    return cell.mean if isinstance(cell, Spread) else cell
