"""Checkpoints and records, whole on the disk whenever the process or the machine stops."""

import io
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from litmore.errors import RunError
from litmore.files import TEMPORARY, written_whole
from litmore.system import sync_folder


def write_atomically(path: Path, content: bytes | memoryview, *, to_disk: bool = True) -> None:
    """Write a file beside its place and move it there.

    Args:
        path: the file; its folder is there.
        content: all of it.
        to_disk: wait until it is there; else a power cut may take what a kill cannot.

    Raises:
        RunError: it could not be written; what lay there before is as it was.

    """
    try:
        with written_whole(path, to_disk=to_disk) as file:
            file.write(content)
        if to_disk:
            sync_folder(path.parent)  # the new name itself must reach it, too
    except OSError as error:
        raise RunError(
            f"cannot save {path}: {error.strerror}"
            f" ({len(content):,} bytes to write, {_free(path.parent)} free);"
            " what was saved before is as it was"
        ) from error


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed process was writing. No other may be writing there."""
    for path in folder.glob(f"*{TEMPORARY}"):
        with suppress(OSError):  # a folder is none of ours
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
        with suppress(OSError):  # it will say so itself
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(Path(path), content.getbuffer())


def _free(folder: Path) -> str:
    while not folder.exists():
        folder = folder.parent
    return f"{shutil.disk_usage(folder).free:,} bytes"
