from .corpus import Corpus as Corpus
from .datamodule import NamesDataModule as NamesDataModule
from .moons import MoonsDataModule as MoonsDataModule
from .vocabulary import Vocabulary as Vocabulary
