"""`configs`: the configs that come with litmore, listed, shown, copied."""

import os
import re
import sys
from collections.abc import Sequence
from itertools import dropwhile, takewhile
from pathlib import Path

from jsonargparse import ArgumentParser

from litmore.cli.parser import command_parser
from litmore.cli.shipped import shipped
from litmore.errors import InputError, nearest
from litmore.files import here


def run(is_alone: bool, names: Sequence[str] = (), to: str | None = None) -> None:
    """List the configs, print some, or copy them.

    Args:
        is_alone: Whether the process does nothing else; it is all the same here.
        names: Of configs, such as mlp or lecture/mlp; none: list them, or copy all.
        to: The folder to copy them into, by the same names.

    Raises:
        InputError: there is no such config, or a copy cannot be written or would replace a file.

    """
    known = shipped()
    for name in names:
        if name not in known:
            raise InputError(f"configs {name}: no such config{nearest(name, list(known))}")
    files = {name: known[name] for name in names or known}
    if to is not None:
        _copy(files, here("--to", to))
    elif names:
        sys.stdout.write("\n".join(path.read_text("utf-8") for path in files.values()))
    else:
        width = max(map(len, files), default=0) + 2
        for name, path in files.items():
            sys.stdout.write(f"{name:<{width}}{described(path)}\n")


def described(path: Path) -> str:
    """What a config is: the first sentence that it says of itself."""
    lines = path.read_text("utf-8").splitlines()
    said = takewhile(lambda line: line.startswith("# "), dropwhile(_is_for_editors, lines))
    text = " ".join(line.removeprefix("# ") for line in said)
    return re.split(r"(?<!et al)\. |:  ", text)[0].rstrip(".")


def _is_for_editors(line: str) -> bool:
    return line.startswith("# yaml-language-server:")


def _copy(files: dict[str, Path], folder: Path) -> None:
    copies = {folder / f"{name}.yaml": path for name, path in files.items()}
    for copy in copies:
        if os.path.lexists(copy):
            raise InputError(f"--to {folder}: {copy} is there already")
    for copy, path in copies.items():
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            with copy.open("xb") as file:
                file.write(path.read_bytes())
        except OSError as error:
            raise InputError(f"--to {folder}: {copy}: {error.strerror}") from None
        sys.stdout.write(f"{copy}\n")


def parser() -> ArgumentParser:
    """The arguments of `configs`."""
    purpose = "List the configs that come with litmore, or copy them."
    made = command_parser(run, "configs", purpose, {"names"})
    made.add_argument("names", nargs="*", help="Such as mlp or lecture/mlp (default: all).")
    return made
