"""A checkpoint file, and what it tells of the run that wrote it."""

import importlib
from argparse import ArgumentError
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from litmore.errors import InputError, one_line
from litmore.models.hyperparameters import INSTANTIATOR, build
from litmore.runs.damage import check_content
from litmore.runs.trust import check_class_path, restrict_imports

if TYPE_CHECKING:
    from litmore.models.base import CharLM

Model = TypeVar("Model", bound=torch.nn.Module)

FLAG = "--ckpt_path"
"""What names a checkpoint, where nothing else is said."""


def read(path: Path, flag: str = FLAG) -> dict[str, Any]:
    """The content, on the CPU; nothing in the file is run (`weights_only`).

    Args:
        path: the file.
        flag: what named it.

    Raises:
        InputError: it is not a checkpoint of a character model.

    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError:
        # torch's own message advises to load it without that safeguard.
        raise InputError(
            f"{flag} {path}: not a checkpoint, or it holds more than plain values and tensors;"
            " nothing in it was run"
        ) from None
    except Exception as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{flag} {path}: not a readable checkpoint ({first_line})") from None
    if isinstance(checkpoint, dict) and isinstance(checkpoint.get("config"), dict):
        # Of a model that is no CharLM the run's config alone tells the class.
        model = checkpoint["config"].get("model")
        if isinstance(model, dict):
            checkpoint.setdefault("class_path", model.get("class_path"))
    check_content(checkpoint, f"{flag} {path}")
    return checkpoint


def load_model(path: Path) -> "CharLM":
    """The trained model of a file, as `read` and `rebuild` give it."""
    from litmore.models.base import CharLM

    return rebuild(read(path), CharLM)


def rebuild(
    checkpoint: dict[str, Any],
    kind: Callable[..., Model],
    trust_config: bool = False,
    flag: str = FLAG,
) -> Model:
    """The trained model, ready to be used, on the CPU.

    Args:
        checkpoint: what `read` gave; without a `state_dict`, the model is as it is made.
        kind: the class that it must be of, such as `CharLM`.
        trust_config: import its class from whatever package it is in (`litmore.runs.trust`).
        flag: what named the checkpoint.

    Raises:
        InputError: the class cannot be imported here, or is not to be, or is not of that kind, or
            the weights do not fit their own settings.

    """
    base: Any = kind  # to mypy an abstract one is no `type`
    class_path = checkpoint["class_path"]
    check_class_path(class_path, trust_config, flag)
    module, _, name = class_path.rpartition(".")
    try:
        cls = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError, SystemExit) as error:
        raise InputError(f"{flag}: its model {class_path} cannot be imported ({error})") from None
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise InputError(f"{flag}: its model {class_path} is not a {base.__name__}")
    try:
        if INSTANTIATOR in checkpoint["hyper_parameters"]:  # classes may be named there, too
            restrict_imports(trust_config)
        model: Model = build(cls, checkpoint["hyper_parameters"])
        if "state_dict" in checkpoint:
            model.load_state_dict(checkpoint["state_dict"])
    except _UNFIT as error:
        said = one_line(error) or type(error).__name__
        raise InputError(f"{flag}: does not hold a whole model ({said})") from None
    check_finite(checkpoint.get("state_dict", {}), model, flag)
    return model.eval()


def check_fit(checkpoint: dict[str, Any], model: torch.nn.Module) -> None:
    """Say before anything is written if a checkpoint holds another model's weights.

    Raises:
        InputError: a weight is missing, unknown or of another shape, or the characters' ids are
            others: as many weights, and they would mean something else.

    """
    known, now = (
        parameters.get("vocabulary")
        for parameters in (checkpoint["hyper_parameters"], getattr(model, "hparams", {}))
    )
    if known is not None and now is not None and known != now:
        raise InputError(
            f"--ckpt_path: does not fit the data: its vocabulary is {known!r}, theirs {now!r}"
        )
    theirs, ours = (
        {
            name: _form(tensor)
            for name, tensor in state.items()
            if not name.endswith("_extra_state")  # a module's own, of any size
        }
        for state in (checkpoint["state_dict"], model.state_dict())
    )
    for name in sorted(theirs.keys() | ours.keys()):
        if theirs.get(name) != ours.get(name):
            raise InputError(
                f"--ckpt_path: does not fit the model: {name} is"
                f" {theirs.get(name, 'missing')} there and {ours.get(name, 'missing')} here"
            )
    check_finite(checkpoint["state_dict"], model)


def _form(tensor: torch.Tensor) -> tuple[Any, ...]:
    """Its shape, and what else than numbers in rows it is."""
    form: tuple[Any, ...] = tuple(tensor.shape)
    form += () if tensor.layout == torch.strided else (str(tensor.layout),)
    return (*form, "quantized") if tensor.is_quantized else form


def check_finite(
    state_dict: Mapping[str, torch.Tensor], model: torch.nn.Module, flag: str = FLAG
) -> None:
    """Say if a model's weights are no numbers to go by. A mask may be infinite, a weight may not.

    Args:
        state_dict: the model's, or as it will be.
        model: it tells weights from what else is kept.
        flag: what named it.

    Raises:
        InputError: a weight is NaN or infinite, or something else of it is NaN.

    """
    weights = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    for name, tensor in state_dict.items():
        values = tensor.coalesce().values() if tensor.is_sparse else tensor
        if not (values.is_floating_point() or values.is_complex()):
            continue
        values = values.float() if values.dtype.itemsize == 1 else values  # torch has no isnan
        if values.isnan().any() or (name in weights and not values.isfinite().all()):
            raise InputError(
                f"{flag}: {name} is not finite: such weights are not judged, used or gone on with"
            )


def recorded_config(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """The config that trained it; without a command line, what its hyperparameters tell.

    The data keep the checkpoint's vocabulary: another file's sorted characters could be as many,
    and would mean something else.

    Raises:
        InputError: the checkpoint's config has no model or data.

    """
    hyper_parameters, data = (
        {k: v for k, v in (checkpoint.get(key) or {}).items() if k != INSTANTIATOR}
        for key in ("hyper_parameters", "datamodule_hyper_parameters")
    )
    config = deepcopy(checkpoint.get("config")) or {
        "model": {
            "class_path": checkpoint["class_path"],
            "init_args": {k: v for k, v in hyper_parameters.items() if k not in LINKED},
        },
        "data": {"init_args": data},
    }
    for name in ("model", "data"):
        init_args = config[name].get("init_args") if isinstance(config.get(name), dict) else ()
        if not isinstance(init_args, dict | None):
            raise InputError(f"--ckpt_path: damaged: its config has no usable {name}")
    if "vocabulary" in hyper_parameters:
        config["data"].setdefault("init_args", {})["vocabulary"] = hyper_parameters["vocabulary"]
    return config


_UNFIT = (RuntimeError, TypeError, KeyError, ValueError, AttributeError, ArgumentError, MemoryError,
          OverflowError)  # fmt: skip
"""What a class raises at arguments and weights that are not its own."""

LINKED = ("vocabulary",)
"""The model's arguments that the data give."""
