"""A figure to draw on, and the pixels that come out."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

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
