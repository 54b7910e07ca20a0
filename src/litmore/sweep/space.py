"""A search space: a YAML of flags and what each may be."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import yaml
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial

from litmore.cli.configs import read_yaml
from litmore.errors import InputError, nearest, one_line

Params = Mapping[str, Any]
"""A value of each flag of a space."""

SEED = "seed_everything"

_KINDS = ("grid", "choice", "int", "float")
_RANGES = {"int": IntDistribution, "float": FloatDistribution}
_OWN = ("ckpt_path", "run_name", "trainer.default_root_dir", "config", "monitor", "monitor_mode")
"""What is the sweep's to set, or the same for all trials."""


@dataclass(frozen=True)
class Space:
    """Flags and what each may be.

    Attributes:
        sampled: the distributions of those that a sampler chooses.
        grid: the values of those that are gone through, in all combinations.
        places: the `file:line` of each.

    """

    sampled: Mapping[str, BaseDistribution] = field(default_factory=dict)
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Points of the grid."""
        return prod(map(len, self.grid.values()))

    def point(self, number: int) -> dict[str, Any]:
        """The grid's values for the trial of this number; the last flag changes fastest."""
        chosen = {}
        for key, values in reversed(list(self.grid.items())):
            number, place = divmod(number, len(values))
            chosen[key] = values[place]
        return dict(reversed(chosen.items()))

    def distributions(self) -> dict[str, BaseDistribution]:
        """Of all flags; the grid's are told as categories."""
        listed = {key: _listed(key, values) for key, values in self.grid.items()}
        return {**listed, **self.sampled}

    def extremes(self) -> Iterator[tuple[str, Any]]:
        """Each flag's values that are to be tried before the first trial: all, or both ends."""
        for key, values in self.grid.items():
            yield from ((key, value) for value in values)
        for key, found in self.sampled.items():
            if isinstance(found, CategoricalDistribution):
                yield from ((key, value) for value in found.choices)
            elif isinstance(found, IntDistribution | FloatDistribution):
                yield from ((key, value) for value in (found.low, found.high))

    def to_record(self) -> dict[str, Any]:
        """As plain values, for a study to know it by."""
        return {
            "sampled": {key: repr(found) for key, found in self.sampled.items()},
            "grid": {key: list(values) for key, values in self.grid.items()},
        }


def suggest(trial: Trial, key: str, found: BaseDistribution) -> None:
    """Choose a flag's value, if the trial has none yet."""
    if isinstance(found, CategoricalDistribution):
        trial.suggest_categorical(key, found.choices)
    elif isinstance(found, IntDistribution):
        trial.suggest_int(key, found.low, found.high, step=found.step, log=found.log)
    elif isinstance(found, FloatDistribution):
        trial.suggest_float(key, found.low, found.high, step=found.step, log=found.log)


def flags(params: Params) -> list[str]:
    """The part of a command line that sets these; a class before its settings."""
    return [
        f"--{key}={value if isinstance(value, str) else json.dumps(value)}"
        for key, value in sorted(params.items(), key=lambda item: item[0].count("."))
    ]


def read_space(path: str) -> Space:
    """The search space of a file.

    Raises:
        InputError: it is no mapping of flags to distributions; the message names `file:line`.

    """
    if not Path(path).is_file():
        raise InputError(f"--search {path}: no such file")
    sampled: dict[str, BaseDistribution] = {}
    grid: dict[str, Sequence[Any]] = {}
    places: dict[str, str] = {}
    for key_node, node in read_yaml(path).value:
        place = f"{path}:{key_node.start_mark.line + 1}"
        key = str(key_node.value).removeprefix("--")
        if key in _OWN:
            raise InputError(f"{place}: --{key}: is the same for all trials")
        given = yaml.safe_load(yaml.serialize(node))
        places[key] = place
        try:
            found = _distribution(given)
        except (ValueError, TypeError) as error:
            raise InputError(f"{place}: --{key}: {one_line(error)}") from None
        if isinstance(found, BaseDistribution):
            sampled[key] = found
        else:
            grid[key] = found
    if not places:
        raise InputError(f"--search {path}: no flag in it: give lines of `flag: {{kind: values}}`")
    return Space(sampled, grid, places)


def _listed(key: str, values: Sequence[Any]) -> BaseDistribution:
    """A study's categories are fixed, but it may be given more seeds."""
    if key == SEED and all(type(value) is int for value in values):
        return IntDistribution(0, 2**32 - 1)
    return CategoricalDistribution(values)


def _distribution(given: Any) -> BaseDistribution | list[Any]:
    """A distribution, or a grid's values."""
    form = "give {grid: [...]}, {choice: [...]}, {int: [low, high]} or {float: [low, high]}"
    kinds = [kind for kind in _KINDS if isinstance(given, Mapping) and kind in given]
    if len(kinds) != 1:
        unknown = list(map(str, given)) if isinstance(given, Mapping) and not kinds else []
        raise ValueError(f"{form}{nearest(unknown[0], _KINDS) if unknown else ''}")
    (kind,) = kinds
    values, more = given[kind], {key: given[key] for key in given if key != kind}
    known = ("log", "step") if kind in _RANGES else ()
    for key in more:
        if key not in known:
            raise ValueError(f"{kind} takes no {key}{nearest(str(key), known)}")
    if not isinstance(values, list) or not values:
        raise ValueError(form)
    if kind not in _RANGES:
        texts = [value if _is_plain(value) else json.dumps(value) for value in values]
        if len(set(map(json.dumps, texts))) < len(texts):
            raise ValueError("a value stands there twice")
        return texts if kind == "grid" else CategoricalDistribution(texts)
    try:
        low, high = (_number(each) for each in values)
        step = {"step": _number(more["step"])} if more.get("step") is not None else {}
    except ValueError:
        raise ValueError(f"{kind} takes two numbers, the lowest and the highest") from None
    if kind == "int" and not all(isinstance(each, int) for each in (low, high, *step.values())):
        raise ValueError("int takes whole numbers; float takes any")
    return _RANGES[kind](low, high, **{**more, **step})  # type: ignore[arg-type]


def _number(given: Any) -> int | float:
    """YAML takes 1e-3 for a string."""
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise ValueError(f"{given}: no number")
    return float(given) if isinstance(given, str) else given


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)
