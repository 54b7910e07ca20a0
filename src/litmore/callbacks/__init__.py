"""The callbacks that configs and users name."""

from typing import Any

from litmore.models.final_validation import FinalValidation
from litmore.training.lr_finder import LRFinder
from litmore.watch.drawing import Drawing
from litmore.watch.metrics_csv import MetricsCSV
from litmore.watch.overfit_floor import OverfitFloor
from litmore.watch.print_samples import PrintSamples
from litmore.watch.progress_bar import TimedProgressBar
from litmore.watch.tensorboard import part_classes, tensorboard

__all__ = [
    "Drawing",
    "FinalValidation",
    "LRFinder",
    "MetricsCSV",
    "OverfitFloor",
    "PrintSamples",
    "TimedProgressBar",
    "tensorboard",
]
__all__ += [part.__name__ for part in part_classes()]


def __getattr__(name: str) -> Any:
    """`HeatMap` and the other parts that are there."""
    for part in part_classes():
        if part.__name__ == name:
            return part
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
