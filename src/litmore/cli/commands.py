"""`fit`, `validate`, `test` and `predict`, from a command line to what is printed at the end."""

import logging
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, ProgressBar
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.exceptions import SIGTERMException
from lightning.pytorch.utilities.model_helpers import is_overridden

from litmore.callbacks import LRFinder
from litmore.cli.limits import check_devices
from litmore.cli.refusals import refused, said_by_a_library, too_large_refused
from litmore.cli.report import (
    Announcement,
    print_default,
    print_fitted,
    print_frozen,
    print_table,
    report,
)
from litmore.cli.settings import Settings
from litmore.cli.word_scores import WordScores
from litmore.errors import InputError
from litmore.models.final_validation import FinalValidation
from litmore.runs import checkpoint as checkpoints
from litmore.runs.atomic import AtomicCheckpointIO
from litmore.runs.changed_settings import ChangedSettings
from litmore.runs.folder import RunFolder, find_checkpoint, is_first_process, run_of
from litmore.runs.record import RunRecord
from litmore.runs.saving import Checkpoints
from litmore.runs.signals import Stopped
from litmore.steps import batches_done
from litmore.training.lightning import CheapSteps, compile_forward
from litmore.training.monitors import MonitorCheck
from litmore.training.warm_start import freeze, load_fitting
from litmore.watch.judgement import Judgement
from litmore.watch.logger import RunLogger
from litmore.watch.overfit_floor import OverfitFloor
from litmore.watch.progress_bar import TimedProgressBar
from litmore.watch.tensorboard import tensorboard

SHARED_FROM = 1_000_000
"""Parameters from which several threads share a step."""


def run(args: Sequence[str]) -> int:
    """Run one of these commands.

    Returns:
        The exit code: 0 done, 130 or 143 stopped by SIGINT or SIGTERM.

    """
    _quieten_lightning()
    try:
        _run(args)
    except Stopped as stop:
        _tell(stop.told)
        # To the process that launched this one, anything but 0 is a death to be followed.
        return (
            int(str(stop.code)) if is_first_process() or "TORCHELASTIC_RUN_ID" in os.environ else 0
        )
    except SIGTERMException:
        return 143
    except SystemExit as stop:
        # Lightning turns Ctrl-C into exit(1).
        if isinstance(stop.__context__, KeyboardInterrupt):
            return 130
        raise
    # Left to the interpreter's exit, gloo's threads may abort it.
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    return 0


def _run(args: Sequence[str]) -> None:
    """Parse, build, check, assemble, train or judge, tell."""
    settings = Settings(args)
    with too_large_refused():
        model, data = settings.instantiate()
    if settings.values.print_splits:
        if not hasattr(data, "table"):
            raise InputError(f"--print_splits: {type(data).__name__} has none to show")
        print_table(data.table())
        return
    check(settings, model, data)
    if settings.subcommand == "predict" and not _word_scores(data).scores_any:
        _word_scores(data).write_unknown()
        return
    folder = _run_folder(settings, model) if settings.subcommand == "fit" else None
    is_new = folder is not None and folder.path is None
    try:
        trainer = assemble(settings, model, data, folder)
        if settings.values.compile:
            _compile(model, trainer.strategy.root_device)
        _call(settings, trainer)
    except InputError:
        if is_new and folder is not None and is_first_process():
            folder.discard()
        raise
    finally:
        if folder is not None:
            folder.unlock()
    report(str(settings.subcommand), trainer, model, folder, settings.values.seed_everything)


