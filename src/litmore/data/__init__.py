"""Text file → corpus → split → view → batches."""

from litmore.data.corpus import Corpus
from litmore.data.datamodule import NamesDataModule
from litmore.data.moons import MoonsDataModule
from litmore.data.vocabulary import Vocabulary

__all__ = ["Corpus", "MoonsDataModule", "NamesDataModule", "Vocabulary"]
