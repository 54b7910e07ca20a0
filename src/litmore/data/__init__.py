"""Text file → corpus → split → view → batches."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from litmore.data.corpus import Corpus
from litmore.data.source import Source
from litmore.data.vocabulary import Vocabulary

if TYPE_CHECKING:
    from litmore.data.datamodule import NamesDataModule
    from litmore.data.moons import MoonsDataModule

__all__ = ["Corpus", "MoonsDataModule", "NamesDataModule", "Source", "Vocabulary"]

_WITH_LIGHTNING = {"NamesDataModule": "datamodule", "MoonsDataModule": "moons"}
"""What is imported once it is asked for: reading words should not wait for Lightning."""


def __getattr__(name: str) -> Any:
    if name in _WITH_LIGHTNING:
        return getattr(import_module(f"litmore.data.{_WITH_LIGHTNING[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
