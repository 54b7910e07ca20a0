"""`fit`, `validate`, `test` and `predict`, from a command line to what is printed at the end."""

import os
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import BatchSizeFinder, Checkpoint, ModelPruning, ProgressBar
from lightning.pytorch.plugins import CheckpointIO
from lightning.pytorch.utilities.model_helpers import is_overridden

from litmore.callbacks import LRFinder
from litmore.cli.classes import listed
from litmore.cli.given import flat
from litmore.cli.limits import check_devices, check_tasks
from litmore.cli.parser import LONGEST
from litmore.cli.quiet import quieten_lightning
from litmore.cli.refusals import blame_refused, refused, said_by_a_library, too_large_refused
from litmore.cli.report import Announcement, report, show, tell, tell_finished
from litmore.cli.settings import Settings
from litmore.cli.weights import begin_with, compile_checked, freeze_by_name
from litmore.cli.word_scores import WordScores
from litmore.errors import InputError, RunError, one_line
from litmore.files import here
from litmore.models.base import CharLM
from litmore.models.final_validation import FinalValidation
from litmore.models.hyperparameters import keep_plain
from litmore.models.stepless import Stepless
from litmore.runs import checkpoint as checkpoints
from litmore.runs.agreement import DisagreementError, agree, terms
from litmore.runs.atomic import AtomicCheckpointIO
from litmore.runs.begun import Begun
from litmore.runs.changed_settings import ChangedSettings
from litmore.runs.damage import check_loops, check_restorable, check_resumable
from litmore.runs.folder import ROOT, RunFolder, check_name, is_first_process, run_of
from litmore.runs.record import RunRecord
from litmore.runs.requeue import NO_JOB, slurm_job
from litmore.runs.saving import Checkpoints
from litmore.runs.signals import Stopped, number_in
from litmore.runs.summary_file import SummaryFile
from litmore.steps import batches_done
from litmore.system import relative
from litmore.training.lightning import (
    CheapSteps,
    before_connecting,
    leave_signals,
    loop_states,
    restores,
)
from litmore.training.monitors import MonitorCheck
from litmore.training.plateau import PlateauByValidation
from litmore.watch.judgement import Judgement
from litmore.watch.logger import RunLogger
from litmore.watch.overfit_floor import OverfitFloor
from litmore.watch.print_samples import PrintSamples
from litmore.watch.progress_bar import TimedProgressBar
from litmore.watch.tensorboard import tensorboard
from litmore.watch.trackers import Trackers, in_run_folder

SHARED_FROM = 1_000_000
"""Parameters from which several threads share a step."""


def run(args: Sequence[str], callbacks: Sequence[Callback] = ()) -> int:
    """Run one of these commands, with these callbacks beside those that it names.

    Returns:
        The exit code: 0 done, 2 the processes disagree, 128 + n stopped by signal n.

    """
    quieten_lightning()
    code = 0
    try:
        _run(args, callbacks)
    except DisagreementError as error:
        tell(f"error: {error}")
        code = 2
    except Stopped as stop:
        tell(stop.told)
        stop.request.release()
        # To Lightning's own launcher, anything but 0 is a death to be followed.
        is_its = number_in("LOCAL_RANK") and "TORCHELASTIC_RUN_ID" not in os.environ
        return 0 if is_its else 128 + stop.number
    except SystemExit as stop:
        # Lightning turns Ctrl-C into exit(1).
        if isinstance(stop.__context__, KeyboardInterrupt):
            return 130
        raise
    # Left to the interpreter's exit, gloo's threads may abort it.
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    return code


def _run(args: Sequence[str], callbacks: Sequence[Callback]) -> None:
    """Parse, build, check, assemble, train or judge, tell."""
    settings = Settings(args)
    if settings.begun is not None and settings.begun.is_finished:
        tell_finished(settings.begun.run)
        return
    model, data = make(settings)
    if settings.values.print_splits:
        if not hasattr(data, "table"):
            raise InputError(f"--print_splits: {type(data).__name__} has none to show")
        show(data.table())
        return
    check(settings, model, data)
    scores = _word_scores(data) if settings.subcommand == "predict" else None
    if scores is not None and not scores.scores_any:
        scores.write_unknown()
        return
    folder = _run_folder(settings, model) if settings.subcommand == "fit" else None
    is_new = folder is not None and folder.path is None
    try:
        trainer = assemble(settings, model, data, folder, callbacks)
        if settings.ckpt_path is not None:
            loops = loop_states(trainer, str(settings.subcommand))
            check_loops(settings.checkpoint, loops, f"--ckpt_path {settings.ckpt_path}")
        if trainer.world_size > 1:
            recorded = dict(flat(settings.to_record(data, settings.values.get("run_name"))))
            own = {"the command": settings.subcommand}
            own |= terms(recorded, model, data, settings.ckpt_path)
            before_connecting(trainer, partial(agree, own))
        if settings.values.compile:
            compile_checked(model, trainer.strategy.root_device)
        _call(settings, trainer)
    except InputError:
        if is_new and folder is not None and is_first_process():
            folder.discard()
        raise
    finally:
        if folder is not None:
            folder.unlock()
    report(str(settings.subcommand), trainer, model, folder, settings.values.seed_everything)


