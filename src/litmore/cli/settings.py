"""What a command is to work with: flags over configs over what a checkpoint's run recorded."""

import warnings
from collections.abc import Sequence
from copy import deepcopy
from functools import cached_property
from typing import Any

import yaml
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.cli import LightningArgumentParser, ReduceLROnPlateau
from torch.optim import Optimizer

from litmore.cli.classes import (
    DEFAULTS,
    drop_other_classes,
    drop_unwritable,
    load_named,
    named_classes,
)
from litmore.cli.commands import TRAINING
from litmore.cli.flags import OF_FIT, TRUST, CountedBatches, add_flags, describe
from litmore.cli.given import Given, flag_values, flags
from litmore.cli.limits import check_settings
from litmore.cli.links import link_block_size, link_lr, schedule_length
from litmore.cli.recorded import give_way, going_on, recorded_for
from litmore.cli.report import tell
from litmore.cli.settings_parser import NESTED, SettingsParser
from litmore.errors import InputError
from litmore.models.hyperparameters import UNWRITABLE, remember, writable
from litmore.program import program
from litmore.runs import checkpoint as checkpoints
from litmore.runs.folder import AUTO, LOGS, run_of
from litmore.runs.requeue import REQUEUE
from litmore.runs.trust import restrict_imports
from litmore.system import relative
from litmore.training.lightning import OpenCLI

_PEAKED = ("OneCycleLR", "CyclicLR")


class Settings(OpenCLI):
    """LightningCLI's settings and litmore's own, of one command line.

    Attributes:
        command: the arguments as given.
        begun: the run that it has begun earlier and goes on with, if it looks for one.
        ckpt_path: the checkpoint's file, if one is named or found.
        checkpoint: its content.
        by_hand: what is given, and where.
        notes: what is to be known of it before the first step, a line each.

    """

    def __init__(self, args: Sequence[str]) -> None:
        self._asked_for = args[0] if args else None
        self.notes: list[str] = []
        load_named()
        restrict_imports(TRUST in args)
        super().__init__(
            LightningModule,
            LightningDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            trainer_class=CountedBatches,
            parser_class=SettingsParser,
            parser_kwargs={
                "prog": program(),
                **{name: {"description": TRAINING[name]} for name in self.subcommands()},
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
        add_flags(parser)
        parser.set_defaults({key: {"class_path": path} for key, path in DEFAULTS.items()})
        parser.link_arguments(
            "data", "model.init_args.vocabulary", compute_fn=_characters, apply_on="instantiate"
        )

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]
        """The one that is asked for, if it is one: a parser of all settings takes its time."""
        known = super().subcommands()
        return {k: v for k, v in known.items() if k == self._asked_for} or known

    def prepare_subcommand(self, command: str, parser: LightningArgumentParser) -> None:
        """Safe checkpoints, one way to print metrics, litmore's, and what it means by a setting."""
        describe(command, parser)
        parser.set_defaults({"weights_only": True})
        if "verbose" in parser.get_defaults():
            parser.set_defaults({"verbose": False})

    # What is set

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Lay what the checkpoint's run recorded below the configs and flags given by hand."""
        self.by_hand = Given(args)
        self.command = list(args)
        self.begun, self.ckpt_path = going_on(args, self.by_hand)
        self.checkpoint = {}
        recorded: dict[str, Any] = {}
        if self.ckpt_path is not None:
            if self.begun is None or not self.begun.is_finished:
                tell(f"checkpoint: {relative(self.ckpt_path)}")
            self.checkpoint = checkpoints.read(self.ckpt_path)
            recorded = recorded_for(
                args[0], self.checkpoint, run_of(self.ckpt_path) is not None, self.notes
            )
            self.by_hand.lay_over(recorded)
            args = [args[0], "--config", yaml.safe_dump(recorded), *args[1:]]
        schedule = self.by_hand.class_name("lr_scheduler")
        if schedule in NESTED:
            raise InputError(
                f"--lr_scheduler {schedule}: is made of schedules, which no config can make; write"
                " the model's configure_optimizers (docs/training.md has it)"
            )
        if schedule in _PEAKED and "max_lr" not in self.by_hand.settings("lr_scheduler"):
            args = [*args, "--lr_scheduler.init_args.max_lr=1"]  # a required one: see `link_lr`
        self.config = parser.parse_args(args)
        settings = self.config[self.config.subcommand]
        if settings.trust_config and TRUST not in args:
            raise InputError(f"{TRUST}: a config does not trust itself; pass it as a flag")
        if settings.get("requeue") and REQUEUE not in args:
            raise InputError(
                f"{REQUEUE}: is about where a run runs, not of a config; pass the flag"
            )
        if self.config.subcommand != "fit" and (
            found := sorted({*OF_FIT} & dict(flags(args)).keys())
        ):
            raise InputError(f"--{found[0]}: is for fit, not {self.config.subcommand}")
        drop_other_classes(settings, self.by_hand)
        if recorded:
            give_way(recorded, settings, self.by_hand)
        check_settings(settings.as_dict())
        if self.ckpt_path is not None:
            is_both = settings.init_from is not None and flag_values(args, "init_from")
            if is_both and self.begun is None and settings.ckpt_path != AUTO:
                raise InputError("--init_from: the weights are --ckpt_path's; give one of the two")
            settings.ckpt_path = str(self.ckpt_path)
        elif settings.get("ckpt_path") == AUTO:
            settings.ckpt_path = None
        elif self.config.subcommand != "fit":
            raise InputError(f"--ckpt_path: name the checkpoint to {self.config.subcommand}")

    def config_files(self) -> list[str]:
        """Where the configs lie; of one that is given as text there is none."""
        return [str(path) for path in self.values.config or [] if path is not None]

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
        self._derived = link_block_size(self.values, self.by_hand, self.notes)
        if self.subcommand == "fit" and self.values.get("lr_scheduler"):
            self._derived += link_lr(self.values, self.by_hand, self.notes)

    def schedule_length(self, trainer: Trainer) -> int:
        return schedule_length(
            self.values.lr_scheduler.get("init_args") or {}, trainer, self.checkpoint
        )

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
        values = self.values.clone()
        drop_unwritable(values)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=f"\\s*{UNWRITABLE}")
            config: dict[str, Any] = yaml.safe_load(self.dump(values))
        for name in ("model", "data"):
            config[name]["init_args"] = writable(config[name].get("init_args") or {})
        return config

    def to_record(self, datamodule: LightningDataModule, run_name: str | None) -> dict[str, Any]:
        config = deepcopy(self._plain)
        config["init_from"] = self.values.get("init_from")  # by now the file's whole path
        for key in ("ckpt_path", "weights_only", "print_splits", "trust_config", "requeue"):
            config.pop(key, None)
        config["run_name"] = run_name
        for group, key in self._derived:  # else the two would not change together
            del config[group]["init_args"][key]
        if hasattr(datamodule, "settings"):
            # The data's own account has the corpus's absolute path and its hash.
            config["data"]["init_args"].update(datamodule.settings())
        return config


def fit_parser() -> SettingsParser:
    """The parser of `fit`, for who asks what there is to set."""
    # It asks for a model; nothing here is random.
    settings = Settings(["fit", "--model", "litmore.models.MLP", "--seed_everything", "false"])
    parser: SettingsParser = settings.command_parser
    return parser


def _characters(datamodule: LightningDataModule) -> str:
    return str(getattr(datamodule, "vocabulary", ""))  # other data than words have none
