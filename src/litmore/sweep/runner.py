"""The trials of a study, run side by side until all are done."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from litmore.cli.main import DISK
from litmore.cli.parser import LONGEST
from litmore.errors import InputError, RunError, nearest
from litmore.runs.folder import CHECKPOINTS
from litmore.runs.signals import StopRequest
from litmore.runs.summary import read_summary
from litmore.sweep.claim import ALIVE, Claim, claim
from litmore.sweep.plan import Plan
from litmore.sweep.shares import share
from litmore.sweep.space import flags, suggest
from litmore.sweep.study import UNREACHABLE, frozen
from litmore.sweep.trial import PRUNED, UNREACHED, Ticket
from litmore.system import ask_group_to_stop, own_group

POLL = 0.1
"""Seconds between two looks at the processes."""

LOOK = 1.0
"""Seconds between two looks at the storage."""

STALE_AFTER = 4
"""Heartbeats without a new time stamp after which another machine's trial is nobody's."""

FIRST = "version_0"
"""A run's folder: each has a name of its own."""

DEATHS = 5
"""How often a run may die without having saved anything new; then its trial has failed."""

WHY = "why"
VALUES = "values"
"""User attributes of a trial: why it failed; the value of each of its runs."""


@dataclass
class Slot:
    """A trial that runs here."""

    claim: Claim
    place: int
    seeds: Sequence[int]
    values: list[float]
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    saved: float = 0.0

    @property
    def number(self) -> int:
        return self.claim.trial.number

    @property
    def run(self) -> Path:
        """The folder of the run at hand."""
        return self.claim.folder / (f"seed_{self.seed}" if self.seed is not None else "") / FIRST

    @property
    def seed(self) -> int | None:
        """Of the run at hand, where a trial has one for each of several."""
        return self.seeds[len(self.values)] if self.seeds else None


