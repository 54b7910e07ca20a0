"""Settings that a library takes and that cannot be meant; said before anything is written."""

import inspect
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch import Trainer
from lightning.pytorch.accelerators import CPUAccelerator

from litmore.cli.classes import class_of
from litmore.cli.surroundings import check_threads
from litmore.errors import InputError
from litmore.runs.checkpoint import LINKED
from litmore.training.lightning import copies_process

PROCESSES_A_CORE = 4
"""More processes than that on one CPU core are refused."""

MOST_PROCESSES = 1 << 16
"""More devices, or nodes, no run has; Lightning would make a list of them."""

_PROCESSES = ("devices", "num_nodes")

MUTE = "torch.optim.lr_scheduler.ReduceLROnPlateau"
_MAX_SEED = 2**32 - 1
_RATES = ("lr", "max_lr", "base_lr")
_AT_LEAST = {
    "accumulate_grad_batches": 1,
    "check_val_every_n_epoch": 1,
    "gradient_clip_val": 0,
    "log_every_n_steps": 0,
    "num_nodes": 1,
    "num_sanity_val_steps": -1,
}


def check_settings(settings: Mapping[str, Any]) -> None:
    """Look at the plain values of a command line.

    Raises:
        InputError: one is out of its range; the message names its flag.

    """
    for key, value in _leaves(settings):
        if isinstance(value, float) and math.isnan(value):
            raise InputError(f"--{key.replace('.init_args', '')} {value}: not a number")
    for group in ("model", "data"):
        _check_given(group, settings.get(group) or {})
    seed = settings.get("seed_everything")
    if seed is True or (seed is not None and not 0 <= seed <= _MAX_SEED):
        shown = str(seed).lower()
        raise InputError(f"--seed_everything {shown}: must be a number from 0 to {_MAX_SEED}")
    for group in ("optimizer", "lr_scheduler"):
        for name, value in ((settings.get(group) or {}).get("init_args") or {}).items():
            if name in _RATES and isinstance(value, int | float) and not 0 < value < math.inf:
                raise InputError(f"--{group}.{name} {value}: must be above 0 and finite")
    if str((settings.get("lr_scheduler") or {}).get("class_path")) == MUTE:
        raise InputError(
            "--lr_scheduler: torch's own ReduceLROnPlateau knows no metric; name"
            " lightning.pytorch.cli.ReduceLROnPlateau and its monitor"
        )
    _check_trainer(settings)
    check_threads(f"--num_threads {settings.get('num_threads')}", settings.get("num_threads") or 1)
    if settings.get("weights_only") is not True:
        raise InputError("--weights_only false: nothing in a checkpoint is ever run")


def _check_trainer(settings: Mapping[str, Any]) -> None:
    trainer = settings.get("trainer") or {}
    for name, parameter in inspect.signature(Trainer).parameters.items():
        if isinstance(parameter.default, bool) and trainer.get(name, False) is None:
            raise InputError(f"--trainer.{name} null: must be true or false")
    for name, least in _AT_LEAST.items():
        value = trainer.get(name)
        if value is not None and value < least:
            raise InputError(f"--trainer.{name} {value}: must be at least {least}")
    if trainer.get("limit_train_batches") == 0 and "optimizer" in settings:
        raise InputError("--trainer.limit_train_batches 0: leaves nothing to train on")

    for name in _PROCESSES:
        number = str(trainer.get(name))
        if number.isdecimal() and int(number) > MOST_PROCESSES:
            raise InputError(f"--trainer.{name} {number}: must be at most {MOST_PROCESSES:,}")


def _check_given(group: str, settings: Mapping[str, Any]) -> None:
    """Whether a null stands where the class takes none; the parser lets it through anywhere."""
    cls = class_of(settings)
    if cls is None:
        return
    for key, parameter in inspect.signature(cls).parameters.items():
        null = key in (settings.get("init_args") or {}) and settings["init_args"][key] is None
        takes_it = parameter.default in (None, parameter.empty) or type(None) in get_args(
            parameter.annotation
        )
        if null and not takes_it and not (group == "model" and key in LINKED):
            raise InputError(f"--{group}.{key} null: must be given")


def _leaves(settings: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(settings, Mapping):
        for name, value in settings.items():
            yield from _leaves(value, f"{key}.{name}" if key else name)
    elif isinstance(settings, list | tuple):
        for value in settings:
            yield from _leaves(value, key)
    else:
        yield key, settings


def check_devices(trainer: Trainer) -> None:
    """Whether this machine's CPU can run so many processes, and litmore starts them so.

    Raises:
        InputError: it cannot, or they are started another way.

    """
    cores = os.cpu_count() or 1
    most = PROCESSES_A_CORE * cores
    if isinstance(trainer.accelerator, CPUAccelerator) and trainer.num_devices > most:
        raise InputError(
            f"--trainer.devices {trainer.num_devices}: {cores} CPU core(s) run {most} processes at"
            " the most"
        )
    if copies_process(trainer):
        raise InputError(
            "--trainer.strategy: ddp_spawn, ddp_fork and ddp_notebook copy a process, which"
            " cannot save a run; say ddp, which starts the command line once for each"
        )


def check_tasks(trainer: Trainer) -> None:
    """Whether a launcher has started as many processes as the Trainer counts on.

    Raises:
        InputError: it has not; they would wait for each other, or train apart.

    """
    environment = getattr(trainer.strategy, "cluster_environment", None)
    counted = trainer.num_nodes * trainer.num_devices
    by_hand = isinstance(environment, LightningEnvironment) and "LOCAL_RANK" in os.environ
    if by_hand and os.environ.get("WORLD_SIZE", str(counted)) != str(counted):
        raise InputError(
            f"--trainer.devices {trainer.num_devices}, --trainer.num_nodes {trainer.num_nodes}:"
            f" LOCAL_RANK and WORLD_SIZE={os.environ['WORLD_SIZE']} in the environment say that"
            " so many processes are started already; if nobody has, `unset LOCAL_RANK WORLD_SIZE`"
        )
    is_slurms = isinstance(environment, SLURMEnvironment | None) and SLURMEnvironment.detect()
    if is_slurms and not TorchElasticEnvironment.detect():
        started = int(os.environ["SLURM_NTASKS"]) if "SLURM_STEP_ID" in os.environ else 1
        if counted != started:
            raise InputError(
                f"--trainer.devices {trainer.num_devices}, --trainer.num_nodes {trainer.num_nodes}:"
                f" Slurm has started {started} process(es) of this command; put srun in front of"
                " it, and --ntasks-per-node as many as devices"
            )
