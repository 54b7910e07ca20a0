"""What a command is to work with: flags over configs over what a checkpoint's run recorded."""

import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import Any, Literal

import yaml
from jsonargparse import ActionParser
from jsonargparse.typing import PositiveInt
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.cli import LightningArgumentParser, ReduceLROnPlateau
from torch.optim import Optimizer

from litmore import data, models
from litmore.cli.classes import (
    class_of,
    drop_doubles,
    keep_found_size,
    named_classes,
    without_unwritable,
)
from litmore.cli.commands import command, more_commands
from litmore.cli.given import Given
from litmore.cli.limits import check_settings
from litmore.cli.parser import OneLineErrors
from litmore.cli.report import print_found
from litmore.errors import InputError
from litmore.models.hyperparameters import UNWRITABLE, remember, writable
from litmore.runs import checkpoint as checkpoints
from litmore.runs.folder import LOGS, find_checkpoint
from litmore.runs.trust import restrict_imports
from litmore.training.lightning import OpenCLI, training_length
from litmore.watch.tensorboard import tensorboard_parser

TRUST = "--trust_config"
"""The flag that lets a config name classes of any package (`litmore.runs.trust`)."""


_GROUPS = ("model", "data", "optimizer", "lr_scheduler")
_PEAKED = ("OneCycleLR", "CyclicLR")
_NESTED = ("SequentialLR", "ChainedScheduler")


class SettingsParser(OneLineErrors, LightningArgumentParser):
    """LightningCLI's, with errors of one line."""


class CountedBatches(Trainer):
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


