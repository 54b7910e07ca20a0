"""litmore's own training, timed from inside; and one line of a table of results."""

import contextlib
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lightning.pytorch import Callback, Trainer

ROOT = Path(__file__).parents[1]
VARIABLE = "STOPWATCH"


@dataclass(frozen=True)
class Row:
    """A question, both sides' figures and the bound that was set, if one was."""

    question: str
    reference: str
    litmore: str
    ratio: str
    bound: str = ""


class Stopwatch(Callback):
    """Seconds in the training loop, and of its second half alone: the first one warms up."""

    def on_train_start(self, trainer: Trainer, *_: object) -> None:
        """Start."""
        self.begun = self.half = time.perf_counter()
        self.half_step = trainer.global_step

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        """Stop, if this was the last."""
        if trainer.global_step <= trainer.max_steps // 2:
            self.half, self.half_step = time.perf_counter(), trainer.global_step
        elif trainer.global_step == trainer.max_steps:
            now = time.perf_counter()
            self.seconds = now - self.begun
            self.a_step = (now - self.half) / (trainer.global_step - self.half_step)
            if path := os.environ.get(VARIABLE):
                Path(path).write_text(json.dumps({"loop": self.seconds, "a_step": self.a_step}))


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for runs."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def train(*args: str, quiet: bool = True) -> Stopwatch:
    """`fit` in this process, as the command line does it; its stopwatch."""
    from litmore.cli import training
    from litmore.cli.main import main

    watch = Stopwatch()
    make = training.CLI.instantiate_trainer

    def with_watch(self: training.CLI, **kwargs: object) -> Trainer:
        trainer = make(self, **kwargs)
        trainer.callbacks.append(watch)
        return trainer

    training.CLI.instantiate_trainer = with_watch
    out = io.StringIO()
    try:
        with scratch() as folder, contextlib.ExitStack() as stack:
            if quiet:
                stack.enter_context(contextlib.redirect_stdout(out))
                stack.enter_context(contextlib.redirect_stderr(out))
            code = main(["fit", *args, "--trainer.default_root_dir", str(folder)])
    finally:
        training.CLI.instantiate_trainer = make
    if code:
        sys.exit(out.getvalue())
    return watch
