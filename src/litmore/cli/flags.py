"""litmore's own settings of fit, validate, test and predict, beside LightningCLI's."""

from typing import Any, Literal, TypeAlias

from jsonargparse import ActionParser
from jsonargparse.typing import NonNegativeInt, PositiveInt
from lightning.pytorch import Trainer
from lightning.pytorch.cli import LightningArgumentParser

from litmore.runs.requeue import REQUEUE
from litmore.watch.tensorboard import tensorboard_parser

TRUST = "--trust_config"
"""The flag that lets a config name classes of any package (`litmore.runs.trust`)."""

REQUEUED = "Requeue Slurm's job when its time is up. At SIGTERM or SIGUSR1, once the run is saved."

SWITCHES = {
    "--compile": "Let torch.compile translate the model. The first steps wait for that.",
    "--print_splits": "Print what the data's splits hold, and exit.",
    TRUST: "Import whatever package a config or checkpoint names.",
}

SAYS = {
    "config": "A YAML of settings; a later one wins, flags over all.",
    "print_config": "Print all settings as YAML, and exit.",
    "seed_everything": "The seed of all that is random.",
    "model": "The model: a class and its settings.",
    "data": "What it learns from: a data module and its settings.",
    "optimizer": "By what rule it learns: an optimizer and its settings.",
    "lr_scheduler": "How the learning rate changes: a schedule and its settings.",
    "ckpt_path": "The checkpoint to judge: a file, `last` or `best`.",
    "weights_only": "Nothing in a checkpoint is ever run.",
    "verbose": "Print Lightning's own table of the metrics, too.",
    "return_predictions": "Keep them in memory, for a callback.",
    "trainer.limit_train_batches": "A number of batches an epoch, or a share of them, as 0.5.",
    "trainer.limit_val_batches": "The same of a validation.",
    "trainer.limit_test_batches": "The same of a test.",
    "trainer.limit_predict_batches": "The same of a prediction.",
}
"""What LightningCLI's settings mean here."""

GOING_ON = (
    "Go on, exactly, from a file, `last`, `best` or `auto`. The former two are the newest run's;"
    " `auto` is the last of the run that this command line has begun, or begins it."
)


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
        run_name: The run's name (default: the first config's). Its folder in the logs.
        init_from: Begin with a checkpoint's weights, as far as they fit. By name and shape; the
            checkpoint is a file, or `last` or `best` of the newest run, and the run a new one.
        freeze: What not to train, such as 'embedding,*.bias'. Each is a pattern of a parameter's
            whole name, or of a leading part of one.
        monitor: The metric that best.ckpt goes by.
        monitor_mode: Whether its min or its max is best.
        save_every: Seconds between two savings of last.ckpt. Validations save it, too.
        num_threads: Of the CPU (default: 1 below a million parameters). The steps of so small a
            model are too short to share; a larger one's are torch's own choice.

    """


OF_FIT = ("print_samples", "save_every")
"""Of no use to any other command. A run's config has them, and may be given to each."""


def describe(command: str, parser: LightningArgumentParser) -> None:
    """Say what LightningCLI's settings mean here."""
    says = SAYS | ({"ckpt_path": GOING_ON} if command == "fit" else {})
    if command == "fit":
        parser.add_argument(REQUEUE, action="store_true", help=REQUEUED)
    for action in parser._actions:
        action.help = says.get(action.dest, action.help)
    assert parser.groups is not None
    parser.groups["trainer"].title = "Lightning's Trainer"


def add_flags(parser: LightningArgumentParser) -> None:
    """Add all of these, and what TensorBoard shows."""
    parser.add_function_arguments(own)
    parser.add_argument(
        "--print_samples",
        nargs="?",
        const=10,
        default=0,
        type=NonNegativeInt,
        metavar="N",
        help="Print so many samples (10) at each validation, those that are known told apart.",
    )
    for flag, says in SWITCHES.items():
        parser.add_argument(flag, action="store_true", help=says)
    shown = ActionParser(parser=tensorboard_parser())
    parser.add_argument("--tensorboard", action=shown, title="What TensorBoard shows")


Limit: TypeAlias = int | float | Literal[None]
"""`None` is spelt so that no other union equals it: of equal ones `typing` gives out any."""


class CountedBatches(Trainer):
    """Lightning's Trainer, whose limits of `3` are three batches on a command line too.

    Its own annotations say "a float or an int", and the first of the two takes a `1` for `1.0`,
    which is all batches.
    """

    def __init__(
        self,
        *args: Any,
        limit_train_batches: Limit = None,
        limit_val_batches: Limit = None,
        limit_test_batches: Limit = None,
        limit_predict_batches: Limit = None,
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
