from .corpus import Corpus as Corpus
from .datamodule import NamesDataModule as NamesDataModule
from .moons import MoonsDataModule as MoonsDataModule
from .source import Source as Source
from .vocabulary import Vocabulary as Vocabulary
