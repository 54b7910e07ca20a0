"""How often each character follows each other one, as a heat map."""

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Integer

from litmore.figures.canvas import DPI, INK, blank
from litmore.figures.labels import legible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 756
"""Pixels of the map, for the lectures' 27 characters 28 each."""

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
    side, margin = cell * size, 46.0
    width, height = max(side, 240.0) + 2 * margin, side + 2 * margin
    figure = blank(width, height)
    axes = figure.add_axes((margin / width, margin / height, side / width, side / height))
    # The square root of it: the rare pairs would all be one white.
    norm = PowerNorm(0.5, 0, float(table.max()) or 1.0)
    axes.imshow(table, cmap="Blues", norm=norm)
    axes.set_title(title, color=INK, fontsize=11, loc="left", pad=24)
    labels, fonts = legible(characters)
    _label_axes(axes, labels, fonts, cell)
    if cell >= WRITTEN:
        dark = np.asarray(norm(table)) > 0.55
        stamps = _Stamps(axes, fonts, cell)
        for i, j in np.ndindex(size, size):
            ink = "white" if dark[i, j] else INK
            stamps.write(labels[i] + labels[j], j, i - 0.19, cell * 0.30, ink)
            stamps.write(_short(table[i, j]), j, i + 0.23, cell * 0.25, ink)
        stamps.draw()
    return figure


def _label_axes(axes: Any, labels: tuple[str, ...], fonts: tuple[str, ...], cell: float) -> None:
    every = int(np.ceil(9 / cell))  # 9 pixels a label, at least
    ticks = np.arange(0, len(labels), every)
    longest = max(map(len, labels))
    size = min(10.0, 0.72 * cell * every * 72 / DPI) / (1 if longest < 3 else 1.6)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [labels[i] for i in ticks], parse_math=False)
    axes.tick_params(length=0, labelsize=size, labelcolor=INK, labelfontfamily=list(fonts))
    axes.tick_params(axis="x", labeltop=True, labelbottom=True)
    axes.tick_params(axis="y", labelleft=True, labelright=True)
    if longest > 2:
        axes.tick_params(axis="x", labelrotation=90)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _short(value: float | int | np.generic) -> str:
    """At most four glyphs: 6763, 12k, 1M; a probability in percent, 37.4."""
    if isinstance(value, (int, np.integer)):
        for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
            if value >= 10 * size:
                return f"{value // size}{unit}"
        return str(value)
    return f"{100 * float(value):.1f}" if value < 0.9995 else "100"


class _Stamps:
    """Many short texts, fast: a glyph is laid out once, and stamped as a marker wherever it stands.

    matplotlib lays out each text by itself, which for a map of 27 × 27 takes a second.
    """

    def __init__(self, axes: Any, fonts: tuple[str, ...], cell: float) -> None:
        from matplotlib.font_manager import FontProperties

        self._axes = axes
        self._font = FontProperties(family=list(fonts))
        self._cell = cell
        self._places: dict[tuple[str, float, str], list[tuple[float, float]]] = defaultdict(list)
        self._glyphs: dict[str, tuple[Any, float]] = {}

    def write(self, text: str, x: float, y: float, size: float, ink: str) -> None:
        """Put a text's middle at these cells, in a size in pixels."""
        pitch = size / self._cell
        widths = [self._glyph(glyph)[1] * pitch for glyph in text]
        at = x - sum(widths) / 2
        for glyph, width in zip(text, widths, strict=True):
            self._places[glyph, size, ink].append((at + width / 2, y))
            at += width

    def _glyph(self, glyph: str) -> tuple[Any, float]:
        """Its outline around its middle, and its width, in ems."""
        if glyph not in self._glyphs:
            from matplotlib.path import Path
            from matplotlib.textpath import TextPath

            # Between two bars of known place, which tell how far it reaches.
            outline = TextPath((0, 0), glyph, size=1, prop=self._font, usetex=False)
            between = TextPath((0, 0), f"|{glyph}|", size=1, prop=self._font).get_extents()
            bar = TextPath((0, 0), "||", size=1, prop=self._font).get_extents()
            width = between.width - bar.width
            middle = (outline.get_extents().x0 + outline.get_extents().x1) / 2
            vertices = outline.vertices - (middle if len(outline.vertices) else 0, 0.36)
            # A hair off the axes, or the upright ones (l, i, .) are snapped to pixels, to nothing.
            vertices = vertices @ ((1.0, 0.01), (0.01, 1.0))
            self._glyphs[glyph] = Path(vertices, outline.codes), width
        return self._glyphs[glyph]

    def draw(self) -> None:
        """All of them."""
        for (glyph, size, ink), places in self._places.items():
            outline = self._glyphs[glyph][0]
            if not len(outline.vertices):
                continue
            reach = float(np.abs(outline.vertices).max())  # which matplotlib scales to a half
            self._axes.plot(
                *np.array(places).T,
                linestyle="",
                marker=outline,
                markersize=2 * reach * size * 72 / DPI,
                markerfacecolor=ink,
                markeredgewidth=0,
            )
