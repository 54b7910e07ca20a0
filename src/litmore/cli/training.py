"""`fit`, `validate`, `test` and `predict`: LightningCLI, with runs in folders of their own."""

import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import yaml
from jsonargparse import ActionParser
from jsonargparse.typing import PositiveInt
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, ReduceLROnPlateau
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.exceptions import SIGTERMException
from lightning.pytorch.utilities.model_helpers import is_overridden
from torch.optim import Optimizer

from litmore import data, models
from litmore.cli.limits import check_devices, check_settings, check_training
from litmore.cli.parser import LONGEST, OneLineErrors, flag_values
from litmore.cli.plot import plot_parser
from litmore.cli.report import (
    print_found,
    print_metrics,
    print_names,
    print_next,
    print_nothing_done,
    print_table,
)
from litmore.cli.sample import sample_parser
from litmore.cli.word_scores import WordScores
from litmore.data import NamesDataModule
from litmore.errors import InputError, RunError
from litmore.models import CharLM
from litmore.runs import checkpoint as checkpoints
from litmore.runs.atomic import AtomicCheckpointIO
from litmore.runs.changed_settings import ChangedSettings
from litmore.runs.folder import LOGS, RunFolder, find_checkpoint, run_of
from litmore.runs.record import RunRecord
from litmore.runs.saving import Checkpoints
from litmore.runs.signals import Stopped
from litmore.runs.trust import restrict_imports
from litmore.sampling import sample
from litmore.training.final_validation import FinalValidation
from litmore.training.lightning import (
    LeanTrainer,
    NoProfiler,
    remember_signature,
    skip_empty_hooks,
    skip_transfer,
)
from litmore.training.lr_finder import LRFinder
from litmore.watch.judgement import Judgement
from litmore.watch.logger import RunLogger, is_first_process
from litmore.watch.overfit_floor import OverfitFloor
from litmore.watch.progress_bar import TimedProgressBar
from litmore.watch.tensorboard import tensorboard, tensorboard_parser

TRUST = "--trust_config"
"""The flag that lets a config name classes of any package (`litmore.runs.trust`)."""

SHARED_FROM = 1_000_000
"""Parameters from which several threads share a step."""

NAMES_SHOWN = 10
"""How many new names a training ends with."""


class TrainingParser(OneLineErrors, LightningArgumentParser):
    """LightningCLI's, with errors of one line."""


class CountedBatches(LeanTrainer):
    """Lightning's Trainer, whose limits of `3` are three batches on a command line too.

    Its own annotations say "a float or an int", and the first of the two takes a `1` for `1.0`,
    which is all batches.
    """

    def __init__(
        self,
        *args: Any,
        limit_train_batches: int | float | None = None,
        limit_val_batches: int | float | None = None,
        limit_test_batches: int | float | None = None,
        limit_predict_batches: int | float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            *args,
            limit_train_batches=limit_train_batches,
            limit_val_batches=limit_val_batches,
            limit_test_batches=limit_test_batches,
            limit_predict_batches=limit_predict_batches,
            **kwargs,
        )


def run(args: Sequence[str]) -> int:
    """Run one of these subcommands.

    Returns:
        The exit code: 0 done, 130 or 143 stopped by SIGINT or SIGTERM.

    """
    _quieten_lightning()
    try:
        CLI(args)
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