class Runner:
    """Run trials until the study has all, or a signal comes.

    Args:
        study: where they are kept.
        plan: what they are.
        tell: called with the study's trials from time to time, for people.

    """

    def __init__(
        self, study: optuna.Study, plan: Plan, tell: Callable[[Sequence[FrozenTrial]], None]
    ) -> None:
        self.study = study
        self.plan = plan
        self.tell = tell
        self.slots: list[Slot] = []
        self.stopped_by = 0
        self._request = StopRequest()
        self._next_look = self._next_beat = 0.0
        self._seen: dict[int, tuple[Any, float]] = {}
        self._is_cut_off = False

    def run(self) -> int:
        """Run.

        Returns:
            0, or the number of the signal that stopped it, whose runs are saved.

        """
        self._request.hold()
        try:
            while True:
                try:
                    if self._step():
                        return self.stopped_by
                    self._is_cut_off = False
                except UNREACHABLE as error:
                    self._wait_for_storage(error)
                time.sleep(POLL)
        finally:
            for slot in self.slots:
                _end(slot)
            self._request.release()

    def _step(self) -> bool:
        """Look at all once; whether there is nothing left to do."""
        if self._request.number and not self.stopped_by:
            self.stopped_by = self._request.number
            for slot in self.slots:
                _end(slot)  # a second one would end it before it has saved
        for slot in list(self.slots):
            if slot.process is None or slot.process.poll() is not None:
                self._go_on(slot)
        self._beat()
        if self.stopped_by:
            return not self.slots
        if time.monotonic() < self._next_look:
            return False
        self._next_look = time.monotonic() + LOOK
        while len(self.slots) < self.plan.jobs and self._take():
            pass
        trials = self.trials()
        self.tell(trials)
        is_done = [trial.state.is_finished() for trial in trials]
        return not self.slots and sum(is_done) == self.plan.num_trials

    def _beat(self) -> None:
        """Tell from time to time that the trials are alive; leave those that are another's."""
        if time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + self.plan.heartbeat
        for slot in self.slots:
            if slot.claim.is_lost(frozen(self.study, slot.number)):
                _end(slot)  # then `_go_on` leaves it
            else:
                slot.claim.stamp()

    def trials(self) -> list[FrozenTrial]:
        """Those of the study that count: two machines may ask for the last one at once."""
        return self.study.get_trials(deepcopy=False)[: self.plan.num_trials]

    def _take(self) -> bool:
        """Take up a trial that nobody runs any more, or a new one."""
        here = {slot.number for slot in self.slots}
        trials = self.study.get_trials(deepcopy=False)
        for trial in trials[: self.plan.num_trials]:
            if trial.state != TrialState.RUNNING or trial.number in here:
                continue
            silent = self._is_silent(trial)
            if taken := claim(self.study, trial, self.plan.root, is_silent=silent):
                self._begin(taken)
                return True
        if len(trials) >= self.plan.num_trials:
            return False
        asked = self.study.ask()
        if asked.number >= self.plan.num_trials:
            self.study.tell(asked, state=TrialState.FAIL)
            return False
        taken = claim(self.study, frozen(self.study, asked.number), self.plan.root, is_new=True)
        if taken is None:
            return False
        self._begin(taken)
        return True

    def _is_silent(self, trial: FrozenTrial) -> bool:
        """Whether no stamp has come for long, by this machine's clock: another's may be wrong."""
        stamp = trial.user_attrs.get(ALIVE)
        now = time.monotonic()
        known, since = self._seen.get(trial.number, (stamp, now))
        self._seen[trial.number] = (stamp, since if known == stamp else now)
        is_given_back = stamp is not None and stamp[1] is None
        return is_given_back or (known == stamp and now - since > STALE_AFTER * self.plan.heartbeat)

    def _begin(self, taken: Claim) -> None:
        for name, distribution in self.plan.space.distributions().items():
            suggest(taken.trial, name, distribution)
        places = {slot.place for slot in self.slots}
        place = next(place for place in range(self.plan.jobs) if place not in places)
        values = list(taken.trial.user_attrs.get(VALUES, []))
        slot = Slot(taken, place, self.plan.definition.seeds, values)
        self.slots.append(slot)
        self._go_on(slot)

    def _go_on(self, slot: Slot) -> None:
        """After a run, the trial's next one, or its end."""
        code = slot.process.returncode if slot.process is not None else None
        trial = slot.claim.trial
        now = frozen(self.study, slot.number)
        if slot.claim.is_lost(now):
            self._leave(slot)
            return
        if len(slot.values) == max(len(slot.seeds), 1):
            self._finish(slot, TrialState.COMPLETE, value=fmean(slot.values))
            return
        summary = None
        with suppress(InputError):  # it died before it had written one
            summary = read_summary(slot.run)
        if code in (1, 2):
            self._finish(slot, TrialState.FAIL, why=_last_words(_log_of(slot)))
        elif PRUNED in now.user_attrs:
            self._finish(slot, TrialState.PRUNED)
        elif summary is not None and summary.status == "finished":
            monitor = self.plan.definition.monitor
            value = summary.last.get(monitor) if summary.best is None else summary.best
            if value is None or not isfinite(value):
                why = f"it has logged no {monitor} (--monitor){nearest(monitor, [*summary.last])}"
                self._finish(slot, TrialState.FAIL, why=why)
                return
            slot.values.append(value)
            trial.set_user_attr(VALUES, slot.values)
            slot.process, slot.deaths, slot.saved = None, 0, 0.0
            self._go_on(slot)
        elif self.stopped_by:
            slot.claim.give_back()
            self._leave(slot)
        elif code is not None and self._has_died(slot):
            self._finish(slot, TrialState.FAIL, why=f"ended by {_end_of(code)}, {DEATHS} times")
        else:
            self._launch(slot)

    def _has_died(self, slot: Slot) -> bool:
        """Whether a run has died too often without having come any further."""
        last = slot.run / CHECKPOINTS / "last.ckpt"
        saved = last.stat().st_mtime if last.exists() else 0.0
        slot.deaths = 1 if saved > slot.saved else slot.deaths + 1
        slot.saved = saved
        return slot.deaths >= DEATHS

    def _launch(self, slot: Slot) -> None:
        run = slot.run
        last = run / CHECKPOINTS / "last.ckpt"
        if last.exists():
            trust = [arg for arg in self.plan.definition.command if arg == "--trust_config"]
            command = ["fit", f"--ckpt_path={last}", *trust]
        else:
            if run.exists():
                shutil.rmtree(run)  # it died before it had saved anything
            command = [
                *("fit", *self.plan.definition.command, *flags(slot.claim.trial.params)),
                *([f"--seed_everything={slot.seed}"] if slot.seed is not None else []),
                f"--trainer.default_root_dir={run.parents[1]}",
                f"--run_name={run.parent.name}",
            ]
        ticket = Ticket(
            study=self.plan.name,
            storage=self.plan.storage,
            pruner=self.plan.pruner,
            number=slot.number,
            monitor=self.plan.definition.monitor,
            is_judged=not slot.values,
        )
        paths = [str(self.plan.beside or ""), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            **share(slot.place, self.plan.jobs),
            **ticket.environment(),
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        }
        with _log_of(slot).open("ab") as output:
            slot.process = subprocess.Popen(
                [sys.executable, "-m", "litmore.sweep.trial", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                **own_group(slot.claim.descriptor),  # Ctrl-C is the sweep's to pass on
            )

    def _finish(
        self, slot: Slot, state: TrialState, value: float | None = None, why: str | None = None
    ) -> None:
        with suppress(UpdateFinishedTrialError):  # by another, who took this one for dead
            if why is not None:
                slot.claim.trial.set_user_attr(WHY, why)
            self.study.tell(slot.claim.trial, value, state, skip_if_finished=True)
        self._leave(slot)
        self._next_look = 0.0

    def _leave(self, slot: Slot) -> None:
        slot.claim.release()
        self.slots.remove(slot)

    def _wait_for_storage(self, error: BaseException) -> None:
        if isinstance(error, OSError) and error.errno in DISK:
            raise error
        if self.stopped_by and all(
            s.process is None or s.process.poll() is not None for s in self.slots
        ):
            raise RunError("the study's storage cannot be reached; its runs are saved") from error
        if not self._is_cut_off:
            reason = " ".join(str(error.__cause__ or error).split())[:LONGEST]
            sys.stderr.write(f"the study's storage cannot be reached; trying again ({reason})\n")
        self._is_cut_off = True
        time.sleep(LOOK)


def _end(slot: Slot) -> None:
    if slot.process is not None and slot.process.poll() is None:
        ask_group_to_stop(slot.process)


def _log_of(slot: Slot) -> Path:
    return slot.claim.folder / "output.log"


def _last_words(path: Path) -> str:
    """Why a run ended, as its output tells."""
    lines = path.read_text("utf-8", errors="replace").splitlines()
    said = [line for line in lines if line.strip()]
    return said[-1].removeprefix("error: ") if said else "it said nothing"


def _end_of(code: int) -> str:
    number = -code if code < 0 else code - 128
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"exit code {code}" if code != UNREACHED else "a storage that cannot be reached"
