"""Many short texts, fast."""

from collections import defaultdict
from typing import Any

import numpy as np
from jaxtyping import Float

from litmore.figures.canvas import DPI


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

    def write(self, text: str, x: float, y: float, size: float, ink: str) -> None:
        """Put a text's middle here, in a size in pixels."""
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

            outline = self._outline(glyph)
            # How far two bars come apart with the glyph between them.
            width = float(np.ptp(self._outline(f"|{glyph}|").vertices[:, 0]) - self._bars)
            x: Float[np.ndarray, " points"] = outline.vertices[:, 0]
            middle = (x.min() + x.max()) / 2 if x.size else 0.0
            vertices = outline.vertices - (middle, 0.36)
            # A hair off the axes, or the upright ones (l, i, .) are snapped to pixels, to nothing.
            vertices = vertices @ ((1.0, 0.01), (0.01, 1.0))
            self._glyphs[glyph] = Path(vertices, outline.codes), width
        return self._glyphs[glyph]

    def _outline(self, text: str) -> Any:
        from matplotlib.textpath import TextPath

        return TextPath((0, 0), text, size=1, prop=self._font)

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
                clip_on=False,
                scalex=False,
                scaley=False,
            )
