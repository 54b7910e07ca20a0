"""The command line: LightningCLI's subcommands, run folders, `sample`, exit codes."""

import logging
import os
import re
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

# Read when jsonargparse is imported: its warnings are about calls that Lightning makes.
os.environ.setdefault("JSONARGPARSE_DEPRECATION_WARNINGS", "off")

import torch
import yaml
from jsonargparse import ArgumentParser
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, ReduceLROnPlateau
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch.optim import Optimizer

from litmore import checkpoint as checkpoints
from litmore.callbacks import (
    ChangedSettings,
    Checkpoints,
    FinalValidation,
    LRFinder,
    OverfitFloor,
    RunRecord,
    TimedProgressBar,
    WordScores,
)
from litmore.data import NamesDataModule
from litmore.errors import InputError
from litmore.models import CharLM
from litmore.runs import RunFolder, RunLogger, find_checkpoint, run_of
from litmore.sampling import MAX_LENGTH, sample

LOGS = "logs"
"""The folder of all runs, where `--trainer.default_root_dir` names no other."""

NAMES_SHOWN = 10
"""How many new names a training ends with."""


class Parser(LightningArgumentParser):
    """A parser whose every error is one line."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise instead of printing the usage and leaving."""
        line = " ".join(message.split())
        line = re.sub(r'^Parser key "([^"]+)":', r"--\1:", line)
        # Of an optional class's two complaints, "it is not None" is the one nobody needs.
        union = re.match(r"(--\S+:) Does not validate .* Errors: - (.*?) - Expected a <class", line)
        raise InputError(f"{union[1]} {union[2]}" if union else line) from ex


