"""`plot`: the loss curves of runs, as a picture."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser

from litmore.cli.parser import OneLineErrors
from litmore.errors import InputError
from litmore.runs.history import find_runs, loss_of
from litmore.watch.curves import loss_curves


def plot_losses(runs: Sequence[str], output: str = "losses.png") -> None:
    """Draw the training, validation and test losses of runs into one PNG.

    Args:
        runs: Runs' folders, or folders of several, such as logs/mlp.
        output: The picture's file.

    Raises:
        InputError: there is no run, or none that has logged a loss, or the file cannot be written.

    """
    folders = find_runs(map(Path, runs))
    curves = [curve for run in folders for curve in loss_of(run, os.path.relpath(run))]
    if not curves:
        raise InputError(f"plot {runs[0]}: no loss was logged there")
    figure = loss_curves(curves)
    try:
        figure.savefig(output, format="png")
    except OSError as error:
        raise InputError(f"--output {output}: {error.strerror}") from None
    sys.stdout.write(f"{output}\n")


def plot_parser() -> ArgumentParser:
    """The arguments of `plot`."""
    parser = OneLineErrors(
        prog="main.py plot", description="Draw the loss curves of runs into a PNG."
    )
    parser.add_argument("runs", nargs="+", help="Runs' folders, or folders of several.")
    parser.add_argument("--output", default="losses.png", help="The picture's file.")
    return parser
