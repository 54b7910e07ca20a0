"""litmore's own training, timed from inside; and one line of a table of results."""

import contextlib
import io
import json
import operator
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, Trainer

ROOT = Path(__file__).parents[1]
VARIABLE = "STOPWATCH"
COMPARE = {"≤": operator.le, "≥": operator.ge, "<": operator.lt, ">": operator.gt}


@dataclass(frozen=True)
class Row:
    """A question, both sides' figures and the bound that was set, if one was."""

    question: str
    reference: str
    litmore: str
    ratio: str
    bound: str = ""

    @property
    def missed(self) -> bool:
        """Whether the ratio is beyond the bound, or the figure in the bound's unit if it has one.

        It is the median that counts, not the round that went best.
        """
        if not self.bound:
            return False
        sign, limit, unit = re.fullmatch(r"([≤≥<>]) ([\d.]+) ?(.*)", self.bound).groups()
        figure, prefix = re.search(
            rf"([\d.]+(?:e[+-]\d+)?) ?([mµn]?){unit}", self.litmore if unit else self.ratio
        ).groups()
        value = float(figure) * {"": 1, "m": 1e-3, "µ": 1e-6, "n": 1e-9}[prefix]
        return not COMPARE[sign](value, float(limit))


def shown(rows: list[Row]) -> list[Row]:
    """The same, printed."""
    for row in rows:
        print(f"{row.question}: {row.reference} against {row.litmore}, {row.ratio} times")
    return rows


class Stopwatch(Callback):
    """Seconds in the training loop; and a step's, over the second half: the first one warms up.

    What is done once after the last step (pictures, a checkpoint) is in the loop and in no step.
    """

    def on_train_start(self, trainer: Trainer, *_: object) -> None:
        """Start."""
        self.begun = time.perf_counter()
        self.half = self.latest = (self.begun, trainer.global_step)

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        """Stop, if this was the last."""
        now, step = time.perf_counter(), trainer.global_step
        if step < trainer.max_steps:
            self.latest = now, step
            if step <= trainer.max_steps // 2:
                self.half = self.latest
            return
        self._stop(now)

    def on_train_end(self, *_: object) -> None:
        """Stop, if a model took no steps."""
        if not hasattr(self, "a_step"):
            self._stop(time.perf_counter())

    def _stop(self, now: float) -> None:
        (began, first), (ended, last) = self.half, self.latest
        self.a_step = (ended - began) / max(last - first, 1)
        if path := os.environ.get(VARIABLE):
            Path(path).write_text(json.dumps({"loop": now - self.begun, "a_step": self.a_step}))


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for runs."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def train(*args: str, quiet: bool = True) -> Stopwatch:
    """`fit` in this process, as the command line does it; its stopwatch."""
    from litmore.cli import run
    from litmore.cli.main import main

    watch = Stopwatch()
    make = run.assemble

    def with_watch(*parts: Any) -> Trainer:
        trainer = make(*parts)
        trainer.callbacks.append(watch)
        return trainer

    run.assemble = with_watch
    out = io.StringIO()
    try:
        with scratch() as folder, contextlib.ExitStack() as stack:
            if quiet:
                stack.enter_context(contextlib.redirect_stdout(out))
                stack.enter_context(contextlib.redirect_stderr(out))
            code = main(["fit", *args, "--trainer.default_root_dir", str(folder)])
    finally:
        run.assemble = make
    if code:
        sys.exit(out.getvalue())
    return watch