def _quieten_lightning() -> None:
    """No device lists, tips or advice for other projects; its import has set the levels anew."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("lightning.pytorch.callbacks.model_summary").setLevel(logging.INFO)


@rank_zero_only
def _tell(told: str) -> None:
    sys.stderr.write(f"{told}\n")


class CLI(LightningCLI):
    """LightningCLI over any character model and data, with runs in folders of their own."""

    def __init__(self, args: Sequence[str]) -> None:
        self.folder: RunFolder | None = None
        self._asked_for = args[0] if args else None
        for package in (data, models):  # what is loaded can be named without its module
            for name in package.__all__:
                getattr(package, name)
        restrict_imports(TRUST in args)
        try:
            self._run(args)
        finally:
            if self.folder is not None:
                self.folder.unlock()

    def _run(self, args: Sequence[str]) -> None:
        super().__init__(
            LightningModule,
            LightningDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            trainer_class=CountedBatches,
            parser_class=TrainingParser,
            parser_kwargs={
                "prog": "main.py",
                "description": "Train, judge and sample character models of names.",
            },
            save_config_callback=None,  # RunRecord does it
            # Hyperparameters as plain arguments, nothing of the command line's in them.
            load_from_checkpoint_support=False,
            trainer_defaults={
                "default_root_dir": LOGS,
                "num_sanity_val_steps": 0,
                "enable_model_summary": False,
            },
            seed_everything_default=42,
            args=list(args),
        )

    # Parsing

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """The data module by default, and what the data tell the model."""
        parser.add_argument(
            "--run_name",
            type=str | None,
            default=None,
            help="The run's folder below the logs folder (default: the first config's name).",
        )
        parser.add_argument(
            "--num_threads",
            type=PositiveInt | None,
            default=None,
            help="Threads of a process on the CPU (default: 1 for a model of less than a million"
            " parameters, whose steps are too short to share; else torch's own choice).",
        )
        parser.add_argument(
            "--print_splits",
            action="store_true",
            help="Print what the data's splits hold, and exit.",
        )
        parser.add_argument(
            "--save_every",
            type=float,
            default=60.0,
            metavar="SECONDS",
            help="How often last.ckpt is saved between validations (default: 60).",
        )
        parser.add_argument(
            "--tensorboard",
            action=ActionParser(parser=tensorboard_parser()),
            title="What TensorBoard shows",
        )
        parser.add_argument(
            TRUST,
            action="store_true",
            help="Import whatever installed package the config or checkpoint names.",
        )
        parser.set_defaults({"data": {"class_path": "litmore.data.NamesDataModule"}})
        parser.link_arguments(
            "data",
            "model.init_args.vocabulary",
            compute_fn=_characters,
            apply_on="instantiate",
        )
        parser.link_arguments(
            "data.block_size", "model.init_args.block_size", apply_on="instantiate"
        )

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]
        """The one that is asked for, if it is one: a parser of all settings takes its time."""
        known = super().subcommands()
        return {k: v for k, v in known.items() if k == self._asked_for} or known

    def _add_subcommands(self, parser: LightningArgumentParser, **kwargs: Any) -> None:
        super()._add_subcommands(parser, **kwargs)
        for subparser in self._subcommand_parsers.values():
            subparser.set_defaults({"weights_only": True})
            if "verbose" in subparser.get_defaults():
                subparser.set_defaults({"verbose": False})  # one way to print metrics: ours
        # Listed in the help; `main` runs it without the rest.
        assert parser._subcommands_action is not None
        for name, light in (("sample", sample_parser()), ("plot", plot_parser())):
            parser._subcommands_action.add_subcommand(name, light, help=light.description)

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Lay what the checkpoint's run recorded below the configs and flags given by hand."""
        self.ckpt_path = self._find_checkpoint(args)
        if self.ckpt_path is not None:
            print_found(self.ckpt_path)
            self.checkpoint = checkpoints.read(self.ckpt_path)
            recorded = checkpoints.recorded_config(self.checkpoint)
            if args[0] == "fit":
                # A schedule as long as the training stays so, whatever flags now say of that.
                schedule = (recorded.get("lr_scheduler") or {}).get("init_args", {})
                if schedule.get("total_steps") == recorded.get("trainer", {}).get("max_steps"):
                    schedule.pop("total_steps", None)
                # A part of TensorBoard that was there may have been deleted since.
                shown, known = recorded.get("tensorboard", {}), tensorboard_parser().get_defaults()
                recorded["tensorboard"] = {key: shown[key] for key in shown if key in known}
            else:
                recorded = {key: recorded[key] for key in ("model", "data")}
            args = [args[0], "--config", yaml.safe_dump(recorded), *args[1:]]
        self.config = parser.parse_args(args)
        settings = self.config[self.config.subcommand]
        if settings.trust_config and TRUST not in args:
            raise InputError(f"{TRUST}: a config does not trust itself; pass it as a flag")
        if self.ckpt_path is None and settings.ckpt_path is not None:
            raise InputError("--ckpt_path: name the checkpoint by the flag, not in a config")
        check_settings(settings.as_dict())
        if self.ckpt_path is not None:
            settings.ckpt_path = str(self.ckpt_path)
            _drop_old_hash(recorded, settings)

    def _parse_ckpt_path(self) -> None:
        """Nothing: Lightning would let the checkpoint's hyperparameters win over flags."""

    @staticmethod
    def _find_checkpoint(args: Sequence[str]) -> Path | None:
        given = flag_values(args, "--ckpt_path")
        if not given:
            return None
        root = Path((flag_values(args, "--trainer.default_root_dir") or [LOGS])[-1])
        configs = flag_values(args, "--config") + flag_values(args, "-c")
        names = flag_values(args, "--run_name")[-1:] + [Path(c).stem for c in configs[:1]]
        return find_checkpoint(given[-1], root, names[0] if names else None)

    # Building

    @property
    def settings(self) -> Any:
        """The subcommand's settings."""
        return self.config[self.subcommand]

    def before_instantiate_classes(self) -> None:
        """A schedule that is not told its length is as long as the training."""
        schedule = (self._get(self.config, "lr_scheduler") or {}).get("init_args", {})
        if self.subcommand != "fit" or "total_steps" not in schedule:
            return
        max_steps = self.settings.trainer.max_steps
        if schedule["total_steps"] is None:
            schedule["total_steps"] = max_steps
        if not 0 < max_steps <= schedule["total_steps"]:
            raise InputError(
                f"--lr_scheduler.init_args.total_steps {schedule['total_steps']}: the schedule must"
                f" last for all steps; --trainer.max_steps is {max_steps}"
            )

    def _run_subcommand(self, subcommand: str) -> None:
        if self.settings.print_splits:
            if not isinstance(self.datamodule, NamesDataModule):
                raise InputError(
                    f"--print_splits: {type(self.datamodule).__name__} has none to show"
                )
            print_table(self.datamodule.table())
            return
        if subcommand == "predict" and not len(self.datamodule.predict_corpus):
            self._word_scores().write_unknown()
            return
        opened = self.folder is not None and self.folder.path is None
        try:
            super()._run_subcommand(subcommand)
        except MisconfigurationException as error:
            # What Lightning sees only with the data in its hands.
            if self.trainer.fit_loop.epoch_loop.total_batch_idx >= 0:
                raise
            if opened and self.folder is not None and self.trainer.is_global_zero:
                self.folder.discard()
            raise InputError(f"--trainer: {' '.join(str(error).split())}") from error

    def instantiate_classes(self) -> None:
        """Data, model, trainer; what does not fit together is said before anything is written."""
        if self.subcommand != "fit" and self.ckpt_path is None:
            raise InputError(f"--ckpt_path: name the checkpoint to {self.subcommand}")
        try:
            super().instantiate_classes()
        except (RuntimeError, ValueError, MemoryError, OverflowError, TypeError) as error:
            if reason := _too_large(error):
                raise InputError(f"--model: too large for this machine: {reason}") from None
            raise
        small = sum(parameter.numel() for parameter in self.model.parameters()) < SHARED_FROM
        if threads := self.settings.num_threads or small:
            torch.set_num_threads(int(threads))

    def _check_parts(self) -> None:
        """What does not fit together is said before anything is written."""
        if self.ckpt_path is not None:
            checkpoints.check_fit(self.checkpoint, self.model)
            if self.subcommand == "fit":
                checkpoints.check_resumable(self.checkpoint, self.ckpt_path)
        trains = is_overridden("configure_optimizers", self.model)
        if self.subcommand == "fit" and not trains:
            raise InputError("--optimizer: name one, such as --optimizer AdamW --optimizer.lr 0.01")
        if isinstance(self.model, CharLM) and isinstance(self.datamodule, NamesDataModule):
            self.model.check_data(self.datamodule)
            # Read now: what is wrong with the files is said before anything is written.
            predict = self.subcommand == "predict"
            _ = self.datamodule.predict_corpus if predict else self.datamodule.splits
            split = {"validate": "val", "test": "test"}.get(str(self.subcommand))
            if split and not len(self.datamodule.splits[split]):
                raise InputError(f"--data.split: the {split} split is empty, its share is 0")
        elif isinstance(self.model, CharLM) and not hasattr(self.datamodule, "vocabulary"):
            data, model = type(self.datamodule).__name__, type(self.model).__name__
            raise InputError(f"--data: {data} has no characters for {model} to predict")
        elif hasattr(self.model, "check_data"):
            self.model.check_data(self.datamodule)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """The trainer with the run's folder, logger and callbacks."""
        self._check_parts()
        given = self._get(self.config_init, "trainer")
        callbacks = list(given.callbacks or [])
        for callback in callbacks:
            if isinstance(callback, LRFinder):
                callback.check(self.model)
        if given.enable_progress_bar is not False and not given.barebones:
            callbacks.append(TimedProgressBar())
        if self.subcommand == "fit":
            named = set(map(type, callbacks))  # what a user names replaces ours
            parts = tensorboard(**self.settings.tensorboard)
            callbacks += [part for part in parts if type(part) not in named]
        logger: Any = False
        if self.subcommand == "fit" and not given.fast_dev_run and not given.barebones:
            self.folder = self._run_folder(Path(given.default_root_dir))
            self.folder.check()
            config = self._config_to_record()
            callbacks += [
                FinalValidation(),
                OverfitFloor(),
                RunRecord(self.folder, config),
                ChangedSettings(config),
            ]
            if given.enable_checkpointing is not False:
                callbacks.append(Checkpoints(self.folder, every_seconds=self._save_every()))
                kwargs["plugins"] = [*_listed(given.plugins), AtomicCheckpointIO()]
            logger = given.logger if given.logger not in (None, True) else RunLogger(self.folder)
        run = self._judged_run()
        if run is not None and given.logger is not False:
            callbacks.append(Judgement(run, int(self.checkpoint["global_step"])))
        if self.subcommand == "predict":
            callbacks.append(self._word_scores())
        if not any(isinstance(callback, Checkpoints) for callback in callbacks):
            kwargs["enable_checkpointing"] = False
        if not given.profiler:
            kwargs["profiler"] = NoProfiler()
        with refused("--trainer"):
            trainer = super().instantiate_trainer(callbacks=callbacks, logger=logger, **kwargs)
        check_devices(trainer)
        skip_empty_hooks(trainer, self.model)
        skip_transfer(trainer, self.model, self.datamodule)
        remember_signature(self.model)
        if self.subcommand == "fit":
            schedule = self.settings.as_dict().get("lr_scheduler")
            check_training(trainer, self.model, self.datamodule, schedule)
        return trainer

    def _add_configure_optimizers_method_to_model(self, subcommand: str | None) -> None:
        if subcommand == "fit":  # a config that also says how to train may be given to judge by
            with refused("--optimizer, --lr_scheduler"):
                super()._add_configure_optimizers_method_to_model(subcommand)

    def _word_scores(self) -> WordScores:
        if not isinstance(self.datamodule, NamesDataModule):
            raise InputError(f"predict: {type(self.datamodule).__name__} has no words to score")
        return WordScores(self.datamodule.predict_words, self.datamodule.vocabulary)

    def _run_folder(self, root: Path) -> RunFolder:
        # `last` goes on in its own folder; anything else is a branch, and must not overwrite it.
        if self.ckpt_path is not None and self.ckpt_path.name == "last.ckpt":
            path = run_of(self.ckpt_path)
            if path is not None:
                folder = RunFolder(path.parents[1], path.parent.name, path)
                if is_first_process():
                    folder.lock()
                return folder
        return RunFolder(root, self._run_name())

    def _save_every(self) -> float:
        seconds = float(self.settings.save_every)
        if not seconds >= 0:
            raise InputError(f"--save_every {seconds}: must be at least 0 seconds")
        return seconds

    def _judged_run(self) -> Path | None:
        """The run that `test` judges, on its own data: of any other the figures are not its."""
        if self.subcommand != "test" or self.ckpt_path is None or "config" not in self.checkpoint:
            return None
        now, then = (
            # The vocabulary is the checkpoint's, in the order of its ids.
            {**data["init_args"], "vocabulary": None, "memory_map": None}
            for data in (self._config_to_record()["data"], self.checkpoint["config"]["data"])
        )
        return run_of(self.ckpt_path) if now == then else None

    def _run_name(self) -> str:
        if self.settings.run_name:
            name = str(self.settings.run_name)
            if Path(name).name != name or name == "..":
                raise InputError(f"--run_name {name}: a name, not a path")
            return name
        paths = [str(path) for path in self.settings.config or [] if path is not None]
        if paths:
            return Path(paths[0]).stem
        return type(self.model).__name__.lower()

    def _config_to_record(self) -> dict[str, Any]:
        dumped = self._parser(self.subcommand).dump(self.settings, skip_none=False)
        config: dict[str, Any] = yaml.safe_load(dumped)
        for key in ("ckpt_path", "weights_only", "run_name", "print_splits", "trust_config"):
            config.pop(key, None)
        config["run_name"] = self.folder.name if self.folder else None
        if isinstance(self.datamodule, NamesDataModule):
            # Its own account has the corpus's absolute path.
            config["data"]["init_args"].update(_plain(self.datamodule.hparams))
        return config

    @staticmethod
    def configure_optimizers(
        lightning_module: LightningModule, optimizer: Optimizer, lr_scheduler: Any = None
    ) -> Any:
        """Schedulers step at every optimizer step."""
        if lr_scheduler is None:
            return optimizer
        config = {"scheduler": lr_scheduler, "interval": "step"}
        if isinstance(lr_scheduler, ReduceLROnPlateau):
            config = {"scheduler": lr_scheduler, "monitor": lr_scheduler.monitor}
        return {"optimizer": optimizer, "lr_scheduler": config}

    # Running

    def before_predict(self) -> None:
        """Rows are written as they come; none is kept."""
        self.config_init[self.subcommand].return_predictions = False

    def after_fit(self) -> None:
        """Tell the result, some new names and what to type next."""
        metrics = self.trainer.callback_metrics
        if not metrics:
            if not self.trainer.should_stop:  # as it is after a sweep of the learning rate
                print_nothing_done(self.trainer.global_step)
            return
        stage = "val" if "val/loss" in metrics else "train"
        names = isinstance(self.model, CharLM)
        shown = {k: v for k, v in metrics.items() if k.startswith(f"{stage}/") or not names}
        for callback in self.trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, OverfitFloor) and callback.floor is not None:
                shown["train/floor"] = torch.tensor(callback.floor)
        print_metrics(shown)
        if isinstance(self.model, CharLM):
            finite = shown.get(f"{stage}/loss", torch.zeros(())).isfinite()
            if not finite and self.trainer.global_step:  # counts may rightly be infinitely wrong
                raise RunError("the loss is not finite")
            generator = torch.Generator(self.model.device)
            generator.manual_seed(int(self.settings.seed_everything))
            print_names(sample(self.model.eval(), NAMES_SHOWN, generator=generator))
        if self.folder is not None and self.folder.path is not None:
            print_next(self.folder.path, *(["sample"] if names else []), "test")

    def after_validate(self) -> None:
        """Tell the result."""
        print_metrics(self.trainer.callback_metrics)

    after_test = after_validate


