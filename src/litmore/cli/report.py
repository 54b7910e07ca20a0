"""What the commands print, on the first process alone: results to stdout, the rest to stderr."""

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from litmore.runs.folder import CHECKPOINTS


@rank_zero_only
def print_metrics(metrics: Mapping[str, Tensor]) -> None:
    """A line a metric."""
    for name, value in metrics.items():
        sys.stdout.write(f"{name:<20}{value:.4f}\n")
    sys.stdout.flush()


@rank_zero_only
def print_table(table: str) -> None:
    """As it is."""
    sys.stdout.write(table + "\n")
    sys.stdout.flush()


@rank_zero_only
def print_names(names: Iterable[str]) -> None:
    """A line a name, under an empty one."""
    sys.stdout.write("\n" + "".join(f"{name}\n" for name in names))
    sys.stdout.flush()


@rank_zero_only
def print_found(checkpoint: Path) -> None:
    """Which checkpoint `last` and `best` turned out to be."""
    sys.stderr.write(f"checkpoint: {os.path.relpath(checkpoint)}\n")


@rank_zero_only
def print_nothing_done(step: int) -> None:
    """Why a run that goes on did not."""
    sys.stderr.write(
        f"Nothing left to train: the run is at step {step:,}, its end."
        " Pass a higher --trainer.max_steps or --trainer.max_epochs.\n"
    )


@rank_zero_only
def print_next(run: Path, *commands: str) -> None:
    """Where the run lies, and what to type next: these commands on its checkpoint."""
    here = os.path.relpath(run)
    sys.stderr.write(f"\nThe run is in {here}. Next:\n  tensorboard --logdir {here}\n")
    found = [run / CHECKPOINTS / f"{name}.ckpt" for name in ("best", "last")]
    for path in [path for path in found if path.is_file()][:1]:
        checkpoint = os.path.relpath(path)
        for command in commands:
            sys.stderr.write(f"  python main.py {command} --ckpt_path {checkpoint}\n")
