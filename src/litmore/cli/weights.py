"""What a model's weights begin as, which of them train, and how its steps are computed."""

import torch
from lightning.pytorch import LightningModule

from litmore.cli.report import tell_fitted, tell_frozen
from litmore.cli.settings import Settings
from litmore.errors import InputError
from litmore.files import here
from litmore.runs import checkpoint as checkpoints
from litmore.runs.folder import ROOT, find_checkpoint
from litmore.training.lightning import compile_forward
from litmore.training.warm_start import freeze, load_fitting


def begin_with(settings: Settings, model: LightningModule) -> None:
    """Begin with another run's weights; from here on the settings have their file's whole path.

    Raises:
        InputError: there is no such file, or nothing in it fits, or is finite.

    """
    given = settings.values.init_from
    if given is None or settings.ckpt_path is not None:  # a run that goes on has its own
        return
    # Of whatever name: a run is seldom called as the one that it learns from.
    root = here(ROOT, settings.values.trainer.default_root_dir)
    path = find_checkpoint(given, root, None, "--init_from", ROOT)
    checkpoint = checkpoints.read(path, "--init_from")
    try:
        fitted = load_fitting(model, checkpoint["state_dict"])
    except InputError as error:
        raise InputError(f"--init_from {given}: {error}") from None
    loaded = {name: checkpoint["state_dict"][name] for name in fitted.loaded}
    checkpoints.check_finite(loaded, model, f"--init_from {given}")
    settings.values.init_from = str(path)
    known, now = (
        parameters.get("vocabulary")
        for parameters in (checkpoint["hyper_parameters"], getattr(model, "hparams", {}))
    )
    tell_fitted(path, fitted, known, now)


def freeze_by_name(settings: Settings, model: LightningModule) -> None:
    """Leave out of the training what `--freeze` names.

    Raises:
        InputError: a name is of no parameter, or nothing would be left to train.

    """
    given = (settings.values.freeze or "").split(",")
    patterns = [name.strip() for name in given if name.strip()]
    try:
        if patterns:
            tell_frozen(freeze(model, patterns))
    except InputError as error:
        raise InputError(f"--freeze {error}") from None


def compile_checked(model: LightningModule, device: torch.device) -> None:
    """Compile in place, once a trial has shown that this machine can.

    Raises:
        InputError: it cannot.

    """
    try:
        torch.compile(lambda x: x.tanh() + 1)(torch.ones(2, device=device))
    except RuntimeError as error:  # torch has private kinds of it, one a missing part
        reason = str(error).splitlines()[0]
        raise InputError(f"--compile: this machine cannot compile ({reason})") from None
    compile_forward(model)
