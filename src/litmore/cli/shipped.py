"""The configs that come with litmore, found by their names: `mlp`, `lecture/mlp`."""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import litmore
from litmore.errors import InputError, nearest
from litmore.program import CHECKOUT

FLAGS = ("-c", "--config", "--search")
"""What takes such a name in a file's place."""

_A_PATH = re.compile(r"[\w.~][\w./\\ -]*")
"""What is meant for one: a config may be given as text, too."""


def shipped() -> dict[str, Path]:
    """The files, by their names: the repository's, or those that the wheel has beside the code."""
    folder = (CHECKOUT or Path(litmore.__file__).parent) / "configs"
    files = sorted(folder.rglob("*.yaml"), key=lambda path: (path.parent, path.name))
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in files}


def with_files(args: Sequence[str]) -> list[str]:
    """A command line in which a shipped config's name, where no such file is, is its path.

    Raises:
        InputError: there is neither such a file nor such a name; for help it does not matter.

    """
    found = list(args)
    is_strict = not any(arg.partition("=")[0].endswith("help") for arg in args)
    for place, arg in enumerate(args):
        flag, equals, value = arg.partition("=")
        if flag in FLAGS and equals:
            found[place] = f"{flag}={_file(flag, value, is_strict)}"
        elif flag in FLAGS and place + 1 < len(args):
            found[place + 1] = _file(flag, args[place + 1], is_strict)
    return found


def _file(flag: str, name: str, is_strict: bool) -> str:
    with suppress(OSError, RuntimeError):  # no name of a file: too long, or of no user
        if not _A_PATH.fullmatch(name) or Path(name).expanduser().is_file():
            return name
        known = shipped()
        if path := known.get(name):
            here = Path.cwd()
            return str(path.relative_to(here) if path.is_relative_to(here) else path)
        if is_strict and not Path(name).expanduser().exists():
            plain = name.removesuffix(".yaml").removeprefix("configs/")
            raise InputError(f"{flag} {name}: no such file{nearest(plain, list(known))}")
    return name
