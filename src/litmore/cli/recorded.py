"""What a checkpoint's run recorded, which lies below the configs and flags given by hand."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from litmore.cli.classes import listed
from litmore.cli.given import Given
from litmore.runs import checkpoint as checkpoints
from litmore.runs.begun import Begun, find_begun, restarted_since
from litmore.runs.folder import AUTO, LOGS, find_checkpoint
from litmore.runs.signals import number_in
from litmore.watch.tensorboard import tensorboard_parser

CHOICE = "LITMORE_CHECKPOINT"
"""The environment variable with a process's choice, for those that it launches."""


def going_on(args: Sequence[str], given: Given) -> tuple[Begun | None, Path | None]:
    """The run that a command goes on with by itself, if it does, and the checkpoint's file.

    Of several processes the first one's choice counts: a run may begin or end while they look.
    """
    pid, _, path = os.environ.get(CHOICE, "").partition(" ")
    if pid == str(os.getppid()) and number_in("LOCAL_RANK"):
        return None, Path(path) if path else None
    named = given.get("ckpt_path")
    root = Path(given.get("trainer.default_root_dir") or LOGS)
    own = given.get("run_name")
    name = own or next((Path(config).stem for config in given.configs), None)
    begun = None
    if args[0] == "fit":
        since = restarted_since() if named != AUTO else None
        if named == AUTO or since is not None:
            seed = given.get("seed_everything")
            begun = find_begun(args, root, name, is_named=bool(own), seed=seed, since=since)
    if begun is not None:
        last = begun.last
    else:
        is_start = named is None or (args[0] == "fit" and named == AUTO)
        last = None if is_start else find_checkpoint(str(named), root, name)
    os.environ[CHOICE] = f"{os.getpid()} {last or ''}"
    return begun, last


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
