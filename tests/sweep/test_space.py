"""Search spaces from YAML, and what a trial is by its number."""

import optuna
import pytest
from optuna.samplers import RandomSampler, TPESampler

from litmore.errors import InputError
from litmore.sweep.sampler import NumberedSampler, rehearse
from litmore.sweep.space import Space, flags, read_space, suggest
from litmore.sweep.strategies import pruner_of, sampler_for


@pytest.fixture
def space(tmp_path):
    """Read a space from text."""

    def read(text):
        path = tmp_path / "space.yaml"
        path.write_text(text)
        return read_space(str(path))

    return read


@pytest.fixture
def asked():
    """The parameters of so many trials of a study, none of which is told."""

    def ask(space, count, make=lambda number: RandomSampler(seed=number), study=None):
        study = study or optuna.create_study()
        study.sampler = NumberedSampler(space, make)
        found = []
        for _ in range(count):
            trial = study.ask()
            for key, distribution in space.distributions().items():
                suggest(trial, key, distribution)
            found.append(trial.params)
        return found

    return ask


def test_every_kind_of_distribution(space):
    found = space(
        "optimizer.lr: {float: [1e-4, 0.1], log: true}\n"
        "model.hidden_dim: {int: [8, 64], step: 8}\n"
        "--model.embedding_dim: {choice: [2, 10]}\n"
        "data.split: {grid: [[0.8, 0.1, 0.1], [0.9, 0.05, 0.05]]}\n"
    )
    assert found.sampled["optimizer.lr"].low == 1e-4
    assert found.sampled["optimizer.lr"].log
    assert found.sampled["model.hidden_dim"].step == 8
    assert found.sampled["model.embedding_dim"].choices == (2, 10)
    assert found.grid == {"data.split": ["[0.8, 0.1, 0.1]", "[0.9, 0.05, 0.05]"]}
    assert found.places["data.split"].endswith("space.yaml:4")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a.lr: {flaot: [0, 1]}", "give {grid"),
        ("a.lr: {flaot: [0, 1]}", "is float meant?"),
        ("a.lr: 0.1", "give {grid"),
        ("a.lr: {float: [1]}", "two numbers"),
        ("a.lr: {float: [low, high]}", "two numbers"),
        ("a.lr: {float: [true, 2]}", "two numbers"),
        ("a.lr: {float: [2, 1]}", "low"),
        ("a.lr: {float: [0, 1], log: true}", "low"),
        ("a.lr: {float: [1, 2], lgo: true}", "takes no lgo; is log meant?"),
        ("a.n: {int: [1, 2.5]}", "whole numbers"),
        ("a.n: {choice: []}", "give {grid"),
        ("a.n: {choice: [1, 2], log: true}", "takes no log"),
        ("a.n: {grid: [1, 1]}", "twice"),
        ("a.n: {grid: [1], choice: [2]}", "give {grid"),
        ("ckpt_path: {choice: [last]}", "is the same for all"),
        ("run_name: {choice: [a, b]}", "is the same for all"),
    ],
)
def test_what_it_cannot_be_is_told_with_its_line(space, line, says):
    with pytest.raises(InputError, match=r"space\.yaml:2: --") as refused:
        space(f"b.ok: {{grid: [1]}}\n{line}\n")
    assert says in str(refused.value)


def test_no_space_at_all(space, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_space(str(tmp_path / "none.yaml"))
    with pytest.raises(InputError, match="no flag in it"):
        space("{}\n")
    with pytest.raises(InputError, match="no config"):
        space("- a\n")


def test_flags_are_what_one_would_type():
    params = {"optimizer.lr": 0.1, "optimizer": "AdamW", "data.unique": True, "data.seed": None}
    assert flags(params) == [
        "--optimizer=AdamW", "--optimizer.lr=0.1", "--data.unique=true", "--data.seed=null",
    ]  # fmt: skip


def test_a_grid_is_gone_through_by_the_trials_numbers(asked):
    grid = Space(grid={"a": [1, 2, 3], "b": ["x", "y"]})
    assert grid.size == 6
    found = [tuple(params.values()) for params in asked(grid, 6)]
    assert found == [(1, "x"), (1, "y"), (2, "x"), (2, "y"), (3, "x"), (3, "y")]


@pytest.mark.parametrize("name", ["RandomSampler", "TPESampler"])
def test_another_process_draws_what_the_first_would_have(space, asked, name):
    found = space("a: {float: [0, 1]}\nb: {grid: [1, 2]}\nc: {choice: [x, y, z]}\n")
    make = sampler_for({"class_path": f"optuna.samplers.{name}"}, seed=7)
    study = optuna.create_study()
    first = asked(found, 3, make, study) + asked(found, 3, make, study)  # as if started anew
    assert first == asked(found, 6, make)
    assert len({params["a"] for params in first}) == 6


def test_what_the_sampler_has_seen_counts(space, asked):
    found = space("a: {float: [0, 1]}\n")
    study = optuna.create_study()
    study.sampler = NumberedSampler(found, sampler_for(None, seed=1))
    for _ in range(40):
        trial = study.ask()
        suggest(trial, "a", found.sampled["a"])
        study.tell(trial, (trial.params["a"] - 0.3) ** 2)
    late = [trial.params["a"] for trial in study.trials[20:]]
    assert sum(abs(value - 0.3) < 0.15 for value in late) > 10


@pytest.mark.filterwarnings("ignore:.*experimental")
def test_samplers_and_pruners_by_class_path():
    assert isinstance(sampler_for(None, 1)(0), TPESampler)
    wrapped = pruner_of(
        {
            "class_path": "optuna.pruners.PatientPruner",
            "init_args": {
                "wrapped_pruner": {"class_path": "optuna.pruners.MedianPruner"},
                "patience": 2,
            },
        }
    )
    assert type(wrapped).__name__ == "PatientPruner"
    with pytest.raises(InputError, match="--pruner: "):
        pruner_of(
            {"class_path": "optuna.pruners.PercentilePruner", "init_args": {"percentile": -1}}
        )
    with pytest.raises(InputError, match="grid:"):
        sampler_for({"class_path": "optuna.samplers.BruteForceSampler"}, 1)


@pytest.mark.parametrize(
    ("sampler", "pruner", "says"),
    [
        ("TPESampler", "ThresholdPruner", "--pruner: "),
        ("TPESampler", "MedianPruner", None),
    ],
)
def test_classes_that_cannot_are_known_before_the_first_trial(space, sampler, pruner, says):
    found = space("a: {float: [0, 1]}\nb: {float: [0, 1]}\n")

    def go():
        make = sampler_for({"class_path": f"optuna.samplers.{sampler}"}, seed=1)
        rehearse(
            NumberedSampler(found, make), pruner_of({"class_path": f"optuna.pruners.{pruner}"})
        )

    if says is None:
        go()
    else:
        with pytest.raises(InputError, match=says):
            go()