class Settings(OpenCLI):
    """LightningCLI's settings and litmore's own, of one command line.

    Attributes:
        ckpt_path: the checkpoint's file, if one is named.
        checkpoint: its content.
        by_hand: what is given, and where.
        notes: what is to be known of it before the first step, a line each.

    """

    def __init__(self, args: Sequence[str]) -> None:
        self._asked_for = args[0] if args else None
        self.notes: list[str] = []
        self._derived: list[tuple[str, str]] = []
        for package in (data, models):  # what is loaded can be named without its module
            for name in package.__all__:
                getattr(package, name)
        restrict_imports(TRUST in args)
        super().__init__(
            LightningModule,
            LightningDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            trainer_class=CountedBatches,
            parser_class=SettingsParser,
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

    # What there is to set

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """litmore's own flags, the data module by default, and what the data tell the model."""
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
            "--init_from",
            type=str | None,
            default=None,
            metavar="CHECKPOINT",
            help="Begin a new run with a checkpoint's weights, as far as they fit by name and"
            " shape: a file, or `last` or `best` of the newest run.",
        )
        parser.add_argument(
            "--freeze",
            type=str | None,
            default=None,
            metavar="NAMES",
            help="Do not train these parameters, such as 'embedding,*.bias': patterns of a whole"
            " name or of a leading part of one.",
        )
        parser.add_argument(
            "--compile",
            action="store_true",
            help="Let torch.compile translate the model: the first steps wait for that.",
        )
        parser.add_argument(
            "--monitor",
            default="val/loss",
            metavar="METRIC",
            help="The metric of the validation that best.ckpt is the best by (default: val/loss).",
        )
        parser.add_argument(
            "--monitor_mode",
            type=Literal["min", "max"],
            default="min",
            help="Which of its values is better (default: min).",
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
            "data", "model.init_args.vocabulary", compute_fn=_characters, apply_on="instantiate"
        )

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]
        """The one that is asked for, if it is one: a parser of all settings takes its time."""
        known = super().subcommands()
        return {k: v for k, v in known.items() if k == self._asked_for} or known

    def prepare_subcommand(self, parser: LightningArgumentParser) -> None:
        """Safe checkpoints, and one way to print metrics: litmore's."""
        parser.set_defaults({"weights_only": True})
        if "verbose" in parser.get_defaults():
            parser.set_defaults({"verbose": False})

    def more_commands(self) -> Mapping[str, Any]:
        """Listed in the help; `main` runs them without the rest."""
        is_one = self._asked_for in super().subcommands()
        return {} if is_one else {name: command(name).parser() for name in more_commands()}

    # What is set

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Lay what the checkpoint's run recorded below the configs and flags given by hand."""
        self.by_hand = Given(args)
        self.ckpt_path = _find_checkpoint(self.by_hand)
        recorded: dict[str, Any] = {}
        if self.ckpt_path is not None:
            print_found(self.ckpt_path)
            self.checkpoint = checkpoints.read(self.ckpt_path)
            recorded = _recorded(self.checkpoint, args[0])
            self.by_hand.lay_over(recorded)
            args = [args[0], "--config", yaml.safe_dump(recorded), *args[1:]]
        schedule = self.by_hand.class_name("lr_scheduler")
        if schedule in _NESTED:
            raise InputError(
                f"--lr_scheduler {schedule}: is made of schedules, which no config can make; write"
                " the model's configure_optimizers (docs/training.md has it)"
            )
        if schedule in _PEAKED and "max_lr" not in self.by_hand.settings("lr_scheduler"):
            args = [*args, "--lr_scheduler.init_args.max_lr=1"]  # a required one: see `_link_lr`
        self.config = parser.parse_args(args)
        settings = self.config[self.config.subcommand]
        if settings.trust_config and TRUST not in args:
            raise InputError(f"{TRUST}: a config does not trust itself; pass it as a flag")
        self._drop_other_classes_settings(settings)
        if "trainer" in recorded:
            drop_doubles(recorded["trainer"], settings.trainer, self.by_hand)
            keep_found_size(recorded, settings)
        check_settings(settings.as_dict())
        if self.ckpt_path is not None:
            by_flag = any(arg.partition("=")[0] == "--init_from" for arg in args)
            if settings.init_from is not None and by_flag:
                raise InputError("--init_from: the weights are --ckpt_path's; give one of the two")
            settings.ckpt_path = str(self.ckpt_path)
            _drop_old_hash(recorded, settings)
        elif self.config.subcommand != "fit":
            raise InputError(f"--ckpt_path: name the checkpoint to {self.config.subcommand}")

    def _drop_other_classes_settings(self, settings: Any) -> None:
        """Of a class that is changed, what was set of the one before."""
        for group in _GROUPS:
            made = settings.get(group)
            given = self.by_hand.settings(group)
            cls = class_of(made) if made and self.by_hand.changes_class(group) else None
            if cls is None or not made.get("init_args"):
                continue
            for key, parameter in signature(cls).parameters.items():
                if key not in made.init_args or any(k.split(".")[0] == key for k in given):
                    continue
                if parameter.default is parameter.empty and made.init_args[key] is not None:
                    raise InputError(f"--{group}.{key}: must be given")
                made.init_args[key] = parameter.default

    def classes(self) -> dict[type, str]:
        """What is to be made, and the flag that names it; but model and data."""
        groups = {key: self.values.get(key) for key in ("trainer", "optimizer", "lr_scheduler")}
        return {
            cls: flag
            for key, settings in groups.items()
            for cls, flag in named_classes(settings, key)
            if isinstance(cls, type)
        }

    def before_instantiate_classes(self) -> None:
        """Say in both places what is said in one."""
        self._link_block_size()
        if self.subcommand == "fit" and self.values.get("lr_scheduler"):
            self._link_lr()

    def _link_block_size(self) -> None:
        """The data's is the model's, where the data cut contexts of that length."""
        model, data = (self.values[group].get("init_args") or {} for group in ("model", "data"))
        if data.get("view") == "words":
            if "block_size" in self.by_hand.settings("data", by_hand=True):
                own = "; the model's is --model.block_size" if "block_size" in model else ""
                self.notes.append(
                    f"--data.block_size {data['block_size']} has no effect: words are whole{own}"
                )
            return
        if "block_size" not in model or "block_size" not in data:
            return
        given = self.by_hand.settings("model", by_hand=True).get("block_size", data["block_size"])
        if given != data["block_size"]:
            raise InputError(
                f"--model.block_size {given}: the data's is {data['block_size']}; it is said once,"
                f" as --data.block_size {given}"
            )
        model["block_size"] = data["block_size"]
        self._derived.append(("model", "block_size"))

    def _link_lr(self) -> None:
        """The optimizer's is the peak of a schedule that has one."""
        optimizer, schedule = self.values.optimizer, self.values.lr_scheduler
        name = schedule.class_path.rpartition(".")[2]
        if optimizer is None:
            raise InputError(f"--lr_scheduler {name}: name the --optimizer that it is for")
        given = self.by_hand.settings("optimizer", by_hand=True)
        init_args = schedule.get("init_args") or {}
        if "max_lr" in init_args:
            lr, peak = optimizer.init_args.lr, init_args["max_lr"]
            if "max_lr" not in self.by_hand.settings("lr_scheduler"):
                init_args["max_lr"] = lr
                self._derived.append(("lr_scheduler", "max_lr"))
            elif "lr" in given and peak != lr:
                self.notes.append(
                    f"{name} goes by its --lr_scheduler.max_lr {peak}, not by --optimizer.lr {lr}"
                )
        for key in ("momentum", "betas"):
            if key in given and init_args.get("cycle_momentum"):
                self.notes.append(
                    f"{name} sets the momentum, not --optimizer.{key} {given[key]}; with"
                    " --lr_scheduler.cycle_momentum false it does not"
                )

    def schedule_length(self, trainer: Trainer) -> int:
        """Steps of a schedule that has so many: as the training, unless it is told.

        Raises:
            InputError: the training has no end that is known, or the schedule ends before it.

        """
        init_args = self.values.lr_scheduler.get("init_args") or {}
        steps, given = training_length(trainer), init_args["total_steps"]
        if given is None and init_args["epochs"] is not None:
            given = init_args["epochs"] * (init_args["steps_per_epoch"] or 0)
        if given is None and steps is not None:
            return steps
        if given is None:
            raise InputError(
                "--lr_scheduler: as long as the training, which has no end; pass"
                " --trainer.max_steps or --trainer.max_epochs, or --lr_scheduler.total_steps"
            )
        if steps is not None and given < steps:
            raise InputError(
                f"--lr_scheduler.total_steps {given}: the schedule must last for all steps; there"
                f" are {steps}"
            )
        return int(given)

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

    def instantiate(self) -> tuple[LightningModule, LightningDataModule]:
        """The model and the data, which know of their own part of the config."""
        made = super().instantiate()
        if self.subcommand == "fit":  # the others save nothing
            config = self._plain
            for part, of in zip(made, (config["model"], config["data"]), strict=True):
                remember(part, {**of["init_args"], **of.get("dict_kwargs", {})})
        return made

    @cached_property
    def _plain(self) -> dict[str, Any]:
        """The settings as plain values; what of the model and the data has none is left out."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=f"\\s*{UNWRITABLE}")
            config: dict[str, Any] = yaml.safe_load(self.dump(without_unwritable(self.values)))
        for name in ("model", "data"):
            config[name]["init_args"] = writable(config[name].get("init_args") or {})
        return config

    def to_record(self, datamodule: LightningDataModule, run_name: str | None) -> dict[str, Any]:
        config = deepcopy(self._plain)
        config["init_from"] = self.values.get("init_from")  # by now the file's whole path
        for key in ("ckpt_path", "weights_only", "print_splits", "trust_config"):
            config.pop(key, None)
        config["run_name"] = run_name
        for group, key in self._derived:  # else the two would not change together
            del config[group]["init_args"][key]
        if hasattr(datamodule, "settings"):
            # The data's own account has the corpus's absolute path and its hash.
            config["data"]["init_args"].update(datamodule.settings())
        return config


def _find_checkpoint(given: Given) -> Path | None:
    path = given.get("ckpt_path")
    if path is None:
        return None
    root = Path(given.get("trainer.default_root_dir") or LOGS)
    name = given.get("run_name") or next((Path(config).stem for config in given.configs), None)
    return find_checkpoint(str(path), root, name)


def _recorded(checkpoint: dict[str, Any], command: str) -> dict[str, Any]:
    """What of the checkpoint's config a command goes by."""
    recorded = checkpoints.recorded_config(checkpoint)
    if command != "fit":
        return {key: recorded[key] for key in ("model", "data")}
    # A part of TensorBoard that was there may have been deleted since.
    shown, known = recorded.get("tensorboard", {}), tensorboard_parser().get_defaults()
    recorded["tensorboard"] = {key: shown[key] for key in shown if key in known}
    return recorded


def _drop_old_hash(recorded: dict[str, Any], settings: Any) -> None:
    """Another file given by hand is not the one whose hash the checkpoint holds."""
    old = recorded["data"].get("init_args", {})
    new = settings.data.init_args
    if old.get("sha256") is None or new.get("sha256") != old["sha256"]:
        return
    path = new.get("path") and str(Path(new.path).expanduser().absolute())
    if (path, new.get("url")) != (old.get("path"), old.get("url")):
        new.sha256 = None


def _characters(datamodule: LightningDataModule) -> str:
    return str(getattr(datamodule, "vocabulary", ""))  # other data than words have none
