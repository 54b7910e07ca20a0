"""What a trial's flags are, by its number."""

from collections.abc import Callable, Sequence
from typing import Any

import optuna
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from litmore.errors import InputError
from litmore.sweep.space import Space, suggest

REHEARSED = 12
"""Trials: some samplers begin with ten at random."""


class NumberedSampler(BaseSampler):
    """The grid's point of a trial's number; the rest by a sampler made anew for each trial.

    So no state of it is lost with its process, and no two processes draw the same: what a trial
    is follows from its number and the trials that were done before it.

    Args:
        space: what there is to choose from.
        make: the sampler for the trial of a number.

    """

    def __init__(self, space: Space, make: Callable[[int], BaseSampler]) -> None:
        self.space = space
        self.make = make
        self._inner = make(0)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._inner = self.make(trial.number)
        self._inner.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        found = self._inner.infer_relative_search_space(study, trial)
        return {key: found[key] for key in found if key in self.space.sampled}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        if param_name in self.space.grid:
            return self.space.point(trial.number)[param_name]
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        self.make(trial.number).after_trial(study, trial, state, values)


def rehearse(sampler: NumberedSampler, pruner: BasePruner) -> None:
    """Choose and prune some trials that nobody runs.

    Raises:
        InputError: these classes cannot do it: not in this space, or not without another package.

    """
    study = optuna.create_study(sampler=sampler, pruner=pruner)
    flag = "--sampler"
    try:
        for number in range(REHEARSED):
            flag = "--sampler"
            trial = study.ask()
            for key, found in sampler.space.distributions().items():
                suggest(trial, key, found)
            flag = "--pruner"
            trial.report(float(number), step=1)
            trial.should_prune()
            flag = "--sampler"
            study.tell(trial, float(number))
    except ImportError as error:
        raise InputError(f"{flag}: needs a package: pip install {error.name}") from error
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"{flag}: {' '.join(str(error).split())}") from error
