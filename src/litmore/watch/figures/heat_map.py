"""How often each character follows each other one, as a heat map."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Integer

from litmore.watch.figures.canvas import INK, blank
from litmore.watch.figures.labels import legible
from litmore.watch.figures.stamps import Stamps, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 756
"""Pixels of the map, for the lectures' 27 characters 28 each."""

MIN_LABEL = 11
"""Pixels that the labels of rows and columns keep apart; of small cells, some go without."""

LONG_LABEL = 40
"""The same, for labels such as U+4E2D."""

WRITTEN = 20
"""Pixels of a cell from which on there is room to write in it."""


def heat_map(
    table: Float[np.ndarray, "V V"] | Integer[np.ndarray, "V V"], characters: str, title: str = ""
) -> "Figure":
    """A row for each character, a column for each that may follow it.

    In each cell stand both characters and, below, the count or the probability in percent. An
    alphabet that leaves no room for that gets the colours alone.

    Args:
        table: counts, of an integer type, or probabilities. Rows: the previous character.
        characters: the vocabulary's, from id 1; row and column 0 are the boundary.
        title: above the map.

    """
    from matplotlib.colors import PowerNorm

    size = len(table)
    cell = min(max(SIDE / size, 4.0), 100.0)
    side, margin, edge = cell * size, 46.0, 10.0
    width, height = margin + max(side, 280.0) + edge, margin + side + edge
    figure = blank(width, height)
    axes = figure.add_axes((margin / width, edge / height, side / width, side / height))
    # The square root of it: the rare pairs would all be one white.
    norm = PowerNorm(0.5, 0, float(table.max()) or 1.0)
    axes.imshow(table, cmap="Blues", norm=norm)
    axes.set_title(title, color=INK, fontsize=11, loc="left", pad=24)
    labels, fonts = legible(characters)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
    stamps = Stamps(axes, fonts, cell)
    if cell >= WRITTEN:
        stamps.write(_cells(table, labels, np.asarray(norm(table)) > 0.55, cell))
    stamps.write(_margins(labels, cell))
    stamps.draw()
    return figure


def _cells(
    table: Any, labels: Sequence[str], dark: Bool[np.ndarray, "V V"], cell: float
) -> Iterator[Text]:
    """Both characters of each cell, and its value below."""
    for (i, j), value in np.ndenumerate(table):
        ink = "white" if dark[i, j] else INK
        pair = labels[i] + labels[j]
        room = 0.30 if len(pair) < 4 else 1.3 / len(pair)
        yield pair, j, i - 0.19, room * cell, ink
        yield _short(value), j, i + 0.23, 0.25 * cell, ink


def _margins(labels: Sequence[str], cell: float) -> Iterator[Text]:
    """The characters of the rows and columns; of small cells, every so many."""
    long = max(map(len, labels)) > 2
    height = 7.0 if long else min(0.5 * max(cell, MIN_LABEL), 14.0)
    for i in range(0, len(labels), math.ceil((LONG_LABEL if long else MIN_LABEL) / cell)):
        yield labels[i], -0.5 - (22 if long else 14) / cell, i, height, INK
        yield labels[i], i, -0.5 - 14 / cell, height, INK


def _short(value: Any) -> str:
    """At most four glyphs: 6763, 12k, 1M; a probability in percent, 37.4."""
    if isinstance(value, (int, np.integer)):
        for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
            if value >= 10 * size:
                return f"{value // size}{unit}"
        return str(value)
    return f"{100 * float(value):.1f}" if value < 0.9995 else "100"
