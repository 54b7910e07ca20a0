"""The commands that are not LightningCLI's: litmore's own, and those that wings bring.

A wing's command bears the name of its folder, in which `command.py` has two functions: `parser()`,
and `run(is_alone, **settings)` of what it parses, where `is_alone` says that the process does
nothing else; it returns an exit code, or None for 0. Neither is imported before it is asked for.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType

TRAINING = {
    "fit": "Train a model, validate it and keep its checkpoints.",
    "validate": "Judge a checkpoint on the validation split.",
    "test": "Judge a checkpoint on the test split, once all is decided.",
    "predict": "Score words by a checkpoint, as CSV.",
}
"""LightningCLI's."""

_OWN = {"sample": "litmore.cli.sample", "plot": "litmore.cli.plot"}


def more_commands() -> dict[str, str]:
    """The module of each, by name."""
    wings = sorted(path.parent.name for path in Path(__file__).parents[1].glob("*/command.py"))
    return _OWN | {name: f"litmore.{name}.command" for name in wings}


def command(name: str) -> ModuleType:
    """The module of one of these."""
    return import_module(more_commands()[name])
