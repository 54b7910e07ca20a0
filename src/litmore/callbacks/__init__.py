"""What happens beside training; one callback a file."""

from litmore.callbacks.changed_settings import ChangedSettings
from litmore.callbacks.checkpoints import Checkpoints
from litmore.callbacks.decision_boundary import DecisionBoundary
from litmore.callbacks.final_validation import FinalValidation
from litmore.callbacks.lr_finder import LRFinder
from litmore.callbacks.overfit_floor import OverfitFloor
from litmore.callbacks.progress import TimedProgressBar
from litmore.callbacks.run_record import RunRecord
from litmore.callbacks.word_scores import WordScores

__all__ = [
    "ChangedSettings",
    "Checkpoints",
    "DecisionBoundary",
    "FinalValidation",
    "LRFinder",
    "OverfitFloor",
    "RunRecord",
    "TimedProgressBar",
    "WordScores",
]
