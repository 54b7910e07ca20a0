"""What a checkpoint's run recorded, which lies below the configs and flags given by hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from litmore.cli.classes import listed
from litmore.cli.given import Given
from litmore.runs import checkpoint as checkpoints
from litmore.runs.folder import LOGS, find_checkpoint
from litmore.watch.tensorboard import tensorboard_parser


def named_checkpoint(given: Given) -> Path | None:
    """The file that `--ckpt_path` names."""
    path = given.get("ckpt_path")
    if path is None:
        return None
    root = Path(given.get("trainer.default_root_dir") or LOGS)
    name = given.get("run_name") or next((Path(config).stem for config in given.configs), None)
    return find_checkpoint(str(path), root, name)


def recorded_for(command: str, checkpoint: dict[str, Any]) -> dict[str, Any]:
    """What of the checkpoint's config a command goes by."""
    recorded = checkpoints.recorded_config(checkpoint)
    if command != "fit":
        return {key: recorded[key] for key in ("model", "data")}
    # A part of TensorBoard that was there may have been deleted since.
    shown, known = recorded.get("tensorboard", {}), tensorboard_parser().get_defaults()
    recorded["tensorboard"] = {key: shown[key] for key in shown if key in known}
    return recorded


def give_way(recorded: Mapping[str, Any], settings: Namespace, given: Given) -> None:
    """Drop what was recorded and is not meant by what is given now; the settings are changed."""
    _drop_old_hash(recorded["data"].get("init_args", {}), settings.data.init_args)
    if "trainer" in recorded:
        _drop_doubles(recorded["trainer"], settings.trainer, given)
        _keep_found_size(recorded, settings)


def _drop_old_hash(old: Mapping[str, Any], new: Namespace) -> None:
    """Another file given by hand is not the one whose hash the checkpoint holds."""
    if old.get("sha256") is None or new.get("sha256") != old["sha256"]:
        return
    path = new.get("path") and str(Path(new.path).expanduser().absolute())
    if (path, new.get("url")) != (old.get("path"), old.get("url")):
        new.sha256 = None


def _drop_doubles(recorded: Mapping[str, Any], trainer: Namespace, given: Given) -> None:
    """What is added to a recorded list, as `callbacks+=` does, replaces what it had of that class.

    So a command line can be run again, with `--ckpt_path last` behind it. A list that is given
    whole stays as it is.
    """
    for key in ("callbacks", "logger", "plugins"):
        old, now = listed(recorded.get(key)), trainer.get(key)
        is_added_to = (
            given.get(f"trainer.{key}+") is not None and given.get(f"trainer.{key}") is None
        )
        if is_added_to and isinstance(now, list):
            added = now[len(old) :]
            again = {each.class_path for each in added}
            before = [each for each in now[: len(old)] if each.class_path not in again]
            trainer[key] = before + added


def _keep_found_size(recorded: Mapping[str, Any], settings: Namespace) -> None:
    """What a run's BatchSizeFinder has found stays, whatever it began with."""
    for callback in listed(recorded["trainer"].get("callbacks")):
        if callback["class_path"].endswith(".BatchSizeFinder"):
            name = callback["init_args"]["batch_arg_name"]
            settings.data.init_args[name] = recorded["data"]["init_args"][name]
