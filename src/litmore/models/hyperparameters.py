"""A constructor's arguments as plain values, which a checkpoint can hold, and back.

What YAML and `torch.load(weights_only=True)` know stays as it is. Anything else (a dataclass, an
Enum, a path, an object of a class) is written and read by jsonargparse, by its argument's type.
"""

import json
import warnings
from argparse import ArgumentError
from collections import OrderedDict
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import fields, is_dataclass
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

import torch

from litmore.errors import InputError, one_line

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser
    from lightning.pytorch import LightningDataModule, LightningModule

INSTANTIATOR = "_instantiator"
"""The key by which Lightning, too, knows that a checkpoint's arguments are to be read by type."""

UNWRITABLE = "Unable to serialize instance"
"""What jsonargparse writes in the place of an object that it cannot write."""

_PLAIN = {type(None), bool, int, float, complex, str, bytes, torch.Tensor, torch.nn.Parameter}
_PLAIN |= {torch.dtype, torch.device, torch.Size}
_ROWS = {list, tuple, set}


def plain(
    cls: type,
    arguments: Mapping[str, Any],
    config: Mapping[str, Any] | None = None,
    flag: str = "--model",
) -> dict[str, Any]:
    """What of a constructor's arguments `build` makes the same object of.

    Args:
        cls: whose constructor it is.
        arguments: by name; others than the constructor's are kept where they are plain.
        config: arguments as a config, or an earlier checkpoint, has them: for those that are not
            among `arguments`, or cannot be written.
        flag: what a message about an argument begins with, such as `--model`.

    Raises:
        InputError: an argument is neither plain, nor what jsonargparse writes, nor in the config;
            or is not of its own type, by which it would be read.

    """
    config = config or {}
    kept = {name: value for name, value in arguments.items() if _is_plain(value)}
    if len(kept) == len(arguments) and not config.keys() - kept.keys():
        return kept
    for name in sorted(arguments.keys() - kept.keys()):
        if not _takes(cls, name):
            continue  # a parent's, which the constructor gives it again
        value = _written(cls, name, arguments[name])
        if value is not _NOTHING:
            kept[name] = value
        elif name not in config:
            raise InputError(
                f"{flag}.{name}: a {type(arguments[name]).__name__}, which a checkpoint cannot keep"
                " as plain values; let __init__ make it of such, or leave it out by"
                f" save_hyperparameters(ignore=[{name!r}])"
            )
    kept = {**config, **kept}
    parser, typed = _typed(cls, kept)
    try:
        parser.parse_object(deepcopy(typed))
    except ArgumentError as error:
        said = one_line(error)
        raise InputError(f"{flag}: a checkpoint could not be read again: {said}") from None
    return {**kept, INSTANTIATOR: "lightning.pytorch.cli.instantiate_module"}


def build(cls: type, kept: Mapping[str, Any]) -> Any:
    """The object of what `plain` gave, or of plain arguments."""
    given = {name: value for name, value in kept.items() if _takes(cls, name)}
    if INSTANTIATOR not in kept:
        return cls(**given)
    given.pop(INSTANTIATOR, None)
    parser, typed = _typed(cls, given)
    read = _read(parser, typed)
    made = cls(**given | {name: read[name] for name in typed})
    remember(made, kept)
    return made


def keep_plain(
    checkpoint: dict[str, Any], model: "LightningModule", data: "LightningDataModule | None"
) -> None:
    """Let a checkpoint hold the arguments of both as plain values, as the Trainer would hold them.

    Raises:
        InputError: an argument cannot be kept (`plain`).

    """
    for flag, part in (("--model", model), ("--data", data)):
        if part is None or (part is data and not part.hparams):
            continue
        arguments = dict(part.hparams)
        config = getattr(part, _CONFIG, {})
        if part is data:  # nothing makes data of a checkpoint alone: what they leave out stays out
            config = {name: value for name, value in config.items() if name in arguments}
        before, kept = getattr(part, _KEPT, ({}, {}))  # jsonargparse takes its time
        same = before.keys() == arguments.keys()
        if not kept or not same or any(before[name] is not arguments[name] for name in before):
            kept = plain(type(part), arguments, config, flag)
            object.__setattr__(part, _KEPT, (arguments, kept))
        if INSTANTIATOR in kept:  # they are arguments, not the content of one
            checkpoint.pop(part.CHECKPOINT_HYPER_PARAMS_NAME, None)
        checkpoint[part.CHECKPOINT_HYPER_PARAMS_KEY] = dict(kept)