def check(settings: Settings, model: LightningModule, data: LightningDataModule) -> None:
    """Say what does not fit together before anything is written.

    Raises:
        InputError: something does not.

    """
    command = str(settings.subcommand)
    if settings.ckpt_path is not None:
        checkpoints.check_fit(settings.checkpoint, model)
        if command == "fit":
            checkpoints.check_resumable(settings.checkpoint, settings.ckpt_path)
    if hasattr(model, "check_data"):
        model.check_data(data)  # type: ignore[operator]
    if hasattr(data, "check_data"):
        data.check_data(command)
    if command == "fit":
        _warm_start(settings, model)
        _freeze(settings, model)
        with refused("--optimizer, --lr_scheduler"), warnings.catch_warnings():
            # litmore's own default is there to give way.
            if type(model).configure_optimizers.__module__.startswith("litmore."):
                warnings.filterwarnings("ignore", message=".*will be overridden")
            settings.set_optimizers()
        if settings.values.optimizer is None:
            print_default(model)
        if not is_overridden("configure_optimizers", model):
            raise InputError("--optimizer: name one, such as --optimizer AdamW --optimizer.lr 0.01")
    for callback in _listed(settings.given("trainer").callbacks):
        if isinstance(callback, LRFinder):
            callback.check(model)


def _warm_start(settings: Settings, model: LightningModule) -> None:
    """Begin with another run's weights; from here on the settings have their file's whole path."""
    given = settings.values.init_from
    if given is None or settings.ckpt_path is not None:  # a run that goes on has its own
        return
    try:
        # Of whatever name: a run is seldom called as the one that it learns from.
        path = find_checkpoint(given, Path(settings.values.trainer.default_root_dir), None)
        checkpoint = checkpoints.read(path)
    except InputError as error:
        raise InputError(str(error).replace("--ckpt_path", "--init_from", 1)) from None
    try:
        fitted = load_fitting(model, checkpoint["state_dict"])
    except InputError as error:
        raise InputError(f"--init_from {given}: {error}") from None
    settings.values.init_from = str(path)
    known, now = (
        parameters.get("vocabulary")
        for parameters in (checkpoint["hyper_parameters"], getattr(model, "hparams", {}))
    )
    print_fitted(path, fitted, known, now)


def _freeze(settings: Settings, model: LightningModule) -> None:
    given = (settings.values.freeze or "").split(",")
    patterns = [name.strip() for name in given if name.strip()]
    try:
        if patterns:
            print_frozen(freeze(model, patterns))
    except InputError as error:
        raise InputError(f"--freeze {error}") from None


def _compile(model: LightningModule, device: torch.device) -> None:
    """Compile in place, once a trial has shown that this machine can."""
    try:
        torch.compile(lambda x: x.tanh() + 1)(torch.ones(2, device=device))
    except RuntimeError as error:  # torch has private kinds of it, one a missing part
        reason = str(error).splitlines()[0]
        raise InputError(f"--compile: this machine cannot compile ({reason})") from None
    compile_forward(model)


def assemble(
    settings: Settings, model: LightningModule, data: LightningDataModule, folder: RunFolder | None
) -> Trainer:
    """The Trainer, with all that a run is watched, kept and stopped by.

    Raises:
        InputError: the Trainer refuses a setting, or this machine cannot run so many processes.

    """
    given = settings.given("trainer")
    more: dict[str, Any] = {"logger": False}
    callbacks = [CheapSteps(), *_listed(given.callbacks)]
    has_bar = any(isinstance(callback, ProgressBar) for callback in callbacks)
    if given.enable_progress_bar is not False and not given.barebones and not has_bar:
        callbacks.append(TimedProgressBar())
    if folder is not None:
        named = set(map(type, callbacks))  # what a user names replaces ours
        parts = tensorboard(**settings.values.tensorboard)
        callbacks += [part for part in parts if type(part) not in named]
    if folder is not None and not given.fast_dev_run and not given.barebones:
        folder.check()
        config = settings.to_record(data, folder.name)
        callbacks[:0] = [MonitorCheck(), Announcement()]
        callbacks += [
            FinalValidation(),
            OverfitFloor(),
            RunRecord(folder, config),
            ChangedSettings(config),
        ]
        more["logger"] = given.logger if given.logger not in (None, True) else RunLogger(folder)
        if given.enable_checkpointing is not False:
            callbacks.append(Checkpoints(folder, every_seconds=_save_every(settings)))
            more["plugins"] = [*_listed(given.plugins), AtomicCheckpointIO()]
    judged = _judged_run(settings, data)
    if judged is not None and given.logger is not False:
        callbacks.append(Judgement(judged, int(settings.checkpoint["global_step"])))
    if settings.subcommand == "predict":
        callbacks.append(_word_scores(data))
    if not any(isinstance(callback, Checkpoint) for callback in callbacks):
        more["enable_checkpointing"] = False
    with refused("--trainer"):
        trainer = settings.instantiate_trainer(callbacks=callbacks, **more)
    check_devices(trainer)
    small = sum(parameter.numel() for parameter in model.parameters()) < SHARED_FROM
    if threads := settings.values.num_threads or small:
        torch.set_num_threads(int(threads))
    return trainer


