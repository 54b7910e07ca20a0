"""The classes that settings name, before they are made."""

import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from inspect import signature
from typing import Any

from jsonargparse import Namespace

from litmore.cli.given import Given


def class_of(settings: Mapping[str, Any] | Namespace) -> Any:
    """The class of a group's `class_path`, which the parser has imported; else None."""
    module, _, name = str(settings.get("class_path")).rpartition(".")
    return getattr(sys.modules.get(module), name, None)


def named_classes(settings: Any, key: str) -> Iterator[tuple[Any, str]]:
    """All below a key, each with what a message calls it: `--trainer.logger CSVLogger`."""
    if isinstance(settings, list):
        for each in settings:
            yield from named_classes(each, key)
    elif isinstance(settings, Namespace):
        if "class_path" in settings:
            yield class_of(settings), f"--{key} {settings.class_path.rpartition('.')[2]}"
        for name, value in vars(settings).items():
            yield from named_classes(value, key if name == "init_args" else f"{key}.{name}")


def drop_doubles(recorded: Mapping[str, Any], trainer: Namespace, given: Given) -> None:
    """What is added to a recorded list, as `callbacks+=` does, replaces what it had of that class.

    So a command line can be run again, with `--ckpt_path last` behind it.

    Args:
        recorded: the Trainer's settings in a checkpoint.
        trainer: those of now; they are changed.
        given: by hand; a list that is given whole stays as it is.

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


def keep_found_size(recorded: Mapping[str, Any], settings: Namespace) -> None:
    """What a run's BatchSizeFinder has found stays, whatever it began with."""
    for callback in listed(recorded["trainer"].get("callbacks")):
        if callback["class_path"].endswith(".BatchSizeFinder"):
            name = callback["init_args"]["batch_arg_name"]
            settings.data.init_args[name] = recorded["data"]["init_args"][name]


def listed(given: Any) -> list[Any]:
    """What `--trainer.callbacks` and `--trainer.plugins` take: none, one or a list."""
    if given is None:
        return []
    return given if isinstance(given, list) else [given]


def without_unwritable(settings: Namespace) -> Namespace:
    """A copy without the defaults that YAML has no word for; they will be the same again."""
    copy = settings.clone()
    _drop_unwritable(copy)
    return copy


def _drop_unwritable(settings: Any) -> None:
    if isinstance(settings, list):
        for each in settings:
            _drop_unwritable(each)
    elif isinstance(settings, Namespace):
        for value in vars(settings).values():
            _drop_unwritable(value)
        cls, init_args = class_of(settings), settings.get("init_args")
        parameters = signature(cls).parameters if cls and init_args else {}
        for name in parameters.keys() & vars(init_args or Namespace()).keys():
            value = init_args[name]
            is_plain = isinstance(value, _PLAIN) and not isinstance(value, Enum)
            if not is_plain and value == parameters[name].default:
                del init_args[name]


_PLAIN = (str, int, float, list, dict, tuple, Namespace, type(None))
