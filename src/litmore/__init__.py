"""makemore on Lightning: the name models of the makemore lectures as a research template."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    """`load` comes with the wing `export`, when it is asked for."""
    if name == "load" and find_spec("litmore.export") is not None:
        return import_module("litmore.export.load").load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
