"""Of all that libraries say, what a user can act on."""

import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from litmore.progress import wipe

USUAL = (
    "smaller than the logging interval",  # a full-batch model's epoch is one batch
    "returned `None`, this fit will run",  # the count bigram has no optimizer
    "Total length of `list` across ranks is zero",  # there is no validation, as was said
    "Be aware that when using `ckpt_path`",  # evaluating needs no callback of the training
    "is an instance of `nn.Module` and is already saved",  # as it was written, too
    "The `srun` command is available",  # on a cluster, whatever one does
    "IProgress not found",  # in a notebook without ipywidgets bars are text
)
"""Warnings of what is meant so."""


def be_quiet() -> None:
    """Show litmore's own lines; what Lightning says, `quieten_lightning` sees to."""
    # Of each try to reach another process torch would write a stack.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _heard
    handler = logging.StreamHandler(sys.stderr)
    _show(handler, "litmore", "lightning.pytorch.profilers")  # a profiler's report is asked for
    if not isinstance(warnings.showwarning, partial):
        warnings.showwarning = partial(_shown_above_bar, warnings.showwarning)
    for message in USUAL:
        warnings.filterwarnings("ignore", message=f".*{message}")
    # Lightning's own use of what torch deprecates.
    warnings.filterwarnings("ignore", category=FutureWarning, module="lightning")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="lightning")


def quieten_lightning() -> None:
    """No device lists, tips or advice for other projects; its import has set the levels anew."""
    handler = _AboveBar()
    handler.addFilter(_is_asked_for)
    _show(handler, "lightning.pytorch", "lightning.fabric")


def _heard(died: threading.ExceptHookArgs) -> None:
    """Leave it to the one that TensorBoard's writer serves to say that its file is gone."""
    is_writer = type(died.thread).__module__.startswith("tensorboard.")
    if not (is_writer and isinstance(died.exc_value, OSError)):
        threading.__excepthook__(died)


def _shown_above_bar(show: Callable[..., None], *warning: Any, **where: Any) -> None:
    wipe()
    show(*warning, **where)


def _show(handler: logging.Handler, *names: str) -> None:
    for name in names:
        shown = logging.getLogger(name)
        shown.setLevel(logging.INFO)
        shown.handlers = [handler]
        shown.propagate = False


class _AboveBar(logging.Handler):
    """Lines on stderr that do not run into a progress bar's."""

    def emit(self, record: logging.LogRecord) -> None:
        from tqdm import tqdm

        wipe()  # a bar that is none of tqdm's
        tqdm.write(self.format(record), file=sys.stderr)


def _is_asked_for(record: logging.LogRecord) -> bool:
    """Of what Lightning tells, warnings and what callbacks say: somebody has named them."""
    is_callbacks = Path(record.pathname).parent.name in ("callbacks", "tuner")
    return record.levelno >= logging.WARNING or is_callbacks
