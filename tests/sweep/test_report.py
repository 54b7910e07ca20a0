"""What a sweep says of itself while it runs, and when it is done."""

import io
from pathlib import Path

import optuna
import pytest
from optuna.distributions import IntDistribution
from optuna.trial import create_trial

from litmore.sweep.plan import Plan
from litmore.sweep.report import Progress, report
from litmore.sweep.space import Space
from litmore.sweep.study import Definition

SEED = "seed_everything"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def plan():
    metric = "val/a_long_name_of_its_own"
    definition = Definition(["--model", "MLP"], {}, {}, [], metric, "min")
    space = Space({SEED: IntDistribution(1, 2)})
    return Plan("tried", "", definition, space, Path("logs/tried"), 2, 1, {}, 30.0, 1, None)


@pytest.fixture
def study(plan):
    study = optuna.create_study()
    seeds = {SEED: IntDistribution(1, 2)}
    for seed in (1, 2):
        study.add_trial(create_trial(params={SEED: seed}, distributions=seeds, value=float(seed)))
    return study


@pytest.mark.parametrize("width", [1, 20, 40, 80])
def test_its_line_fits_a_terminal_and_is_whole_at_the_end(monkeypatch, plan, study, width):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("sys.stderr", screen := Terminal())
    progress = Progress(plan)
    progress(study.trials)
    progress.close()
    said = screen.getvalue()
    assert not set(said) & {"\x1b", "\b"}
    running, _, left = said.rpartition("\r")
    assert max(map(len, running.split("\r"))) == max(width - 1, 1)
    whole = "tried: 2 done, of 2; best val/a_long_name_of_its_own 1.0000 (trial 0)"
    assert left.split() == whole.split()


def test_the_longest_name_of_a_metric_is_parted_from_its_value(capsys, plan, study):
    report(study, plan, study.trials)
    assert capsys.readouterr().out.startswith(
        "val/a_long_name_of_its_own 1.5000 ± 0.7071 (2 seeds)"
    )