def make(settings: Settings) -> tuple[LightningModule, LightningDataModule]:
    """The model and the data.

    Raises:
        InputError: they cannot be made of these settings, or not on this machine.

    """
    with too_large_refused(), blame_refused(settings.classes()):
        return settings.instantiate()


def check_data(settings: Settings, model: LightningModule, data: LightningDataModule) -> None:
    """Say whether the model takes such data, and the data have what the command needs.

    Raises:
        InputError: they do not.

    """
    if hasattr(model, "check_data"):
        model.check_data(data)  # type: ignore[operator]
    if hasattr(data, "check_data"):
        data.check_data(str(settings.subcommand))


def check(settings: Settings, model: LightningModule, data: LightningDataModule) -> None:
    """Say what does not fit together before anything is written.

    Raises:
        InputError: something does not.

    """
    command = str(settings.subcommand)
    if settings.ckpt_path is not None:
        try:
            checkpoints.check_fit(settings.checkpoint, model)
        except InputError as error:
            if settings.begun is None:
                raise
            run = relative(settings.begun.run)
            raise InputError(
                f"--ckpt_path auto: goes on with {run}, and its checkpoint {one_line(error)}; give"
                " its settings back, or another --run_name"
            ) from None
        named = f"--ckpt_path {settings.ckpt_path}"
        check_restorable(settings.checkpoint, named)
        if command == "fit":
            check_resumable(settings.checkpoint, named)
    check_data(settings, model, data)
    if command == "fit":
        keep_plain({}, model, data)
        _check_stepless(settings, model)
        if settings.values.requeue and slurm_job() is None:
            settings.notes.append(NO_JOB)
        begin_with(settings, model)
        freeze_by_name(settings, model)
        with refused("--optimizer, --lr_scheduler"), warnings.catch_warnings():
            # litmore's own default is there to give way.
            if type(model).configure_optimizers.__module__.startswith("litmore."):
                warnings.filterwarnings("ignore", message=".*will be overridden")
            settings.set_optimizers()
        is_default = type(model).configure_optimizers is CharLM.configure_optimizers
        if settings.values.optimizer is None and is_default:
            tell("no --optimizer is named: AdamW at a learning rate of 0.01")
        if not is_overridden("configure_optimizers", model):
            raise InputError("--optimizer: name one, such as --optimizer AdamW --optimizer.lr 0.01")
    for callback in listed(settings.made("trainer").callbacks):
        if isinstance(callback, ModelPruning) and settings.ckpt_path is not None:
            settings.notes.append(
                "ModelPruning keeps its masks in no checkpoint: what is pruned may grow again"
            )
        if isinstance(callback, LRFinder):
            callback.check(model)
    tell(*settings.notes)


def _check_stepless(settings: Settings, model: LightningModule) -> None:
    """What has no effect on a model that takes no steps.

    Raises:
        InputError: its steps are to be counted, and it would never end.

    """
    if not isinstance(model, Stepless):
        return
    name, trainer = type(model).__name__, settings.values.trainer
    if trainer.max_steps >= 0 and trainer.max_epochs is None and trainer.max_time is None:
        raise InputError(
            f"--trainer.max_steps {trainer.max_steps}: {name} takes no steps and would never end;"
            " pass --trainer.max_epochs 1"
        )
    settings.notes += [
        f"{flag} has no effect: {name} takes no steps"
        for flag in ("--optimizer", "--lr_scheduler", "--init_from")
        if settings.values.get(flag.removeprefix("--")) is not None
    ]


