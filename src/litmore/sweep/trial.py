"""The process of a trial's run: an ordinary `fit`, watched by a callback that reports to the study.

`python -m litmore.sweep.trial fit …`, with a `Ticket` in the environment. Its exit codes are
`fit`'s, and `UNREACHED`.
"""

import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from litmore.runs.signals import end_with_parent, number_in, once_orphaned, stop_at_once

if __name__ == "__main__":
    stop_at_once()  # before the imports below, which take a while
    end_with_parent()

import optuna
from lightning.pytorch import Callback, LightningModule, Trainer

from litmore.cli import main
from litmore.sweep.strategies import pruner_of
from litmore.sweep.study import UNREACHABLE, frozen, join_study, reopened
from litmore.system import ask_self_to_stop

VARIABLE = "LITMORE_SWEEP"
"""The environment variable with the ticket; a command line could be read by others."""

UNREACHED = 75
"""The exit code where the study's storage could not be reached at the start."""

PRUNED = "pruned"
"""A trial's user attribute: after which step it was."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ticket:
    """What a run's process is told of its trial.

    Attributes:
        study: the study's name.
        storage: where it lies.
        pruner: class path and arguments.
        number: the trial's.
        monitor: the metric that is reported.
        is_judged: whether the run's validations are reported: of several seeds the first one's are.

    """

    study: str
    storage: str
    pruner: Mapping[str, Any]
    number: int
    monitor: str
    is_judged: bool

    def environment(self) -> dict[str, str]:
        """As a process is given it."""
        return {VARIABLE: json.dumps(asdict(self))}

    def trial(self) -> optuna.Trial:
        """The trial in its storage."""
        study = join_study(self.study, self.storage, pruner_of(self.pruner))
        return reopened(study, frozen(study, self.number))


class TrialReport(Callback):
    """Report each validation to the study by the optimizer step, and end what is to be pruned.

    Optuna's own callback counts epochs, and knows of no other process of a run.
    """

    def __init__(self, ticket: Ticket, trial: optuna.Trial | None) -> None:
        self.ticket = ticket
        self.trial = trial  # the first process's alone

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking or trainer.state.fn != "fit" or not self.ticket.is_judged:
            return
        value = trainer.callback_metrics.get(self.ticket.monitor)
        is_over = False
        if self.trial is not None and value is not None:
            try:
                is_over = self._is_over(self.trial, trainer.global_step, float(value))
            except UNREACHABLE as error:
                log.warning("step %s is not reported: %s", trainer.global_step, error)
        if trainer.strategy.broadcast(is_over):
            trainer.should_stop = True

    def _is_over(self, trial: optuna.Trial, step: int, value: float) -> bool:
        known = frozen(trial.study, trial.number).intermediate_values
        if step not in known:  # where a run goes on, it may validate once more
            trial.report(value, step)
        if not trial.should_prune():
            return False
        trial.set_user_attr(PRUNED, step)
        return True


def run() -> int:
    """Run the command line of this process as its ticket says."""
    ticket = Ticket(**json.loads(os.environ[VARIABLE]))
    trial = None
    if not any(map(number_in, ("LOCAL_RANK", "NODE_RANK"))):
        # The run is saved, and ends: the next sweep takes it up.
        once_orphaned(ask_self_to_stop)
        try:
            trial = ticket.trial()
        except UNREACHABLE as error:
            sys.stderr.write(f"error: the study's storage cannot be reached: {error}\n")
            return UNREACHED
    return main(sys.argv[1:], callbacks=[TrialReport(ticket, trial)])


if __name__ == "__main__":
    sys.exit(run())
