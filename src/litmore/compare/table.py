"""A table of runs, as text that fits, as CSV and as JSON."""

import csv
import io
import json
import unicodedata
from collections.abc import Sequence
from typing import Any

from litmore.compare.columns import Cell, Column, value_of
from litmore.compare.rows import Metric, Row, Spread
from litmore.runs.summary import plain

GAP = "  "
LONGEST = 28
"""Of a cell on a terminal."""


def text(
    rows: Sequence[Row], columns: Sequence[Column], width: int | None
) -> tuple[str, list[str]]:
    """Lines of aligned columns.

    Args:
        rows: from the top.
        columns: from the left.
        width: of the terminal; None: as wide as it comes.

    Returns:
        The lines, and the columns that were left out of them for want of room.

    """
    limit = None if width is None else LONGEST
    shown = {
        column.name: [column.name, *(cell_text(column, row, limit) for row in rows)]
        for column in columns
    }
    widths = {name: max(map(display_width, cells)) for name, cells in shown.items()}
    left_out = []
    can_go = sorted(
        (column for column in columns if column.rank is not None), key=lambda c: c.rank or 0
    )
    while width is not None and _total(widths) > width and can_go:
        name = can_go.pop(0).name
        left_out.append(name)
        del shown[name], widths[name]
    kinds = {column.name: _is_number(column, rows) for column in columns}
    lines = [
        GAP.join(_padded(shown[name][at], widths[name], kinds[name]) for name in shown).rstrip()
        for at in range(len(rows) + 1)
    ]
    order = [column.name for column in columns]
    return "\n".join(lines), sorted(left_out, key=order.index)


def as_csv(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """A line a row; beside a mean its spread and of how many it is, in columns of their own."""
    heads = []
    for column in columns:
        off = _OFF.get(column.kind)
        heads += [column.name, *((f"{column.name} {off}", f"{column.name} n") if off else ())]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    for row in rows:
        line: list[Any] = []
        for column in columns:
            cell = column.of(row)
            line.append(_bare(value_of(cell)))
            if column.kind in _OFF:
                of = cell if isinstance(cell, Spread) else None
                line += [_bare(of.off), of.n] if of else ["", ""]
        writer.writerow(line)
    return out.getvalue()


_OFF = {"result": "std", "difference": "standard error"}


def as_json(
    rows: Sequence[Row], columns: Sequence[Column], metric: Metric, skipped: Sequence[str]
) -> str:
    """The rows with each of their runs."""
    found = [
        {
            "run": row.name,
            "status": row.status,
            "settings": {c.name: c.of(row) for c in columns if c.kind == "setting"},
            **{c.name: _object(c, c.of(row)) for c in columns if c.kind in _OFF},
            **{c.name: _bare(value_of(c.of(row))) for c in columns if c.kind == "cost"},
            "runs": [
                {
                    "path": str(run.path),
                    "seed": run.seed,
                    "why": run.summary.why,
                    "started": run.summary.started,
                    **metric.of(run),
                    "steps": run.summary.step,
                    "seconds": run.summary.seconds,
                }
                for run in row.runs
            ],
        }
        for row in rows
    ]
    whole = {"metric": metric.name, "is_max": metric.is_max, "rows": found, "skipped": skipped}
    return json.dumps(plain(whole), indent=1, default=str)


def _object(column: Column, cell: Cell) -> Any:
    if not isinstance(cell, Spread):
        return cell
    return {"mean": cell.mean, _OFF[column.kind].replace(" ", "_"): cell.off, "n": cell.n}


def cell_text(column: Column, row: Row, longest: int | None = LONGEST) -> str:
    """A cell for people."""
    return _cut(_said(column, row), longest)


def _said(column: Column, row: Row) -> str:
    cell = column.of(row)
    if cell is None:
        return ""
    if not isinstance(cell, Spread):
        return _setting(cell)
    if column.kind == "cost":
        return f"{cell.mean:,.{int(column.name == 'seconds' and cell.mean < 100)}f}"
    sign = "+" if column.kind == "difference" else ""
    digits = 4 if abs(cell.mean) < 1e5 else 0
    mean = f"{cell.mean:{sign}.{digits}f}"
    if cell.off is None:
        return mean if len(row.runs) == 1 else f"{mean} (1)"
    return f"{mean} ± {cell.off:.{digits}f} ({cell.n})"


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    line = " ".join(str(value).split()).encode("utf-8", "replace").decode()
    return "".join("?" if unicodedata.category(char) == "Cc" else char for char in line)


def _bare(value: Any) -> Any:
    """As CSV has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return "" if value is None else value


def _is_number(column: Column, rows: Sequence[Row]) -> bool:
    values = [value for row in rows if (value := value_of(column.of(row))) is not None]
    return column.kind == "difference" or all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )


def display_width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    return sum(
        0
        if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf")
        else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def _padded(text: str, width: int, to_right: bool) -> str:
    room = " " * (width - display_width(text))
    return room + text if to_right else text + room


def _cut(text: str, limit: int | None) -> str:
    """The end of a path tells more than its middle."""
    if limit is None or display_width(text) <= limit:
        return text
    head, tail = text[: limit // 3], text[-(limit // 2) :]
    while display_width(head + "…" + tail) > limit:
        tail = tail[1:] if len(tail) > 1 else tail
        head = head[:-1]
    return f"{head}…{tail}"


def _total(widths: dict[str, int]) -> int:
    return sum(widths.values()) + len(GAP) * (len(widths) - 1)
