"""Samplers and pruners by class path, as the command line takes them."""

from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import signature
from typing import Any

from jsonargparse import ArgumentParser
from optuna import create_study
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler, BruteForceSampler, GridSampler, RandomSampler

from litmore.errors import InputError
from litmore.sweep.space import Space

Made = Mapping[str, Any]
"""A `class_path` and its `init_args`."""

TPE: Made = {"class_path": "optuna.samplers.TPESampler", "init_args": {"constant_liar": True}}
TRIED = 20
"""Trials after which a sampler is tried: most draw at random for the first ten."""

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


def check_sampler(make: Callable[[int], BaseSampler], space: Space) -> None:
    """Draw once as after some trials: only then does a sampler import what it needs.

    Args:
        make: the sampler for the trial of a number.
        space: what there is to choose from.

    Raises:
        InputError: it cannot draw from that space.

    """
    study = create_study(sampler=RandomSampler(seed=0))
    for value in range(TRIED):
        study.tell(study.ask(dict(space.sampled)), float(value))
    study.sampler = make(TRIED)
    try:
        study.ask(dict(space.sampled))
    except ImportError as error:
        raise InputError(f"--sampler: needs a package: pip install {error.name}") from error
    except (ValueError, TypeError, NotImplementedError) as error:
        raise InputError(f"--sampler: {' '.join(str(error).split())}") from error


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
        raise InputError(f"--{key}: {' '.join(str(error).split())}") from None


def _class(given: Made) -> Callable[..., Any]:
    module, _, name = str(given["class_path"]).rpartition(".")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found
