"""`compare`: runs as a table, a CSV, JSON or a picture."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser

from litmore.cli.parser import command_parser
from litmore.compare.columns import Column, columns_of, find, value_of
from litmore.compare.rows import Row, choose_metric, rows_of
from litmore.compare.runs import find_runs
from litmore.compare.table import as_csv, as_json, text
from litmore.errors import InputError
from litmore.files import here
from litmore.runs.folder import LOGS

LINES = 5
"""How many lines tell of one kind of thing."""


def run(
    is_alone: bool,
    runs: Sequence[str],
    metric: str | None = None,
    sort: str | None = None,
    descending: bool = False,
    csv: str | None = None,
    json: bool = False,
    plot: str | None = None,
) -> None:
    """Print what runs were told and what came of it.

    Args:
        is_alone: Whether the process does nothing else; it is all the same here.
        runs: Runs' folders, or folders of several.
        metric: What to compare, such as val/accuracy or test/loss (default: what most of the runs
            are saved by).
        sort: Sort by a column, such as best or lr (default: the newest last).
        descending: The highest first.
        csv: Write the table as CSV, too.
        json: Print JSON in the table's place.
        plot: Draw the curves into a PNG, too: of several seeds their mean and spread.

    Raises:
        InputError: there is no run, metric or column of that name, or a file cannot be written.

    """
    found, skipped = find_runs(map(Path, runs))
    compared = choose_metric(found, metric)
    rows = rows_of(found, compared)
    columns = columns_of(rows, compared)
    if sort is not None:
        rows = _sorted(rows, find(sort, columns), descending)
    elif descending:
        rows = rows[::-1]
    if csv is not None:
        _write("--csv", csv, as_csv(rows, columns).encode("utf-8", "replace"))
    if plot is not None:
        from litmore.compare.picture import picture

        _write("--plot", plot, picture(rows, columns, compared))
    if json:
        sys.stdout.write(as_json(rows, columns, compared, skipped) + "\n")
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    table, left_out = text(rows, columns, width)
    sys.stdout.write(f"{table}\n")
    sys.stdout.flush()
    _tell(rows, left_out, skipped)


def _sorted(rows: Sequence[Row], column: Column, descending: bool) -> list[Row]:
    """Numbers before texts, and what has none last."""

    def key(row: Row) -> tuple[int, float, str]:
        cell = value_of(column.of(row))
        is_number = isinstance(cell, int | float)
        return (not is_number, float(cell) if is_number else 0.0, "" if is_number else str(cell))

    there = [row for row in rows if value_of(column.of(row)) not in (None, "")]
    return [
        *sorted(there, key=key, reverse=descending),
        *(row for row in rows if value_of(column.of(row)) in (None, "")),
    ]


def _write(flag: str, path: str, content: bytes) -> None:
    try:
        here(flag, path).write_bytes(content)
    except OSError as error:
        raise InputError(f"{flag} {path}: {error.strerror}") from None
    sys.stderr.write(f"{path}\n")


def _tell(rows: Sequence[Row], left_out: Sequence[str], skipped: Sequence[str]) -> None:
    """What the table does not."""
    notes = []
    if any(row.difference for row in rows):
        best = next(row for row in rows if row.is_best)
        notes.append(
            f"difference: to {best.name}, seed by seed: mean ± standard error (seeds); elsewhere ±"
            " is the standard deviation"
        )
    ended = [run for row in rows for run in row.runs if row.status != "finished"]
    if ended and len(ended) < sum(len(row.runs) for row in rows):
        notes.append("runs that have not finished are in no mean of those that have")
    told = [run for run in ended if run.summary.why]
    notes += _some([f"{r.name} {r.summary.status}: {r.summary.why}" for r in told])
    if left_out:
        notes.append(
            f"no room for {', '.join(left_out)}: in a wider terminal, by `| less -S` or by --csv"
        )
    notes += _some([f"left out: {why}" for why in skipped])
    sys.stderr.write("".join(f"{note}\n" for note in ("", *notes) if notes))


def _some(lines: Sequence[str]) -> list[str]:
    more = len(lines) - LINES
    return list(lines) if more <= 1 else [*lines[:LINES], f"… and {more:,} more like it"]


def parser() -> ArgumentParser:
    """The arguments of `compare`."""
    made = command_parser(
        run,
        "compare",
        "Set runs beside each other: the settings that differ, and what came of them.",
        {"runs"},
        descending="The highest first.",
        json="Print JSON in the table's place.",
    )
    says = "Runs' folders, or folders of several."
    made.add_argument("runs", nargs="*", default=[LOGS], help=says)
    return made
