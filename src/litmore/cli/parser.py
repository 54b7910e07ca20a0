"""Flags, and one line for each of their errors."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import NoReturn

from jsonargparse import ArgumentParser
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.cli import LightningArgumentParser

from litmore.errors import InputError


class OneLineErrors(ArgumentParser):
    """A parser that raises what is wrong as one line, instead of printing its usage and leaving."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise an InputError."""
        line = " ".join(message.split())
        line = re.sub(r'^Parser key "([^"]+)":', r"--\1:", line)
        # Of an optional class's two complaints, "it is not None" is the one nobody needs.
        union = re.match(r"(--\S+:) Does not validate .* Errors: - (.*?) - Expected a <class", line)
        raise InputError(f"{union[1]} {union[2]}" if union else line) from ex


class TrainingParser(OneLineErrors, LightningArgumentParser):
    """LightningCLI's, with such errors."""


@contextmanager
def refused(flag: str) -> Iterator[None]:
    """Turn what a library's constructor says against its settings into one line."""
    try:
        yield
    except (MisconfigurationException, ValueError, TypeError, ImportError) as error:
        raise InputError(f"{flag}: {' '.join(str(error).split())}") from error


def flag_values(args: Sequence[str], flag: str) -> list[str]:
    """What a flag is given, each time, as `--flag value` or `--flag=value`."""
    values = [arg.split("=", 1)[1] for arg in args if arg.startswith(f"{flag}=")]
    return values + [after for arg, after in pairwise(args) if arg == flag]
