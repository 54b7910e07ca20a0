"""Samplers and pruners by class path, as the command line takes them."""

from collections.abc import Callable, Mapping
from inspect import signature
from pkgutil import resolve_name
from typing import Any

from jsonargparse import ArgumentParser
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler, BruteForceSampler, GridSampler

from litmore.errors import InputError, one_line

Made = Mapping[str, Any]
"""A `class_path` and its `init_args`."""

TPE: Made = {"class_path": "optuna.samplers.TPESampler", "init_args": {"constant_liar": True}}
NO_PRUNING: Made = {"class_path": "optuna.pruners.NopPruner"}


def add_strategies(parser: ArgumentParser) -> None:
    """The flags `--sampler` and `--pruner`."""
    parser.add_argument(
        "--sampler",
        type=BaseSampler | None,
        default=None,
        help="How settings are chosen: a sampler of Optuna's (default: TPESampler).",
    )
    parser.add_argument(
        "--pruner",
        type=BasePruner | None,
        default=None,
        help="Which trials are ended early, by their validations: a pruner of Optuna's"
        " (default: none is).",
    )


def sampler_for(given: Made | None, seed: int) -> Callable[[int], BaseSampler]:
    """How the sampler of a trial's number is made: with a seed of its own, if none is given.

    Args:
        given: the class and its arguments.
        seed: the first trial's.

    Raises:
        InputError: Optuna refuses them.

    """
    given = given or TPE
    arguments = dict(given.get("init_args") or {})
    takes_seed = "seed" in signature(_class(given)).parameters

    def make(number: int) -> BaseSampler:
        own = {"seed": seed + number} if takes_seed and arguments.get("seed") is None else {}
        made: BaseSampler = _make("sampler", {**given, "init_args": {**arguments, **own}})
        return made

    if isinstance(make(0), GridSampler | BruteForceSampler):
        raise InputError("--sampler: all combinations are what `grid:` in the search file is for")
    return make


def pruner_of(given: Made) -> BasePruner:
    """The pruner of this class and arguments.

    Raises:
        InputError: Optuna refuses them.

    """
    made: BasePruner = _make("pruner", given)
    return made


def _make(key: str, given: Made) -> Any:
    arguments = {
        name: _make(f"{key}.{name}", value) if isinstance(value, Mapping) else value
        for name, value in (given.get("init_args") or {}).items()
    }
    try:
        return _class(given)(**arguments)
    except (ValueError, TypeError, ImportError) as error:
        raise InputError(f"--{key}: {one_line(error)}") from None


def _class(given: Made) -> Callable[..., Any]:
    found: Callable[..., Any] = resolve_name(given["class_path"])
    return found
