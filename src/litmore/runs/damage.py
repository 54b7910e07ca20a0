"""What a checkpoint must be like for all that reads it; looked at before any of it is used.

A file may be damaged, or made by somebody who means harm. What is not looked at here is a weight,
which `litmore.runs.checkpoint` compares with the model's, or a state of a stranger's class.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from packaging.version import InvalidVersion, Version
from torch import Tensor, broadcast_shapes
from torch.optim import LBFGS, Optimizer

from litmore.errors import InputError
from litmore.runs.rng import check_rng_state

_CONTENT = {"class_path": str, "state_dict": dict, "hyper_parameters": dict}
"""What each checkpoint holds."""

_OPTIONAL = {"config": dict, "datamodule_hyper_parameters": dict, "callbacks": dict}
"""What one holds that a command line, a data module or callbacks have had a part in."""

_STATE = {"optimizer_states": list, "lr_schedulers": list, "loops": dict}
"""What a training needs to go on."""

_GROUPS = ("trainer", "tensorboard", "optimizer", "lr_scheduler")
"""Settings of a config that are several, if there are any."""


def check_content(checkpoint: Any, named: str) -> None:
    """Look at what every command reads.

    Args:
        checkpoint: what was in the file.
        named: the flag and the file.

    Raises:
        InputError: it is no checkpoint of a model, or damaged.

    """
    if not isinstance(checkpoint, dict) or "class_path" not in checkpoint:
        raise InputError(f"{named}: not a checkpoint of a litmore model")
    optional = {name: kind for name, kind in _OPTIONAL.items() if checkpoint.get(name) is not None}
    for name, kind in (_CONTENT | optional).items():
        found = checkpoint.get(name)
        if not isinstance(found, kind) or not _has_names(found):
            raise InputError(f"{named}: damaged: it holds no usable {name}")
    if not _has_names(checkpoint):
        raise InputError(f"{named}: damaged: a part of it has no name")
    if not all(isinstance(tensor, Tensor) for tensor in checkpoint["state_dict"].values()):
        raise InputError(f"{named}: damaged: its state_dict holds more than tensors")
    try:
        if any(tensor.is_meta or tensor.is_nested for tensor in _tensors(checkpoint)):
            raise InputError(f"{named}: damaged: it holds a tensor without values")
        config = checkpoint.get("config") or {}
        if not _is_plain(config) or not all(
            isinstance(config.get(name), dict | None) for name in _GROUPS
        ):
            raise InputError(f"{named}: damaged: it holds no usable config")
    except RecursionError:
        raise InputError(f"{named}: damaged: nested too deep") from None


def check_restorable(checkpoint: Mapping[str, Any], named: str) -> None:
    """Look at what the Trainer reads, whatever it does; its loops are `check_loops`'s.

    Raises:
        InputError: it is damaged.

    """
    _check_lightning(checkpoint.get("pytorch-lightning_version"), named)
    for name in ("global_step", "epoch"):
        _check(_is_count(checkpoint.get(name)), name, named)


def check_loops(
    checkpoint: Mapping[str, Any], expected: Mapping[str, Mapping[str, Any]], named: str
) -> None:
    """Look at where it says that the Trainer stands.

    Args:
        checkpoint: as `check_restorable` takes it.
        expected: the loops that the Trainer restores, as it would save them itself.
        named: the flag and the file.

    Raises:
        InputError: what it says is of another form.

    """
    loops = checkpoint.get("loops")
    if loops is not None:  # else the Trainer restores none
        for name, state in expected.items():
            _check(isinstance(loops, dict) and _is_like(loops.get(name), state), name, named)
            loaders = loops[name]["state_dict"].get("combined_loader", [])
            _check(isinstance(loaders, list), "place in the data", named)


def check_resumable(checkpoint: Mapping[str, Any], named: str) -> None:
    """Look at what a training needs to go on.

    Raises:
        InputError: it was saved without the state of its optimizer and loops, or is damaged.

    """
    for name, kind in _STATE.items():
        if not isinstance(checkpoint.get(name), kind):
            raise InputError(
                f"{named}: holds weights alone (no {name}), which can be judged and sampled from,"
                " but not trained on"
            )
    _check(all(map(_is_optimizer, checkpoint["optimizer_states"])), "optimizer_states", named)
    for tensor in _tensors(checkpoint["optimizer_states"]):
        _check(not tensor.isnan().any(), "optimizer_states: NaN is in them", named)
    _check(all(isinstance(s, dict) for s in checkpoint["lr_schedulers"]), "lr_schedulers", named)
    metrics = checkpoint.get("callback_metrics", {})
    is_metrics = isinstance(metrics, dict) and all(
        isinstance(value, int | float) for value in metrics.values()
    )
    _check(is_metrics and _has_names(metrics), "callback_metrics", named)
    kept = (checkpoint.get("callbacks") or {}).get("Checkpoints") or {}
    _check(_is_best(kept), "callbacks", named)
    states = checkpoint.get("rng_states", [])
    _check(isinstance(states, list), "rng_states", named)
    try:
        for state in states:
            check_rng_state(state)
    except ValueError:
        _check(False, "rng_states", named)


def check_optimizer(state: Mapping[str, Any], optimizer: Optimizer, named: str) -> None:
    """Look at what torch's own optimizers keep of each weight: as large, or spread over it.

    Raises:
        InputError: it is of another shape.

    """
    is_known = type(optimizer).__module__.startswith(("torch.optim.", "litmore."))
    if not is_known or isinstance(optimizer, LBFGS):  # which keeps all weights in one row
        return
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    of_each = state.get("state", {})
    _check(isinstance(of_each, dict), "optimizer_states", named)
    for number, kept in of_each.items():
        if type(number) is not int or not 0 <= number < len(weights) or not isinstance(kept, dict):
            _check(False, "optimizer_states", named)
        for tensor in _tensors(kept):
            _check(_is_spread(tensor, weights[number]), "optimizer_states", named)


def check_schedule(state: Mapping[str, Any], expected: Mapping[str, Any], named: str) -> None:
    """Look at a schedule's numbers.

    Raises:
        InputError: in the place of one stands something else.

    """
    for name in state.keys() & expected.keys():
        is_number = isinstance(expected[name], int | float)
        _check(not is_number or isinstance(state[name], int | float), "lr_schedulers", named)


def _is_spread(tensor: Tensor, weight: Tensor) -> bool:
    try:
        return broadcast_shapes(tensor.shape, weight.shape) == weight.shape
    except RuntimeError:
        return False


def _check(is_good: object, name: str, named: str) -> None:
    if not is_good:
        raise InputError(f"{named}: damaged: it holds no usable {name}")


def _check_lightning(version: object, named: str) -> None:
    try:
        Version(version)  # type: ignore[arg-type]  # it raises for anything but text, too
    except (InvalidVersion, TypeError):
        raise InputError(
            f"{named}: damaged: it tells of no version of Lightning that could have saved it"
        ) from None


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _tensors(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _tensors(inner)


def _has_names(value: object) -> bool:
    return not isinstance(value, Mapping) or all(isinstance(key, str) for key in value)


def _is_plain(value: object) -> bool:
    """Whether YAML can write it."""
    if type(value) is dict:
        return _has_names(value) and all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _is_like(found: object, expected: object) -> bool:
    """Whether it has at least the names, and numbers of the kinds, of what is expected."""
    if isinstance(expected, Mapping):
        return isinstance(found, dict) and all(
            name in found and _is_like(found[name], inner) for name, inner in expected.items()
        )
    return _is_count(found) if type(expected) is int else type(found) is type(expected)


def _is_optimizer(state: object) -> bool:
    """Whether an optimizer can have said it; of a model that takes no steps there is nothing."""
    groups = state.get("param_groups", []) if isinstance(state, dict) else None
    return isinstance(groups, list) and all(isinstance(group, dict) for group in groups)


def _is_best(kept: object) -> bool:
    """Whether `Checkpoints` can have said it; of no validation there is nothing."""
    if not isinstance(kept, dict):
        return False
    score, step = (kept.get(name, kept) for name in ("best_score", "best_step"))
    is_none = score is None and step is None
    return not kept or is_none or (isinstance(score, float) and _is_count(step))
