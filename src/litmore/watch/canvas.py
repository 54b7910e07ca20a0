"""A figure to draw on, many short texts on it, and the pixels that come out."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, UInt8

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 100

INK = "#1f2430"
"""Text, on the white that every figure brings along: legible on a light page and on a dark one."""


def blank(width: float | int, height: float | int) -> "Figure":
    """An empty figure of so many pixels, drawn in memory."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def pixels(figure: "Figure") -> UInt8[np.ndarray, "height width 3"]:
    """The figure as it looks, in red, green and blue."""
    figure.canvas.draw()
    rgba = np.asarray(figure.canvas.buffer_rgba())  # type: ignore[attr-defined]
    return np.ascontiguousarray(rgba[..., :3])


Text = tuple[str, float | int, float | int, float | int, str]
"""What to write, x and y of its middle, its height in pixels, its colour."""


class Stamps:
    """Texts at places of an axes: a glyph is laid out once, and stamped wherever it stands.

    matplotlib lays out each text by itself, which for a map of 27 × 27 takes a second.

    Args:
        axes: to write on.
        fonts: tried in this order.
        cell: pixels of one unit of the axes.

    """

    def __init__(self, axes: Any, fonts: tuple[str, ...], cell: float) -> None:
        from matplotlib.font_manager import FontProperties

        self._axes = axes
        self._font = FontProperties(family=list(fonts))
        self._bars = np.ptp(self._outline("||").vertices[:, 0])
        self._cell = cell
        self._places: dict[tuple[str, float, str], list[tuple[float, float]]] = defaultdict(list)
        self._glyphs: dict[str, tuple[Any, float]] = {}

    def write(self, texts: Iterable[Text]) -> None:
        glyphs, places = self._glyphs, self._places
        for text, x, y, size, ink in texts:
            for glyph in set(text) - glyphs.keys():
                glyphs[glyph] = self._glyph(glyph)
            widths = [glyphs[glyph][1] * size / self._cell for glyph in text]
            at = x - sum(widths) / 2
            for glyph, width in zip(text, widths, strict=True):
                places[glyph, size, ink].append((at + width / 2, y))
                at += width

    def _glyph(self, glyph: str) -> tuple[Any, float]:
        """Its outline around its middle, and its width, in ems."""
        from matplotlib.path import Path

        outline = self._outline(glyph)
        # How far two bars come apart with the glyph between them.
        width = float(np.ptp(self._outline(f"|{glyph}|").vertices[:, 0]) - self._bars)
        x: Float[np.ndarray, " points"] = outline.vertices[:, 0]
        middle = (x.min() + x.max()) / 2 if x.size else 0.0
        vertices = outline.vertices - (middle, 0.36)
        # A hair off the axes, or the upright ones (l, i, .) are snapped to pixels, to nothing.
        return Path(vertices @ ((1.0, 0.01), (0.01, 1.0)), outline.codes), width

    def _outline(self, text: str) -> Any:
        from matplotlib.textpath import TextPath

        return TextPath((0, 0), text, size=1, prop=self._font)

    def draw(self) -> None:
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
                clip_on=False,
                scalex=False,
                scaley=False,
            )
