"""`sweep`: many runs of one config."""

import sys
import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from jsonargparse import ArgumentParser, Namespace, set_parsing_settings
from jsonargparse.typing import PositiveFloat, PositiveInt

from litmore.cli.parser import OneLineErrors
from litmore.errors import InputError, RunError
from litmore.program import program

MISSING = "sweep needs Optuna: `make extras`, or pip install 'litmore[sweep]'"


class SweepParser(OneLineErrors):
    """Takes its own flags, each with a value, and leaves the others to `fit`."""

    def parse_args(self, args: Sequence[str], **kwargs: Any) -> Namespace:  # type: ignore[override]
        names = self._option_string_actions
        own: list[str] = []
        rest: list[str] = []
        takes_next = False
        for arg in args:
            flag = arg.partition("=")[0]
            is_own = takes_next or flag in names or flag.startswith(("--sampler.", "--pruner."))
            (own if is_own else rest).append(arg)
            takes_next = is_own and not takes_next and "=" not in arg and not flag.endswith(_HELP)
        set_parsing_settings(import_path_allowlist=["optuna"])  # until `Settings` forbids it again
        parsed = super().parse_args(own, **kwargs)
        parsed["fit"] = rest
        return parsed


_HELP = ("-h", "help")


def _or_its_own(message: str) -> str:
    """What `fit` says of a flag that it has not; where the sweep has one like it, that is meant."""
    flag, _, said = message.partition(": ")
    own = [name for action in parser()._actions for name in action.option_strings]
    near = get_close_matches(flag.replace("_", "-"), [n.replace("_", "-") for n in own], 1, 0.8)
    if not near or not said.startswith("no such setting"):
        return message
    return f"{flag}: no such setting; is --{near[0][2:].replace('-', '_')} meant?"


def parser() -> ArgumentParser:
    """The flags of `sweep`."""
    made = SweepParser(
        prog=f"{program()} sweep",
        description="Train one config over seeds or a search space; the other flags are fit's.",
    )
    made.add_argument("--search", type=str | None, help="A YAML of flags and what each may be.")
    made.add_argument(
        "--seeds",
        type=int | list[int] | None,
        help="So many, from the config's on, or a list of them; beside --search, for each trial.",
    )
    made.add_argument(
        "--num_trials",
        type=PositiveInt | None,
        help="Of the whole study (default: all points, if it is a grid).",
    )
    made.add_argument("--jobs", type=PositiveInt, default=1, help="Trials side by side here.")
    made.add_argument(
        "--study",
        type=str | None,
        help="Its name, and its runs' folder (default: after the first config).",
    )
    made.add_argument(
        "--storage",
        type=str | None,
        help="Where it is kept: journal:FILE, sqlite:///FILE or a database's URL; several machines"
        " may share it (default: a journal in the runs' folder).",
    )
    made.add_argument(
        "--heartbeat",
        type=PositiveFloat,
        default=30.0,
        help="How often a running trial says that it is alive; another machine takes over one that"
        " has been silent for four times as long.",
    )
    try:
        from litmore.sweep.strategies import add_strategies
    except ImportError:
        return made  # its help can be read
    add_strategies(made)
    return made


def run(is_alone: bool, fit: Sequence[str], sampler: Any = None, **settings: Any) -> int:
    """Run the trials of a study that are not done yet.

    Args:
        is_alone: whether the process does nothing else; it is all the same here.
        fit: the command line that is `fit`'s.
        sampler: class and arguments.
        settings: the other flags, as `make_plan` takes them.

    Returns:
        The exit code: 0, or 128 + n where signal n stopped it.

    Raises:
        InputError: what is asked for cannot be.
        RunError: no trial came to its end.

    """
    try:
        import optuna
    except ImportError:
        raise InputError(MISSING) from None
    from litmore.runs.folder import RunFolder
    from litmore.runs.requeue import NO_JOB, REQUEUE, slurm_job
    from litmore.sweep.picture import draw_study
    from litmore.sweep.plan import make_plan
    from litmore.sweep.report import Progress, print_next, report
    from litmore.sweep.runner import Runner
    from litmore.sweep.sampler import NumberedSampler, rehearse
    from litmore.sweep.strategies import pruner_of, sampler_for
    from litmore.sweep.study import open_study

    if REQUEUE in fit:  # the job is the sweep's, no trial's
        fit = [arg for arg in fit if arg != REQUEUE]
        if slurm_job() is None:
            sys.stderr.write(f"{NO_JOB}\n")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # Who names a class of Optuna's wants it.
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    try:
        plan = make_plan(fit, **settings)
    except InputError as error:
        raise InputError(_or_its_own(str(error))) from error
    if sampler is not None and not plan.space.sampled:
        raise InputError("--sampler: has nothing to choose: a grid, or seeds, are gone through")
    chosen_by = NumberedSampler(plan.space, sampler_for(sampler, plan.first_seed))
    pruned_by = pruner_of(plan.pruner)
    rehearse(chosen_by, pruned_by)
    RunFolder(plan.root.parent, plan.name).check()
    study = open_study(
        plan.name,
        plan.storage,
        sampler=chosen_by,
        pruner=pruned_by,
        definition=plan.definition,
    )
    plan.root.mkdir(parents=True, exist_ok=True)
    progress = Progress(plan)
    runner = Runner(study, plan, progress)
    try:
        stopped_by = runner.run()
    finally:
        progress.close()
    trials = runner.trials()
    report(study, plan, trials)
    if stopped_by:
        sys.stderr.write("stopped; the same command goes on\n")
        return 128 + stopped_by
    if not any(trial.state == optuna.trial.TrialState.COMPLETE for trial in trials):
        raise RunError("no trial came to its end")
    print_next(plan, None if plan.is_of_seeds else draw_study(trials, plan))
    return 0