def _call(settings: Settings, trainer: Trainer) -> None:
    """Train or judge; what Lightning sees only with the data in its hands is said in one line."""
    try:
        # Of scores, rows are written as they come; none is kept.
        more = {"return_predictions": False} if settings.subcommand == "predict" else {}
        settings.call(trainer, **more)
    except (MisconfigurationException, ValueError) as error:
        if batches_done(trainer) or not said_by_a_library(error):
            raise
        raise InputError(f"--trainer: {' '.join(str(error).split())}") from error


def _run_folder(settings: Settings, model: LightningModule) -> RunFolder:
    # `last` goes on in its own folder; anything else is a branch, and must not overwrite it.
    if settings.ckpt_path is not None and settings.ckpt_path.name == "last.ckpt":
        path = run_of(settings.ckpt_path)
        if path is not None:
            folder = RunFolder(path.parents[1], path.parent.name, path)
            if is_first_process():
                folder.lock()
            return folder
    return RunFolder(Path(settings.values.trainer.default_root_dir), _run_name(settings, model))


def _run_name(settings: Settings, model: LightningModule) -> str:
    if settings.values.run_name:
        name = str(settings.values.run_name)
        if Path(name).name != name or name == "..":
            raise InputError(f"--run_name {name}: a name, not a path")
        return name
    paths = [str(path) for path in settings.values.config or [] if path is not None]
    return Path(paths[0]).stem if paths else type(model).__name__.lower()


def _save_every(settings: Settings) -> float:
    seconds = float(settings.values.save_every)
    if not seconds >= 0:
        raise InputError(f"--save_every {seconds}: must be at least 0 seconds")
    return seconds


def _judged_run(settings: Settings, data: LightningDataModule) -> Path | None:
    """The run that `test` judges, on its own data: of any other the figures are not its."""
    if settings.subcommand != "test" or "config" not in settings.checkpoint:
        return None
    now, then = (
        # The vocabulary is the checkpoint's, in the order of its ids.
        {**config["data"]["init_args"], "vocabulary": None, "memory_map": None}
        for config in (settings.to_record(data, None), settings.checkpoint["config"])
    )
    assert settings.ckpt_path is not None
    return run_of(settings.ckpt_path) if now == then else None


def _word_scores(data: Any) -> WordScores:
    if not hasattr(data, "predict_words"):
        raise InputError(f"predict: {type(data).__name__} has no words to score")
    return WordScores(data.predict_words, data.vocabulary)


def _listed(given: Any) -> list[Any]:
    """What `--trainer.callbacks` and `--trainer.plugins` take: none, one or a list."""
    if given is None:
        return []
    return given if isinstance(given, list) else [given]


def _quieten_lightning() -> None:
    """No device lists, tips or advice for other projects; its import has set the levels anew."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("lightning.pytorch.callbacks.model_summary").setLevel(logging.INFO)


@rank_zero_only
def _tell(told: str) -> None:
    sys.stderr.write(f"{told}\n")
