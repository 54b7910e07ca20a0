"""What a checkpoint's run recorded, which lies below the configs and flags given by hand."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from litmore.cli.classes import listed
from litmore.cli.given import Given
from litmore.files import here
from litmore.runs import checkpoint as checkpoints
from litmore.runs.begun import Begun, find_begun, restarted_since
from litmore.runs.folder import AUTO, LOGS, ROOT, find_checkpoint
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
    named = given.text("ckpt_path")
    root = here(ROOT, given.text("trainer.default_root_dir", LOGS))
    own = given.text("run_name")
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
        last = None if is_start else find_checkpoint(str(named), root, name, root_flag=ROOT)
    os.environ[CHOICE] = f"{os.getpid()} {last or ''}"
    return begun, last


def recorded_for(
    command: str, checkpoint: dict[str, Any], is_ours: bool, notes: list[str]
) -> dict[str, Any]:
    """What of the checkpoint's config a command goes by.

    Args:
        command: such as `fit`.
        checkpoint: its content.
        is_ours: whether it lies in a run's folder. Nobody knows who made any other: it says what
            was trained and by which numbers, but neither where to write nor what else to read, and
            names no code but the classes that the training is made of.
        notes: what is not gone by is added, as a line.

    """
    recorded = checkpoints.recorded_config(checkpoint)
    if not is_ours:
        _drop_foreign(recorded, notes if command == "fit" else [])
    if command != "fit":
        return {key: recorded[key] for key in ("model", "data")}
    # A part of TensorBoard that was there may have been deleted since.
    shown, known = recorded.get("tensorboard", {}), tensorboard_parser().get_defaults()
    recorded["tensorboard"] = {key: shown[key] for key in shown if key in known}
    return recorded


def _drop_foreign(recorded: dict[str, Any], notes: list[str]) -> None:
    """Take out of a stranger's config what would write, read or run something."""
    (recorded["data"].get("init_args") or {}).pop("predict_path", None)
    trainer = recorded.get("trainer") or {}
    kept = {key: trainer[key] for key in _OF_TRAINING & trainer.keys()}
    missed = [
        f"trainer.{key}"
        for key, usual in _MISSED.items()
        if trainer.get(key) not in (None, False, usual)
    ]
    for key in recorded.keys() - _OF_A_STRANGER:
        del recorded[key]
    if "trainer" in recorded:
        recorded["trainer"] = {k: v for k, v in kept.items() if isinstance(v, _NO_CLASS)}
    if missed:
        notes.append(
            f"a checkpoint that lies in no run's folder does not set {', '.join(missed)}; flags and"
            " configs do"
        )


_OF_A_STRANGER = {"model", "data", "optimizer", "lr_scheduler", "trainer", "seed_everything",
                  "monitor", "monitor_mode", "freeze"}  # fmt: skip
"""Settings that a checkpoint gives, whoever made it."""

_OF_TRAINING = {"accelerator", "accumulate_grad_batches", "benchmark", "check_val_every_n_epoch",
                "deterministic", "gradient_clip_algorithm", "gradient_clip_val",
                "limit_test_batches", "limit_train_batches", "limit_val_batches",
                "log_every_n_steps", "max_epochs", "max_steps", "max_time", "min_epochs",
                "min_steps", "num_sanity_val_steps", "overfit_batches", "precision",
                "reload_dataloaders_every_n_epochs", "sync_batchnorm",
                "use_distributed_sampler", "val_check_interval"}  # fmt: skip
"""The Trainer's among them: those that say what a training does, by a number or a word each."""

_NO_CLASS = (str, int, float, type(None))

_MISSED = {"callbacks": None, "default_root_dir": LOGS, "devices": "auto", "logger": True,
           "plugins": None, "profiler": None, "strategy": "auto"}  # fmt: skip
"""The Trainer's that are told of where they are left out, and how they usually stand."""


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
        if str(callback["class_path"]).endswith(".BatchSizeFinder"):
            name = (callback.get("init_args") or {}).get("batch_arg_name", "batch_size")
            found = (recorded["data"].get("init_args") or {}).get(name)
            if found is not None:
                settings.data.init_args[name] = found
