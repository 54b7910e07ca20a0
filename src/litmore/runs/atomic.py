"""Files that are there whole or not at all, whenever the process or the machine stops."""

import io
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from litmore.errors import RunError
from litmore.system import sync_folder

TEMPORARY = ".tmp"
"""What the name of a file ends with that is not whole yet."""


def write_atomically(path: Path, content: bytes | memoryview, *, to_disk: bool = True) -> None:
    """Write a file beside its place and move it there.

    Args:
        path: the file.
        content: all of it.
        to_disk: wait until it is there; else a power cut may take what a kill cannot.

    Raises:
        RunError: it could not be written; what lay there before is as it was.

    """
    beside = path.with_name(f"{path.name}.{uuid4().hex}{TEMPORARY}")  # two may write one file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            if to_disk:
                os.fsync(file.fileno())
        beside.replace(path)
        if to_disk:
            sync_folder(path.parent)  # the new name itself must reach it, too
    except OSError as error:
        with suppress(OSError):  # a folder that turned read-only: the next start removes it
            beside.unlink(missing_ok=True)
        raise RunError(
            f"cannot save {path}: {error.strerror}"
            f" ({len(content):,} bytes to write, {_free(path.parent)} free);"
            " what was saved before is as it was"
        ) from error


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed process was writing. No other may be writing there."""
    for path in folder.glob(f"*{TEMPORARY}"):
        path.unlink(missing_ok=True)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning's way to write a checkpoint stages elsewhere and syncs nothing to the disk."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint atomically.

        Raises:
            RunError: it could not be written; the file that was there is as it was.

        """
        if storage_options is not None:
            raise TypeError("AtomicCheckpointIO takes no storage_options")
        content = io.BytesIO()
        torch.save(checkpoint, content)
        write_atomically(Path(path), content.getbuffer())


def _free(folder: Path) -> str:
    while not folder.exists():
        folder = folder.parent
    return f"{shutil.disk_usage(folder).free:,} bytes"
