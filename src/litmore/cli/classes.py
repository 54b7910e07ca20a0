"""The classes that settings name, before they are made."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from enum import Enum
from importlib import import_module
from inspect import signature
from pkgutil import resolve_name
from typing import Any

from jsonargparse import Namespace

from litmore.cli.given import Given
from litmore.errors import InputError
from litmore.runs.trust import check_class_path

GROUPS = ("model", "data", "optimizer", "lr_scheduler")
"""Settings that are a class each."""

PACKAGES = ("litmore.data", "litmore.models", "litmore.optim", "litmore.callbacks")
"""They hold the names that configs write."""

DEFAULTS = {"data": "litmore.data.NamesDataModule"}
"""Classes that need not be named."""

INSIDE = {f"litmore.{room}" for room in ("models", "training", "runs", "watch", "cli")}
"""Rooms whose other classes are no config's business."""


def load_named() -> None:
    """Import what configs may call by a short name; until then nobody would find it."""
    for module in PACKAGES:
        package = import_module(module)
        for name in package.__all__:
            getattr(package, name)


def written(paths: Iterable[str]) -> dict[str, str]:
    """Of classes those that a config would name, and how it writes them; litmore's first."""
    found = {}
    for path in paths:
        room, name = ".".join(path.split(".")[:2]), path.rpartition(".")[2]
        exported = [module for module in PACKAGES if name in sys.modules[module].__all__]
        if room.startswith("litmore.") and exported:
            found[path] = f"{exported[0]}.{name}"
        elif room not in INSIDE:
            found[path] = path
    first = sorted(found, key=lambda path: (path[:8] != "litmore.", path.rpartition(".")[2]))
    return {path: found[path] for path in first}


def short_names(paths: Iterable[str]) -> dict[str, str]:
    """Those paths by their classes' names alone, or, if two are called alike, by themselves."""
    paths = list(paths)
    names = [path.rpartition(".")[2] for path in paths]
    return {
        name if names.count(name) == 1 else path: path
        for path, name in zip(paths, names, strict=True)
    }


def loaded_classes() -> list[type]:
    """All that a config may name by their short names."""
    from lightning.pytorch import Callback, LightningDataModule, LightningModule
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    found: list[type] = []
    left: list[type] = [LightningModule, LightningDataModule, Optimizer, LRScheduler, Callback]
    while left:
        subclasses: list[type] = left.pop().__subclasses__()
        new = [cls for cls in subclasses if cls not in found]
        found += new
        left += new
    return found


def find_class(class_path: str) -> type | None:
    """A class by its path, which is imported if that is allowed, or by its short name."""
    if "." not in class_path:
        return next((cls for cls in loaded_classes() if cls.__name__ == class_path), None)
    with suppress(Exception, SystemExit):  # whatever a module does; its own command tells
        check_class_path(class_path, False, "")
        found: type = resolve_name(class_path)
        return found
    return None


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


def drop_other_classes(settings: Namespace, given: Given) -> None:
    """Of a class that is changed, what was set of the one before.

    Raises:
        InputError: what the new one must be given is not.

    """
    for group in GROUPS:
        made = settings.get(group)
        by_hand = given.settings(group)
        cls = class_of(made) if made else None
        if cls is None or not made.get("init_args"):
            continue
        default = class_of({"class_path": DEFAULTS.get(group)})
        if given.changes_class(group):
            shared = set(signature(cls).parameters)
        elif default not in (None, cls):  # the parser begins with the class that need not be named
            shared = signature(cls).parameters.keys() & signature(default).parameters.keys()
        else:
            continue
        for key, parameter in signature(cls).parameters.items():
            if key not in shared or key not in made.init_args:
                continue
            if any(k.split(".")[0] == key for k in by_hand):
                continue
            if parameter.default is parameter.empty and made.init_args[key] is not None:
                raise InputError(f"--{group}.{key}: must be given")
            made.init_args[key] = parameter.default


def listed(given: Any) -> list[Any]:
    """What `--trainer.callbacks` and `--trainer.plugins` take: none, one or a list."""
    if given is None:
        return []
    return given if isinstance(given, list) else [given]


def drop_unwritable(settings: Any) -> None:
    """Of all classes, the defaults that YAML has no word for; they will be the same again."""
    if isinstance(settings, list):
        for each in settings:
            drop_unwritable(each)
    elif isinstance(settings, Namespace):
        for value in vars(settings).values():
            drop_unwritable(value)
        cls, init_args = class_of(settings), settings.get("init_args")
        parameters = signature(cls).parameters if cls and init_args else {}
        for name in parameters.keys() & vars(init_args or Namespace()).keys():
            value = init_args[name]
            is_plain = isinstance(value, _PLAIN) and not isinstance(value, Enum)
            if not is_plain and value == parameters[name].default:
                del init_args[name]


_PLAIN = (str, int, float, list, dict, tuple, Namespace, type(None))
