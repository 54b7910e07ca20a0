"""What a sweep prints: a line while it runs, and what it has found."""

import sys
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

import optuna
from optuna.trial import FrozenTrial, TrialState

from litmore.program import program
from litmore.progress import room, wipe, wrapped
from litmore.sweep.plan import Plan
from litmore.sweep.runner import WHY
from litmore.sweep.space import flags
from litmore.system import quoted, relative

FAILURES_SHOWN = 5
_NAMES = {
    TrialState.COMPLETE: "done",
    TrialState.RUNNING: "running",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


class Progress:
    """One line: what has become of the trials, and the best so far.

    On a terminal it is written over; elsewhere it is written when something has changed.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._start = time.monotonic()
        self._last = ""

    def __call__(self, trials: Sequence[FrozenTrial]) -> None:
        line = f"{self.plan.name}: {counted(trials)}, of {self.plan.num_trials}"
        if (best := best_of(trials, self.plan)) is not None:
            line += f"; best {self.plan.definition.monitor} {best.value:.4f} (trial {best.number})"
        if sys.stderr.isatty():
            clock = f"[{time.monotonic() - self._start:.0f} s] "
            wipe()
            sys.stderr.write((clock + line)[: room()])
        elif line != self._last:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
        self._last = line

    def close(self) -> None:
        """Leave what became of all, in full."""
        if sys.stderr.isatty() and self._last:
            wipe()
            sys.stderr.write("".join(f"{part}\n" for part in wrapped(self._last)))


def counted(trials: Sequence[FrozenTrial]) -> str:
    """How many are done, running, pruned and failed."""
    counts = Counter(trial.state for trial in trials)
    shown = [state for state in _NAMES if counts[state] or state == TrialState.COMPLETE]
    return ", ".join(f"{counts[state]} {_NAMES[state]}" for state in shown)


def best_of(trials: Sequence[FrozenTrial], plan: Plan) -> FrozenTrial | None:
    """The best of those that are done."""
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if not done:
        return None
    return plan.definition.better(done, key=lambda trial: float(trial.value or 0))


def report(study: optuna.Study, plan: Plan, trials: Sequence[FrozenTrial]) -> None:
    """What was found, on stdout; what to do with it, on stderr."""
    failed = [trial for trial in trials if trial.state == TrialState.FAIL]
    for trial in failed[:FAILURES_SHOWN]:
        log = relative(plan.root / f"trial_{trial.number}" / "output.log")
        why = trial.user_attrs.get(WHY, "of an unknown cause")
        sys.stderr.write(f"trial {trial.number} failed: {why} ({log})\n")
    if len(failed) > FAILURES_SHOWN:
        sys.stderr.write(f"and {len(failed) - FAILURES_SHOWN} more\n")
    best = best_of(trials, plan)
    if best is None:
        return
    monitor = plan.definition.monitor
    done = [float(trial.value or 0) for trial in trials if trial.state == TrialState.COMPLETE]
    if plan.is_of_seeds:
        spread = f" ± {stdev(done):.4f}" if len(done) > 1 else ""
        sys.stdout.write(f"{monitor:<19} {mean(done):.4f}{spread} ({len(done)} seeds)\n")
    else:
        sys.stdout.write(f"best {monitor:<14} {best.value:.4f}  trial {best.number}\n")
        for name, share in importances(study).items():
            sys.stdout.write(f"  importance {share:.2f}  --{name} {best.params[name]}\n")
        command = ["fit", *plan.definition.command, *flags(best.params)]
        sys.stdout.write(f"\n{program()} {quoted(*command)}\n")
    sys.stdout.flush()


def print_next(plan: Plan, picture: Path | None) -> None:
    """Where all lies, and what to look at it with."""
    here = quoted(relative(plan.root))
    shown = f" Drawn: {relative(picture)}." if picture else ""
    sys.stderr.write(
        f"\nThe runs are in {here}.{shown} Next:\n"
        f"  {program()} compare {here}\n  tensorboard --logdir {here}\n"
    )


def importances(study: optuna.Study) -> dict[str, float]:
    """How much of the value's variance each setting explains; empty where too few trials tell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return optuna.importance.get_param_importances(study)
        except (ValueError, RuntimeError):  # of fewer than two trials, or all alike
            return {}
