"""Data → matplotlib figures: pure functions, without pyplot's state; matplotlib is loaded late."""

from litmore.watch.figures.canvas import pixels
from litmore.watch.figures.curves import loss_curves
from litmore.watch.figures.difficulty import difficulty
from litmore.watch.figures.embedding_map import embedding_map
from litmore.watch.figures.heat_map import heat_map
from litmore.watch.figures.labels import legible

__all__ = [
    "difficulty",
    "embedding_map",
    "heat_map",
    "legible",
    "loss_curves",
    "pixels",
]
