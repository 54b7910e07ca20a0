"""All that TensorBoard shows of a run: the parts that lie in `litmore.watch.parts`."""

from functools import cache
from importlib import import_module
from inspect import getdoc, isclass, signature
from pkgutil import iter_modules
from typing import Any

from jsonargparse import ArgumentParser
from lightning.pytorch import Callback, LightningModule, Trainer

from litmore.errors import InputError
from litmore.steps import steps_done
from litmore.watch import parts
from litmore.watch.drawing import Part, tensorboard_writers


@cache
def part_classes() -> tuple[type[Part], ...]:
    """Every `Part` of the files in `litmore/watch/parts`, in the files' order."""
    modules = [import_module(f"{parts.__name__}.{m.name}") for m in iter_modules(parts.__path__)]
    return tuple(
        found
        for module in modules
        for found in vars(module).values()
        if isclass(found) and issubclass(found, Part) and found.__module__ == module.__name__
    )


def tensorboard(every_n_steps: int | None = None, **wanted: bool) -> list[Callback]:
    """The callbacks that show what the lectures' notebooks show (`docs/tensorboard.md`).

    Args:
        every_n_steps: draw every so many steps, 0: at the end alone (default: at the start and
            twice in the training; the heat map and the difficulties at the end alone).
        wanted: `heat_map=False` leaves out the part of that flag.

    Raises:
        InputError: `every_n_steps` is negative, or there is no such part.

    """
    if every_n_steps is not None and every_n_steps < 0:
        raise InputError(f"--tensorboard.every_n_steps {every_n_steps}: must be at least 0")
    if unknown := wanted.keys() - {part.flag for part in part_classes()}:
        raise InputError(f"--tensorboard.{min(unknown)}: no such part")
    made: list[Callback] = [ForgetLater()]
    for part in part_classes():
        if part.flag is None or wanted.get(part.flag, True):
            paced = every_n_steps is not None and "every_n_steps" in signature(part).parameters
            made.append(part(**{"every_n_steps": every_n_steps} if paced else {}))
    return made


def tensorboard_parser() -> ArgumentParser:
    """The arguments of `tensorboard`, for a command line."""
    parser = ArgumentParser()
    parser.add_argument(
        "--every_n_steps",
        type=int | None,
        default=None,
        help="Draw every so many steps, 0: at the end alone (default: at the start and twice in"
        " the training; the heat map and the difficulties at the end alone).",
    )
    for part in part_classes():
        if part.flag is not None:
            says = (getdoc(part) or "").partition("\n")[0]
            parser.add_argument(f"--{part.flag}", type=bool, default=True, help=says)
    return parser


class ForgetLater(Callback):
    """Where a run goes on, let TensorBoard forget what an earlier training wrote beyond there."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        step = steps_done(trainer)
        for writer in tensorboard_writers(trainer) if step else []:
            from tensorboard.compat.proto.event_pb2 import Event, SessionLog

            restart = Event(step=step, session_log=SessionLog(status=SessionLog.START))
            file: Any = writer.file_writer
            file.add_event(restart, step)
