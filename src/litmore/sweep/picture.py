"""A study as a picture: how the best came about, and what each setting does to the value."""

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from litmore.errors import RunError
from litmore.sweep.plan import Plan
from litmore.watch.canvas import INK, blank

SETTINGS_SHOWN = 5

MARGINS = {"left": 0.07, "right": 0.98, "bottom": 0.1, "top": 0.9, "wspace": 0.25, "hspace": 0.4}


def draw_study(trials: Sequence[FrozenTrial], plan: Plan) -> Path:
    """Write `study.png` into the study's folder, and return its path.

    Raises:
        RunError: it cannot be written.

    """
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    pruned = [trial for trial in trials if trial.state == TrialState.PRUNED and trial.value]
    names = list(plan.space.distributions())[:SETTINGS_SHOWN]
    columns = min(1 + len(names), 3)
    rows = -(-(1 + len(names)) // columns)
    figure = blank(440 * columns, 360 * rows)
    axes = figure.subplots(rows, columns, squeeze=False, gridspec_kw=MARGINS).ravel()
    figure.suptitle(f"{plan.name}: dark the early trials, bright the late ones", color=INK)
    values = [float(trial.value or 0) for trial in done]
    numbers = [trial.number for trial in done]
    axes[0].plot(numbers, values, "o", markersize=4, color="C0", label="a trial")
    best = list(accumulate(values, plan.definition.better))
    axes[0].step(numbers, best, where="post", color="C1", label="best so far")
    if pruned:
        axes[0].plot(
            [trial.number for trial in pruned],
            [float(trial.value or 0) for trial in pruned],
            "x", markersize=4, color="0.6", label="pruned",
        )  # fmt: skip
    axes[0].legend(fontsize=8, labelcolor=INK)
    axes[0].set_xlabel("trial", color=INK)
    axes[0].set_ylabel(plan.definition.monitor, color=INK)
    for name, axis in zip(names, axes[1:], strict=False):
        found = plan.space.distributions()[name]
        is_number = isinstance(found, IntDistribution | FloatDistribution)
        given = [trial.params[name] for trial in done]
        axis.scatter(
            given if is_number else list(map(str, given)),
            values,
            c=numbers,
            cmap="viridis",
            s=18,
        )
        if is_number and found.log:  # type: ignore[attr-defined]
            axis.set_xscale("log")
        axis.set_xlabel(name, color=INK)
    for axis in axes[: 1 + len(names)]:
        axis.tick_params(colors=INK)
        axis.grid(color="0.9")
        axis.set_axisbelow(True)
    for axis in axes[1 + len(names) :]:
        axis.set_axis_off()
    path = plan.root / "study.png"
    try:
        figure.savefig(path, format="png")
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from error
    return path
