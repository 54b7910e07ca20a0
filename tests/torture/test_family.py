"""Every shipped config: stopped and gone on, a batch learnt by heart."""

import re
from pathlib import Path

import pytest

from litmore.cli import main
from survival import as_if_never_stopped, fit_args, stop_and_go_on
from test_configs import COUNTED, MODELS, SHORT, members

pytestmark = pytest.mark.torture

LARGE = {"lstm", "transformer", "wavenet"}
"""Whose stops take minutes."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (name in LARGE)) for name in MODELS]
)
def test_a_stop_anywhere_changes_nothing(here, name):
    more = [*SHORT, *members(name), "--data.batch_size=64"]
    assert main(fit_args(here, name, *more)) == 0
    step = 3 if name not in COUNTED else 0
    for version, hook in enumerate(("on_train_batch_end", "on_validation_batch_end"), 1):
        run = stop_and_go_on(here, name, version, hook, step, *more)
        as_if_never_stopped(here / "logs" / Path(name).name / "version_0", run)


@pytest.mark.parametrize("name", MODELS)
def test_a_batch_is_learnt_by_heart(here, name, capsys):
    steps = ["--trainer.max_steps=400", "--optimizer.lr=0.03", "--lr_scheduler=null"]
    counted = name in COUNTED
    more = [] if counted else steps
    args = ["--trainer.overfit_batches=1", "--data.max_words=12", "--data.split=[1,0,0]"]
    assert main(fit_args(here, name, *members(name), *args, *more)) == 0
    out = capsys.readouterr().out
    loss, floor = (float(re.search(rf"train/{what} +(\S+)", out)[1]) for what in ("loss", "floor"))
    assert floor <= loss + 1e-4
    if not counted and name not in ("bigram", "bag_of_words"):
        assert loss < floor + 0.3
