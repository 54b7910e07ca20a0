"""Data → matplotlib figures: pure functions, without pyplot's state; matplotlib is loaded late."""

from litmore.figures.canvas import pixels
from litmore.figures.curves import Curve, loss_curves
from litmore.figures.difficulty import difficulty
from litmore.figures.embedding_map import embedding_map
from litmore.figures.heat_map import heat_map
from litmore.figures.labels import legible

__all__ = [
    "Curve",
    "difficulty",
    "embedding_map",
    "heat_map",
    "legible",
    "loss_curves",
    "pixels",
]