def assemble(
    settings: Settings,
    model: LightningModule,
    data: LightningDataModule,
    folder: RunFolder | None,
    more_callbacks: Sequence[Callback] = (),
) -> Trainer:
    """The Trainer, with all that a run is watched, kept and stopped by.

    Raises:
        InputError: the Trainer refuses a setting, or this machine cannot run so many processes.

    """
    given = settings.made("trainer")
    more: dict[str, Any] = {"logger": given.logger if given.logger not in (None, True) else False}
    callbacks = [CheapSteps(), *listed(given.callbacks), *more_callbacks]
    if settings.ckpt_path is not None:  # the run has found its size, and recorded it
        callbacks = [each for each in callbacks if not isinstance(each, BatchSizeFinder)]
    callbacks += _printed(settings, given, callbacks)
    if folder is not None:
        named = set(map(type, callbacks))  # what a user names replaces ours
        parts = tensorboard(**settings.values.tensorboard)
        callbacks += [part for part in parts if type(part) not in named]
    if folder is not None and not given.fast_dev_run and not given.barebones:
        folder.check()
        config = settings.to_record(data, folder.name)
        callbacks[:0] = [MonitorCheck(), PlateauByValidation(), Announcement()]
        callbacks += [
            FinalValidation(),
            OverfitFloor(),
            ChangedSettings(config),
            RunRecord(folder, config, settings.command),
            SummaryFile(folder, config, settings.values.monitor, settings.values.monitor_mode),
        ]
        if given.logger in (None, True):
            more["logger"] = RunLogger(folder)
        elif given.logger:
            told = listed(config["trainer"]["logger"])
            goes_on = folder.path is not None
            states = settings.checkpoint.get("callbacks", {}) if goes_on else {}
            more["logger"] = in_run_folder(listed(given.logger), told, folder, states)
            callbacks.append(Trackers(config))
        if given.enable_checkpointing is not False:
            values = settings.values
            callbacks.append(
                Checkpoints(folder, values.monitor, values.monitor_mode, _save_every(settings))
            )
            plugins = listed(given.plugins)
            if not any(isinstance(plugin, CheckpointIO) for plugin in plugins):
                plugins = [*plugins, AtomicCheckpointIO()]
            more["plugins"] = plugins
    judged = _judged_run(settings, data)
    if judged is not None:
        step = int(settings.checkpoint["global_step"])
        callbacks.append(Judgement(judged, step, is_drawn=given.logger is not False))
    if settings.subcommand == "predict" and (scores := _word_scores(data)):
        callbacks.append(scores)
    if not any(isinstance(callback, Checkpoint) for callback in callbacks):
        more["enable_checkpointing"] = False
    with refused("--trainer"):
        trainer = settings.instantiate_trainer(callbacks=callbacks, **more)
    leave_signals(trainer)
    check_devices(trainer)
    check_tasks(trainer)
    small = sum(parameter.numel() for parameter in model.parameters()) < SHARED_FROM
    if threads := settings.values.num_threads or small:
        torch.set_num_threads(int(threads))
    return trainer


def _printed(settings: Settings, given: Any, named: Sequence[Callback]) -> list[Callback]:
    """What shows on the terminal how far a run is, beside what a user names."""
    more: list[Callback] = []
    has_bar = any(isinstance(callback, ProgressBar) for callback in named)
    if given.enable_progress_bar is not False and not given.barebones and not has_bar:
        more.append(TimedProgressBar())
    if number := settings.values.get("print_samples"):  # fit's
        more.append(PrintSamples(number))
    return more


def _call(settings: Settings, trainer: Trainer) -> None:
    """Train or judge; what Lightning sees only with the data in its hands is said in one line."""
    try:
        # Of scores, rows are written as they come; none is kept.
        more = {"return_predictions": False} if settings.subcommand == "predict" else {}
        begun_at = settings.checkpoint["global_step"] if settings.ckpt_path else 0
        with blame_refused(settings.classes(), when=lambda: trainer.global_step <= begun_at):
            settings.call(trainer, **more)
    except (InputError, RunError):
        raise
    except Exception as error:
        is_setting = isinstance(error, MisconfigurationException | ValueError)
        is_kept = restores(error) and not isinstance(error, MisconfigurationException)
        is_begun = bool(batches_done(trainer)) and not is_kept  # restored, they are done, too
        if is_begun or not said_by_a_library(error) or not (is_setting or is_kept):
            raise
        where = "--trainer"
        if is_kept:
            where = f"--ckpt_path {settings.ckpt_path}: damaged, or of something else"
        raise InputError(f"{where}: {one_line(error)[:LONGEST]}") from error


def _run_folder(settings: Settings, model: LightningModule) -> RunFolder:
    # `last` goes on in its own folder; anything else is a branch, and must not overwrite it.
    begun, path = settings.begun, None
    if begun is not None:
        path = begun.run
    elif settings.ckpt_path is not None and settings.ckpt_path.name == "last.ckpt":
        path = run_of(settings.ckpt_path)
    if path is not None:
        folder = RunFolder(path.parents[1], path.parent.name, path)
        if is_first_process():
            folder.lock()
            if begun is not None and Begun.at(path) != begun:
                folder.unlock()
                raise InputError(f"--ckpt_path: another process was training in {path}; try again")
        return folder
    root = here(ROOT, settings.values.trainer.default_root_dir)
    return RunFolder(root, run_name(settings, model))


def run_name(settings: Settings, model: LightningModule) -> str:
    """As it is given, or after the first config's file, or the model.

    Raises:
        InputError: it is given, and a path.

    """
    if settings.values.run_name:
        return check_name("--run_name", str(settings.values.run_name))
    paths = settings.config_files()
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
    given = settings.values.trainer
    limit = given.limit_test_batches
    if given.fast_dev_run or isinstance(limit, int) or limit not in (None, 1.0):
        return None  # a part of them
    now, then = (
        # The vocabulary is the checkpoint's, in the order of its ids.
        {**config["data"]["init_args"], "vocabulary": None, "memory_map": None}
        for config in (settings.to_record(data, None), settings.checkpoint["config"])
    )
    assert settings.ckpt_path is not None
    return run_of(settings.ckpt_path) if now == then else None


def _word_scores(data: Any) -> WordScores | None:
    """Of words, their CSV; what becomes of other predictions is a callback's of the user's."""
    if not hasattr(data, "predict_words"):
        return None
    return WordScores(data.predict_words, data.vocabulary)