def remember(part: object, arguments: Mapping[str, Any]) -> None:
    """Let `keep_plain` know of the plain arguments that a model or its data were made of."""
    if not hasattr(part, _CONFIG):  # a run's config, over what it goes on from
        plain_ones = {name: value for name, value in arguments.items() if name != INSTANTIATOR}
        object.__setattr__(part, _CONFIG, plain_ones)


def writable(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of the arguments that jsonargparse wrote it could write."""
    return {name: value for name, value in config.items() if UNWRITABLE not in repr(value)}


_CONFIG, _KEPT = "_litmore_config", "_litmore_kept"
_NOTHING = object()


def _is_plain(value: Any) -> bool:
    if type(value) in (dict, OrderedDict):
        return all(map(_is_plain, [*value.keys(), *value.values()]))
    return type(value) in _PLAIN or (type(value) in _ROWS and all(map(_is_plain, value)))


def _takes(cls: type, name: str) -> bool:
    parameters = signature(cls.__init__).parameters
    return name in parameters or any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())


def _typed(cls: type, given: Mapping[str, Any]) -> "tuple[ArgumentParser, dict[str, Any]]":
    """Which arguments are read by their types, and a parser of them.

    The vocabulary is not, and what has no type: any text is itself, though YAML may read a number.
    """
    parameters = signature(cls.__init__).parameters
    untyped = {name for name, each in parameters.items() if each.annotation is Parameter.empty}
    parser, names = _parser(cls, given.keys() - untyped - {"vocabulary"})
    return parser, {name: given[name] for name in names}


def _parser(cls: type, wanted: Collection[str]) -> "tuple[ArgumentParser, list[str]]":
    """One of these arguments alone, by the constructor's types; and which of them it has."""
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(exit_on_error=False)
    names = set(ArgumentParser().add_class_arguments(cls, fail_untyped=False))
    parser.add_class_arguments(cls, fail_untyped=False, skip=names.difference(wanted))
    return parser, [name for name in wanted if name in names]


def _written(cls: type, name: str, value: Any) -> Any:
    """An argument as jsonargparse writes it, if it then reads the same."""
    parser, _ = _parser(cls, [name])
    by_name = (signature(base.__init__).parameters.get(name) for base in cls.__mro__)
    is_default = any(each is not None and each.default is value for each in by_name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it warns of is not the same
            read = parser.parse_object({} if is_default else {name: _as_dict(value)})
            written = parser.dump(read, format="json")
            again = _read(parser, json.loads(written))[name]
    except (ArgumentError, ValueError, TypeError, AttributeError):
        return _NOTHING
    is_same = is_default or _as_dict(again, typed=True) == _as_dict(value, typed=True)
    return json.loads(written)[name] if is_same else _NOTHING


def _read(parser: "ArgumentParser", written: dict[str, Any]) -> Any:
    """The arguments, their objects made; what they are made of stays as it is."""
    return parser.instantiate_classes(parser.parse_object(deepcopy(written)))


def _as_dict(value: Any, typed: bool = False) -> Any:
    """A dataclass by its fields, as jsonargparse writes one; to compare, with its type."""
    if is_dataclass(value) and not isinstance(value, type):
        names = (each.name for each in fields(value) if each.init or typed)
        of = {name: _as_dict(getattr(value, name), typed) for name in names}
        return (type(value), of) if typed else of
    if isinstance(value, list | tuple):
        return [_as_dict(each, typed) for each in value]
    if isinstance(value, dict):
        return {key: _as_dict(each, typed) for key, each in value.items()}
    return value