@contextmanager
def refused(flag: str) -> Iterator[None]:
    """Turn what a library's constructor says against its settings into one line."""
    try:
        yield
    except InputError:
        raise
    except (
        MisconfigurationException,
        ValueError,
        TypeError,
        ImportError,
        ZeroDivisionError,
        OverflowError,
        AttributeError,
        RuntimeError,
        MemoryError,
    ) as error:
        raise InputError(f"{flag}: {' '.join(str(error).split())[:LONGEST]}") from error


def _listed(plugins: Any) -> list[Any]:
    """What `--trainer.plugins` takes: none, one or a list."""
    if plugins is None:
        return []
    return plugins if isinstance(plugins, list) else [plugins]


def _characters(data: LightningDataModule) -> str:
    vocabulary = getattr(data, "vocabulary", None)  # other data than words have none
    return "" if vocabulary is None else str(vocabulary.characters)


def _plain(hparams: Any) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in dict(hparams).items()}


def _drop_old_hash(recorded: dict[str, Any], settings: Any) -> None:
    """Another file given by hand is not the one whose hash the checkpoint holds."""
    old = recorded["data"].get("init_args", {})
    new = settings.data.init_args
    if old.get("sha256") is None or new.get("sha256") != old["sha256"]:
        return
    path = new.get("path") and str(Path(new.path).expanduser().absolute())
    if (path, new.get("url")) != (old.get("path"), old.get("url")):
        new.sha256 = None


def _too_large(error: BaseException | None) -> str | None:
    """What was asked for, if an error is about more memory than there is."""
    while error is not None:
        text = " ".join(str(error).split())
        found = re.search(
            r"tried to allocate \d+ bytes|out of memory|.* overflowed|overflows", text
        )
        if isinstance(error, MemoryError | OverflowError) or found:
            return found[0] if found else text
        error = error.__cause__ or error.__context__
    return None
