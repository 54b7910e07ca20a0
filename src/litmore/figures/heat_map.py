"""How often each character follows each other one, as a heat map."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Integer

from litmore.figures.canvas import INK, blank
from litmore.figures.labels import legible
from litmore.figures.stamps import Stamps

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
        dark = np.asarray(norm(table)) > 0.55
        for i, j in np.ndindex(size, size):
            ink = "white" if dark[i, j] else INK
            stamps.write(
                labels[i] + labels[j], j, i - 0.19, _room(cell, labels[i] + labels[j]), ink
            )
            stamps.write(_short(table[i, j]), j, i + 0.23, 0.25 * cell, ink)
    long = max(map(len, labels)) > 2
    for i in range(0, size, int(np.ceil((LONG_LABEL if long else MIN_LABEL) / cell))):
        height = 7.0 if long else min(0.5 * max(cell, MIN_LABEL), 14.0)
        stamps.write(labels[i], -0.5 - (22 if long else 14) / cell, i, height, INK)
        stamps.write(labels[i], i, -0.5 - 14 / cell, height, INK)
    stamps.draw()
    return figure


def _room(cell: float, pair: str) -> float:
    """The height of letters of which so many go into a cell."""
    return cell * (0.30 if len(pair) < 4 else 1.3 / len(pair))


def _short(value: Any) -> str:
    """At most four glyphs: 6763, 12k, 1M; a probability in percent, 37.4."""
    if isinstance(value, (int, np.integer)):
        for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
            if value >= 10 * size:
                return f"{value // size}{unit}"
        return str(value)
    return f"{100 * float(value):.1f}" if value < 0.9995 else "100"
