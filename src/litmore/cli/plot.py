"""`plot`: the loss curves of runs, as a picture."""

import sys
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser

from litmore.cli.parser import command_parser
from litmore.errors import InputError
from litmore.files import here
from litmore.runs.history import Curve, curves_of, find_runs
from litmore.runs.summary import read_summary
from litmore.system import relative
from litmore.watch.curves import loss_curves


def run(is_alone: bool, runs: Sequence[str], output: str = "losses.png") -> None:
    """Draw the training, validation and test losses of runs into one PNG.

    Args:
        is_alone: Whether the process does nothing else; it is all the same here.
        runs: Runs' folders, or folders of several, such as logs/mlp.
        output: The picture's file.

    Raises:
        InputError: there is no run, or none that has logged a loss, or the file cannot be written.

    """
    folders = find_runs(map(Path, runs))
    curves = [curve for run in folders for curve in _losses(run)]
    if not curves:
        raise InputError(f"plot {runs[0]}: no loss was logged there")
    figure = loss_curves(curves)
    try:
        figure.savefig(here("--output", output), format="png")
    except OSError as error:
        raise InputError(f"--output {output}: {error.strerror}") from None
    sys.stdout.write(f"{output}\n")


def _losses(run: Path) -> list[Curve]:
    """The losses of a run; of one that logs none under their names, what it is saved by."""
    if found := curves_of(run, relative(run)):
        return found
    try:
        stage, _, metric = read_summary(run).monitor.rpartition("/")
    except InputError:  # a foreign folder of events
        return []
    stages = ("train", "val", "test") if stage in ("train", "val") else (stage,)
    return curves_of(run, relative(run), [f"{each}/{metric}".lstrip("/") for each in stages])


def parser() -> ArgumentParser:
    """The arguments of `plot`."""
    made = command_parser(run, "plot", "Draw the loss curves of runs into a PNG.", {"runs"})
    made.add_argument("runs", nargs="+", help="Runs' folders, or folders of several.")
    return made
