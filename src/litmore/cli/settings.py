"""What a command is to work with: flags over configs over what a checkpoint's run recorded."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ActionParser
from jsonargparse.typing import PositiveInt
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.cli import LightningArgumentParser, ReduceLROnPlateau
from torch.optim import Optimizer

from litmore import data, models
from litmore.cli.limits import check_settings
from litmore.cli.parser import OneLineErrors, flag_values
from litmore.cli.plot import plot_parser
from litmore.cli.report import print_found
from litmore.cli.sample import sample_parser
from litmore.errors import InputError
from litmore.runs import checkpoint as checkpoints
from litmore.runs.folder import LOGS, find_checkpoint
from litmore.runs.trust import restrict_imports
from litmore.training.lightning import OpenCLI
from litmore.watch.tensorboard import tensorboard_parser

TRUST = "--trust_config"
"""The flag that lets a config name classes of any package (`litmore.runs.trust`)."""


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

    """

    def __init__(self, args: Sequence[str]) -> None:
        self._asked_for = args[0] if args else None
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
        parser.link_arguments(
            "data.block_size", "model.init_args.block_size", apply_on="instantiate"
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
        return {"sample": sample_parser(), "plot": plot_parser()}

    # What is set

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Lay what the checkpoint's run recorded below the configs and flags given by hand."""
        self.ckpt_path = _find_checkpoint(args)
        recorded: dict[str, Any] = {}
        if self.ckpt_path is not None:
            print_found(self.ckpt_path)
            self.checkpoint = checkpoints.read(self.ckpt_path)
            recorded = _recorded(self.checkpoint, args[0])
            args = [args[0], "--config", yaml.safe_dump(recorded), *args[1:]]
        self.config = parser.parse_args(args)
        settings = self.config[self.config.subcommand]
        if settings.trust_config and TRUST not in args:
            raise InputError(f"{TRUST}: a config does not trust itself; pass it as a flag")
        if self.ckpt_path is None and settings.ckpt_path is not None:
            raise InputError("--ckpt_path: name the checkpoint by the flag, not in a config")
        check_settings(settings.as_dict())
        if self.ckpt_path is not None:
            if settings.init_from is not None and flag_values(args, "--init_from"):
                raise InputError("--init_from: the weights are --ckpt_path's; give one of the two")
            settings.ckpt_path = str(self.ckpt_path)
            _drop_old_hash(recorded, settings)
        elif self.config.subcommand != "fit":
            raise InputError(f"--ckpt_path: name the checkpoint to {self.config.subcommand}")

    def before_instantiate_classes(self) -> None:
        """A schedule that is not told its length is as long as the training."""
        schedule = (self.values.get("lr_scheduler") or {}).get("init_args", {})
        if self.subcommand != "fit" or "total_steps" not in schedule:
            return
        max_steps = self.values.trainer.max_steps
        if schedule["total_steps"] is None:
            schedule["total_steps"] = max_steps
        if not 0 < max_steps <= schedule["total_steps"]:
            raise InputError(
                f"--lr_scheduler.init_args.total_steps {schedule['total_steps']}: the schedule must"
                f" last for all steps; --trainer.max_steps is {max_steps}"
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

    def to_record(self, datamodule: LightningDataModule, run_name: str | None) -> dict[str, Any]:
        config: dict[str, Any] = yaml.safe_load(self.dump())
        for key in ("ckpt_path", "weights_only", "print_splits", "trust_config"):
            config.pop(key, None)
        config["run_name"] = run_name
        if hasattr(datamodule, "settings"):
            # The data's own account has the corpus's absolute path and its hash.
            config["data"]["init_args"].update(datamodule.settings())
        return config


def _find_checkpoint(args: Sequence[str]) -> Path | None:
    given = flag_values(args, "--ckpt_path")
    if not given:
        return None
    root = Path((flag_values(args, "--trainer.default_root_dir") or [LOGS])[-1])
    configs = flag_values(args, "--config") + flag_values(args, "-c")
    names = flag_values(args, "--run_name")[-1:] + [Path(c).stem for c in configs[:1]]
    return find_checkpoint(given[-1], root, names[0] if names else None)


def _recorded(checkpoint: dict[str, Any], command: str) -> dict[str, Any]:
    """What of the checkpoint's config a command goes by."""
    recorded = checkpoints.recorded_config(checkpoint)
    if command != "fit":
        return {key: recorded[key] for key in ("model", "data")}
    # A schedule as long as the training stays so, whatever flags now say of that.
    schedule = (recorded.get("lr_scheduler") or {}).get("init_args", {})
    if schedule.get("total_steps") == recorded.get("trainer", {}).get("max_steps"):
        schedule.pop("total_steps", None)
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
