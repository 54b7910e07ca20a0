"""What a run was: config.yaml and versions.yaml in its folder, the config in its checkpoints."""

import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
import yaml
from lightning.pytorch import Callback, LightningModule, Trainer

import litmore
from litmore.models.hyperparameters import keep_plain
from litmore.runs.atomic import remove_unfinished, write_atomically
from litmore.runs.begun import job, read_origin
from litmore.runs.folder import CONFIG, VERSIONS, RunFolder


class RunRecord(Callback):
    """Write down the run's complete config and what it ran on.

    Args:
        folder: the run's.
        config: every setting, as plain numbers, strings, lists and dicts.
        command: the arguments that began it.

    """

    def __init__(
        self, folder: RunFolder, config: dict[str, Any], command: Sequence[str] = ()
    ) -> None:
        self.folder = folder
        self.config = config
        self.command = list(command)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write both files, on the first process, once a checkpoint has proved to fit."""
        path = self.folder.share(trainer)
        data: Any = getattr(trainer, "datamodule", None)
        if hasattr(data, "settings"):  # a BatchSizeFinder has changed them
            self.config["data"]["init_args"].update(data.settings())
        if trainer.is_global_zero:
            remove_unfinished(path)
            # The config comes last: it makes the folder a run's.
            for name, content in ((VERSIONS, self._origin(path)), (CONFIG, self.config)):
                write_atomically(path / name, yaml.safe_dump(content, sort_keys=False).encode())

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint["config"] = self.config
        keep_plain(checkpoint, pl_module, getattr(trainer, "datamodule", None))

    def _origin(self, path: Path) -> dict[str, Any]:
        """Versions, and whose the run is; where it goes on, what began it stays."""
        before = read_origin(path)
        began = before.get("command") if before else self.command
        return {**versions(), "job": job() or before.get("job"), "command": began}


def versions() -> dict[str, str | None]:
    """The versions of what the figures depend on, and the git commit if there is one."""
    return {
        "litmore": litmore.__version__,
        "torch": str(torch.__version__),
        "lightning": lightning.__version__,
        "python": platform.python_version(),
        "git_commit": _git_commit(),
    }


def _git_commit() -> str | None:
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty", "--match="],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()