class CLI(LightningCLI):
    """LightningCLI over any character model and data, with runs in folders of their own."""

    def __init__(self, args: Sequence[str]) -> None:
        self.folder: RunFolder | None = None
        super().__init__(
            LightningModule,
            LightningDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            parser_class=Parser,
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
            "--print_splits",
            action="store_true",
            help="Print what the data's splits hold, and exit.",
        )
        parser.set_defaults({"data": {"class_path": "litmore.data.NamesDataModule"}})
        parser.link_arguments(
            "data.vocabulary",
            "model.init_args.vocabulary",
            compute_fn=_characters,
            apply_on="instantiate",
        )
        parser.link_arguments(
            "data.block_size", "model.init_args.block_size", apply_on="instantiate"
        )

    def _add_subcommands(self, parser: LightningArgumentParser, **kwargs: Any) -> None:
        super()._add_subcommands(parser, **kwargs)
        for subparser in self._subcommand_parsers.values():
            subparser.set_defaults({"weights_only": True})
            if "verbose" in subparser.get_defaults():
                subparser.set_defaults({"verbose": False})  # one way to print metrics: ours
        # Listed in the help; `main` runs it without the rest.
        sampler = sample_parser()
        assert parser._subcommands_action is not None
        parser._subcommands_action.add_subcommand("sample", sampler, help=sampler.description)

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Lay what the checkpoint's run recorded below the configs and flags given by hand."""
        self.ckpt_path = self._find_checkpoint(args)
        if self.ckpt_path is not None:
            recorded = checkpoints.recorded_config(checkpoints.read(self.ckpt_path))
            if args[0] == "fit":
                # A schedule as long as the training stays so, whatever flags now say of that.
                schedule = (recorded.get("lr_scheduler") or {}).get("init_args", {})
                if schedule.get("total_steps") == recorded.get("trainer", {}).get("max_steps"):
                    schedule.pop("total_steps", None)
            else:
                recorded = {key: recorded[key] for key in ("model", "data")}
            args = [args[0], "--config", yaml.safe_dump(recorded), *args[1:]]
        self.config = parser.parse_args(args)
        if self.ckpt_path is not None:
            self.config[self.config.subcommand].ckpt_path = str(self.ckpt_path)

    def _parse_ckpt_path(self) -> None:
        """Nothing: Lightning would let the checkpoint's hyperparameters win over flags."""

    @staticmethod
    def _find_checkpoint(args: Sequence[str]) -> Path | None:
        given = _flag_values(args, "--ckpt_path")
        if not given:
            return None
        root = Path((_flag_values(args, "--trainer.default_root_dir") or [LOGS])[-1])
        configs = _flag_values(args, "--config") + _flag_values(args, "-c")
        names = _flag_values(args, "--run_name")[-1:] + [Path(c).stem for c in configs[:1]]
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
            _print_table(self.datamodule.table())
            return
        super()._run_subcommand(subcommand)

    def instantiate_classes(self) -> None:
        """Data, model, trainer; what does not fit together is said before anything is written."""
        super().instantiate_classes()
        if isinstance(self.model, CharLM) and isinstance(self.datamodule, NamesDataModule):
            self.model.check_data(self.datamodule)
            # Read now: what is wrong with the files is said before anything is written.
            predict = self.subcommand == "predict"
            _ = self.datamodule.predict_corpus if predict else self.datamodule.splits

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """The trainer with the run's folder, logger and callbacks."""
        given = self._get(self.config_init, "trainer")
        callbacks = list(given.callbacks or [])
        for callback in callbacks:
            if isinstance(callback, LRFinder):
                callback.check(self.model)
        if given.enable_progress_bar is not False and not given.barebones:
            callbacks.append(TimedProgressBar())
        logger: Any = False
        if self.subcommand == "fit" and not given.fast_dev_run and not given.barebones:
            self.folder = self._run_folder(Path(given.default_root_dir))
            config = self._config_to_record()
            callbacks += [
                FinalValidation(),
                OverfitFloor(),
                RunRecord(self.folder, config),
                ChangedSettings(config),
            ]
            if given.enable_checkpointing is not False:
                callbacks.append(Checkpoints(self.folder))
            logger = given.logger if given.logger not in (None, True) else RunLogger(self.folder)
        if self.subcommand == "predict":
            callbacks.append(WordScores(self.datamodule.predict_corpus))
        if not any(isinstance(callback, Checkpoints) for callback in callbacks):
            kwargs["enable_checkpointing"] = False
        return super().instantiate_trainer(callbacks=callbacks, logger=logger, **kwargs)

    def _run_folder(self, root: Path) -> RunFolder:
        # `last` goes on in its own folder; anything else is a branch, and must not overwrite it.
        if self.ckpt_path is not None and self.ckpt_path.name == "last.ckpt":
            path = run_of(self.ckpt_path)
            if path is not None:
                return RunFolder(path.parents[1], path.parent.name, path)
        return RunFolder(root, self._run_name())

    def _run_name(self) -> str:
        if self.settings.run_name:
            name = str(self.settings.run_name)
            if Path(name).name != name:
                raise InputError(f"--run_name {name}: a name, not a path")
            return name
        paths = [str(path) for path in self.settings.config or [] if path is not None]
        if paths:
            return Path(paths[0]).stem
        return type(self.model).__name__.lower()

    def _config_to_record(self) -> dict[str, Any]:
        dumped = self._parser(self.subcommand).dump(self.settings, skip_none=False)
        config: dict[str, Any] = yaml.safe_load(dumped)
        for key in ("ckpt_path", "weights_only", "run_name", "print_splits"):
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
        if not metrics:  # nothing was trained
            return
        stage = "val" if "val/loss" in metrics else "train"
        shown = {k: v for k, v in metrics.items() if k.startswith(f"{stage}/")}
        for callback in self.trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, OverfitFloor) and callback.floor is not None:
                shown["train/floor"] = torch.tensor(callback.floor)
        _print_metrics(shown)
        if isinstance(self.model, CharLM):
            generator = torch.Generator(self.model.device)
            generator.manual_seed(self.settings.seed_everything)
            _print_names(sample(self.model.eval(), NAMES_SHOWN, generator=generator))
        if self.folder is not None and self.folder.path is not None:
            _print_next(self.folder.path)

    def after_validate(self) -> None:
        """Tell the result."""
        _print_metrics(self.trainer.callback_metrics)

    after_test = after_validate


@rank_zero_only
def _print_metrics(metrics: Mapping[str, torch.Tensor]) -> None:
    for name, value in metrics.items():
        sys.stdout.write(f"{name:<20}{value:.4f}\n")
    sys.stdout.flush()


@rank_zero_only
def _print_table(table: str) -> None:
    sys.stdout.write(table + "\n")
    sys.stdout.flush()


@rank_zero_only
def _print_names(names: Iterable[str]) -> None:
    sys.stdout.write("\n" + "".join(f"{name}\n" for name in names))
    sys.stdout.flush()


@rank_zero_only
def _print_next(run: Path) -> None:
    sys.stderr.write(
        f"\nThe run is in {os.path.relpath(run)}. Next:\n"
        "  make tensorboard                                its curves\n"
        "  python main.py sample --ckpt_path last          more names\n"
        "  python main.py test --ckpt_path best            the test loss\n"
    )


def _characters(vocabulary: Any) -> str:
    return str(vocabulary.characters)


def _plain(hparams: Any) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in dict(hparams).items()}


