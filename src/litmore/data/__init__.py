"""Corpus → split → view → batches, by the names that users and configs write."""

from typing import TYPE_CHECKING

import lazy_loader

from litmore.corpus.corpus import Corpus
from litmore.corpus.source import Source
from litmore.corpus.vocabulary import Vocabulary

if TYPE_CHECKING:
    from litmore.data.datamodule import NamesDataModule
    from litmore.data.text import TextDataModule

# It imports Lightning, which takes seconds.
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__, submod_attrs={"datamodule": ["NamesDataModule"], "text": ["TextDataModule"]}
)

__all__ = ["Corpus", "NamesDataModule", "Source", "TextDataModule", "Vocabulary"]
