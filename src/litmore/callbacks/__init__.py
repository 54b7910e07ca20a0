"""What happens beside training; one callback a file."""

from litmore.callbacks.changed_settings import ChangedSettings
from litmore.callbacks.checkpoints import Checkpoints
from litmore.callbacks.decision_boundary import DecisionBoundary
from litmore.callbacks.difficulty import Difficulty
from litmore.callbacks.drawing import Drawing
from litmore.callbacks.embedding_map import EmbeddingMap
from litmore.callbacks.final_validation import FinalValidation
from litmore.callbacks.heat_map import HeatMap
from litmore.callbacks.histograms import Histograms
from litmore.callbacks.judgement import Judgement
from litmore.callbacks.lr_finder import LRFinder
from litmore.callbacks.metrics_csv import MetricsCSV
from litmore.callbacks.overfit_floor import OverfitFloor
from litmore.callbacks.progress import TimedProgressBar
from litmore.callbacks.projector import Projector
from litmore.callbacks.run_record import RunRecord
from litmore.callbacks.run_summary import RunSummary
from litmore.callbacks.run_text import RunText
from litmore.callbacks.samples import Samples
from litmore.callbacks.scalar_layout import ScalarLayout
from litmore.callbacks.tensorboard import TensorBoard
from litmore.callbacks.training_stats import TrainingStats
from litmore.callbacks.word_scores import WordScores

__all__ = [
    "ChangedSettings",
    "Checkpoints",
    "DecisionBoundary",
    "Difficulty",
    "Drawing",
    "EmbeddingMap",
    "FinalValidation",
    "HeatMap",
    "Histograms",
    "Judgement",
    "LRFinder",
    "MetricsCSV",
    "OverfitFloor",
    "Projector",
    "RunRecord",
    "RunSummary",
    "RunText",
    "Samples",
    "ScalarLayout",
    "TensorBoard",
    "TimedProgressBar",
    "TrainingStats",
    "WordScores",
]
