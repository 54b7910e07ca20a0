"""A study in its storage, and whose its trials are."""

import os
import time
from dataclasses import replace

import optuna
import pytest
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from litmore.errors import InputError
from litmore.sweep.claim import ALIVE, claim
from litmore.sweep.shares import share
from litmore.sweep.study import Definition, open_study, shown_url

DEFINITION = Definition(["--config=a.yaml"], {}, {"grid": {"a": [1]}}, [], "val/loss", "min")


def opened(url, definition=DEFINITION):
    return open_study(
        "s", url, sampler=RandomSampler(), pruner=optuna.pruners.NopPruner(), definition=definition
    )


@pytest.fixture(params=["journal", "sqlite"])
def url(request, tmp_path):
    """A storage."""
    return f"journal:{tmp_path}/s.log" if request.param == "journal" else f"sqlite:///{tmp_path}/s"


def test_who_joins_must_mean_the_same(url):
    opened(url)
    assert opened(url).study_name == "s"
    with pytest.raises(InputError, match="--study s: was begun with another command and monitor"):
        opened(url, replace(DEFINITION, command=["--config=b.yaml"], monitor="val/accuracy"))


def test_a_strangers_study_is_left_alone(tmp_path):
    url = f"sqlite:///{tmp_path}/s"
    study = optuna.create_study(study_name="s", storage=url)
    study.ask()
    with pytest.raises(InputError, match="no sweep's"):
        opened(url)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "sqlite:////no/such/folder/s",
        "nosuch://host/s",
        "journal:/proc/no/s.log",
        "grpc://host",
    ],
)
def test_a_storage_that_cannot_be_reached_is_one_line(url):
    with pytest.raises(InputError, match=f"--storage {url}: ") as refused:
        opened(url)
    assert "\n" not in str(refused.value)


def test_no_password_is_shown():
    assert shown_url("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"


def test_half_a_line_at_a_journals_end_is_taken_away(tmp_path):
    url = f"journal:{tmp_path}/s.log"
    opened(url).ask()
    with (tmp_path / "s.log").open("a") as file:
        file.write('{"op_code": 4, "wor')
    assert len(opened(url).trials) == 1
    opened(url).ask()
    assert len(opened(url).trials) == 2


@pytest.mark.parametrize("content", ["a line\nhalf a line", "half a line", '{"a": 1}', "\0SQLite"])
def test_no_other_file_is_taken_for_a_journal(tmp_path, content):
    (tmp_path / "notes").write_text(content)
    with pytest.raises(InputError, match="/notes: no journal"):
        opened(f"journal:{tmp_path}/notes")
    assert (tmp_path / "notes").read_text() == content


def test_a_trial_is_one_process_s_until_it_lets_go(url, tmp_path):
    study = opened(url)
    study.ask()

    def take(**kwargs):
        return claim(study, study.trials[0], tmp_path, **kwargs)

    assert take() is None, "it has only just been asked for, by somebody"
    first = take(is_new=True)
    assert first is not None
    assert take() is None
    first.release()
    second = take()
    assert second is not None, "the lock tells that it is dead"
    assert study.trials[0].user_attrs[ALIVE][0] == second.owner != first.owner
    second.release()


def test_of_another_machine_its_silence_tells(url, tmp_path):
    study = opened(url)
    trial = study.ask()
    trial.set_user_attr(ALIVE, ["another machine#1", time.time()])
    assert claim(study, study.trials[0], tmp_path) is None
    assert not (tmp_path / "trial_0").exists()
    taken = claim(study, study.trials[0], tmp_path, is_silent=True)
    assert taken is not None
    assert not taken.is_lost(study.trials[0])
    trial.set_user_attr(ALIVE, ["another machine#1", time.time()])
    assert taken.is_lost(study.trials[0]), "that one was not dead after all"
    taken.release()
    assert study.trials[0].state == TrialState.RUNNING


def test_runs_share_the_machine(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,7")
    cores = len(os.sched_getaffinity(0))
    assert share(0, 1) == {}
    assert share(0, 2) == {
        "OMP_NUM_THREADS": str(max(cores // 2, 1)),
        "CUDA_VISIBLE_DEVICES": "3,7",
    }
    assert share(1, 2)["CUDA_VISIBLE_DEVICES"] == "5"
    assert share(4, 5)["CUDA_VISIBLE_DEVICES"] == "5"
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert "OMP_NUM_THREADS" not in share(0, 2)
