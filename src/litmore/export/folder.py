"""An export's folder, which is there whole or not at all."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from litmore.errors import InputError, RunError
from litmore.files import here

DESCRIPTION = "model.json"
WEIGHTS = "model.safetensors"
PROGRAM = "model.pt2"
ONNX = "model.onnx"
CONFIG = "config.yaml"
CARD = "README.md"
NAMES = {DESCRIPTION, WEIGHTS, PROGRAM, ONNX, CONFIG, CARD}


def check_folder(given: str) -> Path:
    """The folder that a flag means, if an export can lie there.

    Raises:
        InputError: there is something else, one works in it, or it cannot be written.

    """
    try:
        folder = here("--output", given).resolve()
        there = next(path for path in (folder, *folder.parents) if path.exists())
    except (OSError, RuntimeError) as error:  # a name too long; links in a circle
        raise InputError(f"--output {given}: {getattr(error, 'strerror', None) or error}") from None
    if not there.is_dir():
        raise InputError(f"--output {given}: {there} is a file")
    if Path.cwd().is_relative_to(folder):
        raise InputError(f"--output {given}: the folder is replaced whole; name one below this one")
    within = there if there != folder else folder.parent
    if not os.access(within, os.W_OK | os.X_OK):
        raise InputError(f"--output {given}: {within} cannot be written")
    if there == folder:
        _check_content(given, folder)
    return folder


def _check_content(given: str, folder: Path) -> None:
    """Nothing is there, or an earlier export alone."""
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise InputError(f"--output {given}: {error.strerror}") from None
    if names and not _is_export(folder):
        raise InputError(f"--output {given}: not empty, and no export; name another folder")
    if strangers := sorted(names - NAMES):
        raise InputError(
            f"--output {given}: replaced whole, and {strangers[0]} is no part of an export;"
            " move it, or name another folder"
        )


def _is_export(folder: Path) -> bool:
    try:
        described = json.loads((folder / DESCRIPTION).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(described, dict) and "litmore" in described


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files beside the folder, down to the disk, and move them into its place.

    Raises:
        RunError: they could not be written; what lay there before is as it was.

    """
    beside = folder.parent / f".export-{os.getpid()}"
    before = beside.with_suffix(".before")
    try:
        beside.mkdir(parents=True)
        for name, content in files.items():
            with (beside / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        try:
            if folder.is_dir() and any(folder.iterdir()):  # a rename replaces an empty one alone
                folder.rename(before)
            beside.rename(folder)
        except BaseException:
            if before.exists() and not folder.exists():
                before.rename(folder)
            raise
    except OSError as error:
        raise RunError(f"cannot write {folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    shutil.rmtree(before, ignore_errors=True)
