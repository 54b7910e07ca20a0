"""What happens beside training; one callback a file."""

from litmore.models.final_validation import FinalValidation
from litmore.runs.changed_settings import ChangedSettings
from litmore.runs.record import RunRecord
from litmore.runs.saving import Checkpoints
from litmore.training.lr_finder import LRFinder
from litmore.watch.difficulty import Difficulty
from litmore.watch.drawing import Drawing
from litmore.watch.embedding_map import EmbeddingMap
from litmore.watch.heat_map import HeatMap
from litmore.watch.histograms import Histograms
from litmore.watch.hparams import RunSummary
from litmore.watch.judgement import Judgement
from litmore.watch.metrics_csv import MetricsCSV
from litmore.watch.overfit_floor import OverfitFloor
from litmore.watch.progress_bar import TimedProgressBar
from litmore.watch.projector import Projector
from litmore.watch.run_text import RunText
from litmore.watch.samples import Samples
from litmore.watch.scalar_layout import ScalarLayout
from litmore.watch.tensorboard import TensorBoard
from litmore.watch.training_stats import TrainingStats

__all__ = [
    "ChangedSettings",
    "Checkpoints",
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
]