def _flag_values(args: Sequence[str], flag: str) -> list[str]:
    """What a flag is given, each time, as `--flag value` or `--flag=value`."""
    values = [arg.split("=", 1)[1] for arg in args if arg.startswith(f"{flag}=")]
    return values + [after for arg, after in pairwise(args) if arg == flag]


# sample


def sample_names(
    ckpt_path: str,
    num_samples: int = 20,
    temperature: float = 1.0,
    top_k: int | None = None,
    prompt: str = "",
    seed: int = 42,
    max_length: int = MAX_LENGTH,
    default_root_dir: str = LOGS,
) -> None:
    """Draw new names from a trained model, one a line on stdout.

    Args:
        ckpt_path: A checkpoint; `last` or `best` is the newest run's.
        num_samples: How many names.
        temperature: Below 1 bolder in what is likely; 0 always takes the likeliest.
        top_k: Draw only from the k likeliest characters.
        prompt: What each name begins with.
        seed: The same seed gives the same names.
        max_length: Cut a name off after so many characters.
        default_root_dir: The folder of all runs, for `last` and `best`.

    """
    path = find_checkpoint(ckpt_path, Path(default_root_dir), None)
    model = checkpoints.load_model(path)
    generator = torch.Generator().manual_seed(seed)
    known = _known_words(path)
    drawn = new = 0
    for name in sample(
        model,
        num_samples,
        generator=generator,
        prompt=prompt,
        temperature=temperature,
        top_k=top_k,
        max_length=max_length,
    ):
        sys.stdout.write(name + "\n")
        drawn += 1
        new += known is not None and name not in known
    sys.stdout.flush()
    if known is None:
        sys.stderr.write("The corpus of this model is not here: no telling which names are new.\n")
    elif drawn:
        sys.stderr.write(f"{new / drawn:.1%} of the {drawn:,} names are new: in no split.\n")


def _known_words(path: Path) -> set[str] | None:
    """All words of the corpus that the model was trained on; None where it is not here."""
    settings = checkpoints.read(path).get("datamodule_hyper_parameters", {})
    with suppress(InputError, TypeError):  # a file that is gone, another data module's settings
        return set(NamesDataModule(**settings).corpus)
    return None


def sample_parser() -> ArgumentParser:
    """The flags of `sample`."""
    parser = _SampleParser(description="Draw new names from a trained model.")
    parser.add_function_arguments(sample_names)
    return parser


class _SampleParser(ArgumentParser):
    error = Parser.error


# The program


def main(args: Sequence[str] | None = None) -> int:
    """Run a command line.

    Returns:
        The exit code: 0 done, 2 bad input or config, 130 or 143 stopped by SIGINT or SIGTERM;
        anything that breaks while running is raised, which makes the code 1.

    """
    args = sys.argv[1:] if args is None else list(args)
    _be_quiet()
    try:
        if args[:1] == ["sample"]:
            parser = sample_parser()
            parser.prog = "main.py sample"
            sample_names(**parser.parse_args(args[1:]).as_dict())
        else:
            CLI(args)
            # Left to the interpreter's exit, gloo's threads may abort it.
            if torch.distributed.is_initialized():
                torch.distributed.destroy_process_group()
    except BrokenPipeError:
        # The reader (`| head`) has had enough; nothing is left to be flushed at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SIGTERMException:
        return 143
    except KeyboardInterrupt:
        return 130
    except SystemExit as stop:
        # Lightning turns Ctrl-C into exit(1).
        if isinstance(stop.__context__, KeyboardInterrupt):
            return 130
        raise
    except Exception as error:
        cause = _input_error(error)
        if cause is None:
            raise
        sys.stderr.write(f"error: {cause}\n")
        return 2
    return 0


def _input_error(error: BaseException | None) -> InputError | None:
    """The InputError at the bottom of what jsonargparse wrapped around it."""
    while error is not None and not isinstance(error, InputError):
        error = error.__cause__ or error.__context__
    return error


def _be_quiet() -> None:
    """Let through what a user can act on: no device lists, tips or advice for other projects."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("lightning.pytorch.callbacks.model_summary").setLevel(logging.INFO)
    own = logging.getLogger("litmore")
    own.setLevel(logging.INFO)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    own.handlers = [handler]
    for message in (
        "smaller than the logging interval",  # a full-batch model's epoch is one batch
        "returned `None`, this fit will run",  # the count bigram has no optimizer
        "Be aware that when using `ckpt_path`",  # evaluating needs no callback of the training
    ):
        warnings.filterwarnings("ignore", message=f".*{message}")
    # Lightning's own use of what torch deprecates.
    warnings.filterwarnings("ignore", category=FutureWarning, module="lightning")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="lightning")
