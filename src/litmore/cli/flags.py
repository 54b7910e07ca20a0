"""litmore's own settings of fit, validate, test and predict, beside LightningCLI's."""

from typing import Any, Literal

from jsonargparse import ActionParser
from jsonargparse.typing import PositiveInt
from lightning.pytorch import Trainer
from lightning.pytorch.cli import LightningArgumentParser

from litmore.watch.tensorboard import tensorboard_parser

TRUST = "--trust_config"
"""The flag that lets a config name classes of any package (`litmore.runs.trust`)."""

SWITCHES = {
    "--compile": "Let torch.compile translate the model: the first steps wait for that.",
    "--print_splits": "Print what the data's splits hold, and exit.",
    TRUST: "Import whatever installed package the config or checkpoint names.",
}


def own(
    run_name: str | None = None,
    init_from: str | None = None,
    freeze: str | None = None,
    monitor: str = "val/loss",
    monitor_mode: Literal["min", "max"] = "min",
    save_every: float = 60.0,
    num_threads: PositiveInt | None = None,
) -> None:
    """litmore's own.

    Args:
        run_name: The run's folder below the logs folder (default: the first config's name).
        init_from: Begin a new run with the weights of a checkpoint that fit by name and shape: a
            file, or `last` or `best` of the newest run.
        freeze: Do not train these parameters, such as 'embedding,*.bias': patterns of a whole name
            or of a leading part of one.
        monitor: The metric of the validation that best.ckpt is the best by.
        monitor_mode: Which of its values is better.
        save_every: Seconds between two savings of last.ckpt, beside those after validations.
        num_threads: Threads of a process on the CPU (default: 1 for a model of less than a million
            parameters, whose steps are too short to share; else torch's own choice).

    """


def add_flags(parser: LightningArgumentParser) -> None:
    """Add all of these, and what TensorBoard shows."""
    parser.add_function_arguments(own)
    for flag, says in SWITCHES.items():
        parser.add_argument(flag, action="store_true", help=says)
    shown = ActionParser(parser=tensorboard_parser())
    parser.add_argument("--tensorboard", action=shown, title="What TensorBoard shows")


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
