"""`new`: a project of one's own."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.machinery import PathFinder
from keyword import iskeyword, issoftkeyword
from pathlib import Path
from typing import Literal

from jsonargparse import ArgumentParser

from litmore.cli.parser import command_parser
from litmore.errors import InputError
from litmore.files import here
from litmore.system import quoted, relative

_NAME = re.compile(r"[A-Za-z](\w{0,58}[A-Za-z0-9])?", re.ASCII)
"""What both Python and a package's metadata take."""

_ROOMS = ("configs", "logs", "main", "src", "tests", "vendor")
"""What lies beside it; another module of that name would be found in its place."""


def run(
    is_alone: bool,
    folder: str,
    name: str | None = None,
    kind: Literal["names", "text", "plain"] = "names",
    wheel: str | None = None,
) -> None:
    """Write a repository of one's own, with litmore beneath it.

    Args:
        is_alone: Whether the process does nothing else; it is all the same here.
        folder: Where it is to lie; new, or empty.
        name: Of its package (default: the folder's).
        kind: A model of names or of running text, or a LightningModule and its data that have
            nothing to do with characters.
        wheel: Of litmore, to be pinned there (default: packed of the litmore that runs).

    Raises:
        InputError: the folder holds something or cannot be made, or the name is none for a module.

    """
    target = here("new", folder)
    _check_target(target, folder)
    name = _checked(name, "--name") if name else _checked(target.resolve().name, "new")
    from litmore.new.project import project
    from litmore.new.wheel import read_wheel
    from litmore.new.wheel import wheel as of_this

    content = read_wheel(Path(wheel).expanduser(), "--wheel") if wheel else of_this()
    _write(project(name, kind, content), target, folder)
    sys.stdout.write(f"{folder}\n")
    has_git = _git_init(target)
    at = quoted(relative(target))
    commit = f"\n  git add --all && git commit --message 'Begin {name}'" if has_git else ""
    sys.stderr.write(f"Next:\n  cd {at}\n  make fit\n  make test{commit}\n")


def _check_target(target: Path, folder: str) -> None:
    try:
        if target.is_symlink() and not target.exists():
            raise InputError(f"new {folder}: a link that leads nowhere")
        if target.exists() and not target.is_dir():
            raise InputError(f"new {folder}: a file; name a new folder")
        if target.is_dir() and any(target.iterdir()):
            raise InputError(f"new {folder}: not empty; name a new folder")
    except OSError as error:
        raise InputError(f"new {folder}: {error.strerror}") from None


def _checked(name: str, flag: str) -> str:
    """A name that a package may have."""
    other = "; give another by --name" if flag == "new" else ""
    if not _NAME.fullmatch(name):
        meant = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower()
        hint = f", such as --name {meant}" if _NAME.fullmatch(meant) else ""
        raise InputError(
            f"{flag} {name}: no package can be called so: letters, digits and _ alone, a letter"
            f" first, 60 at most{hint or other}"
        )
    if iskeyword(name) or issoftkeyword(name):
        raise InputError(f"{flag} {name}: a word of Python's{other}")
    if name in _ROOMS:
        raise InputError(f"{flag} {name}: a file or folder beside it is called so{other}")
    if name in sys.stdlib_module_names or _is_installed(name):
        raise InputError(f"{flag} {name}: there is a module of that name already{other}")
    return name


def _is_installed(name: str) -> bool:
    """In any case of its letters, which some systems do not tell apart; and not just lying here."""
    cwd = Path.cwd()
    path = [entry for entry in sys.path if entry and Path(entry).absolute() != cwd]
    return any(PathFinder.find_spec(each, path) for each in {name, name.lower()})


def _write(files: Mapping[str, bytes], target: Path, folder: str) -> None:
    """All of them or none."""
    unfinished: Path | None = None
    made = not target.exists()
    try:
        target.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=target))
        for inner, content in files.items():
            path = unfinished / inner
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for each in sorted(unfinished.iterdir()):
            each.rename(target / each.name)
        unfinished.rmdir()
    except OSError as error:
        if unfinished is not None:
            for inner in {Path(each).parts[0] for each in files}:
                _remove(target / inner)
            _remove(unfinished)
        if made and target.is_dir():
            target.rmdir()
        raise InputError(f"new {folder}: {error.strerror}") from None


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _git_init(target: Path) -> bool:
    """Make a repository of it, where there is git."""
    command = ["git", "init", "--quiet"]
    # Of a hook or a rebase that runs this, the repository is another.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(
            command, cwd=target, env=environment, capture_output=True, text=True, check=False
        )
    except OSError as error:
        sys.stderr.write(f"no repository: git: {error.strerror}\n")
        return False
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
        sys.stderr.write(f"no repository: git init: {said}\n")
    return done.returncode == 0


def parser() -> ArgumentParser:
    """The arguments of `new`."""
    purpose = "Write a repository of your own, with litmore beneath it."
    made = command_parser(run, "new", purpose, {"folder"})
    made.add_argument("folder", help="Where it is to lie; new, or empty.")
    return made
