"""How a file's lines become words: as they are, or a table's column; in which normal form."""

import csv
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Literal

from litmore.errors import InputError

NormalForm = Literal["NFC", "NFD", "NFKC", "NFKD"]

DELIMITERS = ",\t;|"

MAX_WEIGHT = 10**12
"""How often a word may count."""

Row = tuple[int, str, int]
"""The line that it stands on, the word, and how often it counts."""


@dataclass(frozen=True)
class Reading:
    """What is taken of a file.

    Args:
        column: a table's that holds the words, by the name at its head, or by its number, from 1;
            none: each line is a word.
        weight: the column that says how often each word counts, likewise.
        normalize: the Unicode normal form that the words are brought to.

    Raises:
        InputError: a weight is asked for without a column.

    """

    column: int | str | None = None
    weight: int | str | None = None
    normalize: NormalForm | None = None

    def __post_init__(self) -> None:
        if self.weight is not None and self.column is None:
            raise InputError(f"--data.weight {self.weight}: name the words' too, --data.column")

    @property
    def key(self) -> str:
        """Another for each; none where lines are taken as they are."""
        if self == Reading():
            return ""
        return "-" + hashlib.sha256(repr(astuple(self)).encode()).hexdigest()[:12]

    def rows(self, path: Path, lines: Iterable[str]) -> Iterator[Row]:
        """A table's rows that have a word and a weight above 0.

        Args:
            path: the table's, for what is said of it.
            lines: with their ends.

        Raises:
            InputError: there is no such column, a row lacks it, or a weight is no whole number.

        """
        lines = iter(lines)
        first = next(lines, "")
        delimiter = max(DELIMITERS, key=first.count)
        rows = _rows(path, chain([first], lines), delimiter)
        some = list(islice(rows, 2))
        if not some:
            return
        head = some[0][1]
        column = _place(path, "column", str(self.column), head)
        weight = None if self.weight is None else _place(path, "weight", str(self.weight), head)
        if not str(self.column).isdecimal() or _is_head(weight, *(row for _, row in some)):
            some = some[1:]
        for line, row in chain(some, rows):
            where = f"{path}:{line}"
            if max(column, weight or 0) >= len(row):
                raise InputError(f"{where}: {len(row)} column(s), less than are asked for")
            word = row[column].strip()
            if "\n" in word or "\r" in word:
                raise InputError(f"{where}: a word of several lines; is its quote closed?")
            times = 1 if weight is None else _times(where, row[weight].strip())
            if word and times:
                yield line, word, times


def _rows(path: Path, lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, and the line that each begins on."""
    table = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in table:
            if row:
                yield line, row
            line = table.line_num + 1
    except csv.Error as error:
        # An unclosed quote takes the rest of the file into its row.
        hint = f"; does a quote at {delimiter!r} or at a line's edge miss its other one?"
        raise InputError(f"{path}:{line}: {error}{hint}") from None


def _is_head(weight: int | None, first: list[str], second: Sequence[str] = ()) -> bool:
    """Whether a table's first row names its columns: there is no number where others have one."""
    if weight is not None and not first[weight].strip().isdecimal():
        return True
    pairs = zip(first, second, strict=False)
    return any(_is_number(below) and not _is_number(above) for above, below in pairs)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _place(path: Path, setting: str, wanted: str, head: list[str]) -> int:
    names = [name.strip() for name in head]
    if wanted.isdecimal() and 1 <= int(wanted) <= len(names):
        return int(wanted) - 1
    if wanted in names and not wanted.isdecimal():
        return names.index(wanted)
    shown = ", ".join(name[:30] for name in names[:20])
    raise InputError(f"--data.{setting} {wanted}: {path} has no such column; it begins {shown}")


def _times(where: str, text: str) -> int:
    if not text.isdecimal() or len(text) > 30 or int(text) > MAX_WEIGHT:
        raise InputError(
            f"{where}: the weight {text[:30]!r} is no whole number from 0 to {MAX_WEIGHT:,};"
            " --data.weight names the column"
        )
    return int(text)
