"""The table of results: what is beyond its bound is marked."""

from importlib import import_module
from pathlib import Path

import pytest
import yaml

from litmore.corpus.source import NAMES
from litmore.data import NamesDataModule

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def run(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return import_module("run")


@pytest.mark.parametrize(
    ("litmore", "ratio", "bound", "missed"),
    [
        ("3.44 s (3.33–3.54)", "6.13 (6.04–6.35)", "≥ 10", True),
        ("3.44 s (3.33–3.54)", "10.00 (9.34–10.89)", "≥ 10", False),
        ("493 µs (468–502)", "2.21 (1.76–2.30)", "≤ 2.2", True),
        ("493 µs (468–502)", "1.86 (1.76–2.30)", "≤ 2.2", False),
        ("493 µs (468–502)", "9.99 (9.76–9.99)", "", False),
        ("4.57 s (4.53–4.59)", "", "< 10 s", False),
        ("10 s (8–12)", "", "< 10 s", True),
        ("980 ms (970–1.2e+03)", "", "< 10 s", False),
        ("1.02e+03 s (1e+03–1.1e+03)", "", "< 10 s", True),
        ("182 MiB, 2.7 bytes a character", "", "< 16 bytes a character", False),
        ("1820 MiB, 27.0 bytes a character", "", "< 16 bytes a character", True),
    ],
)
def test_a_row_beyond_its_bound_is_marked(run, litmore, ratio, bound, missed):
    row = run.Row("a question", "1 s", litmore, ratio, bound)
    assert row.missed == missed
    assert run.table([row]).endswith(f"| {bound} **missed** |" if missed else f"| {bound} |")


@pytest.fixture
def makemore(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return import_module("makemore")


@pytest.fixture
def words(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("\n".join(NAMES.read_text().splitlines()[:500]) + "\n")
    return path


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("transformer", 204_544), ("bow", 12_827), ("mlp", 69_147), ("rnn", 11_803), ("gru", 28_315)],
)
def test_makemores_models_have_its_parameters_and_learn(makemore, words, name, parameters):
    (vocab_size, _), train, test = makemore.prepare(words)
    network = makemore.Network(name, vocab_size, 16)
    assert sum(p.numel() for p in network.model.parameters()) == parameters
    network = makemore.Network(name, vocab_size, train[0].shape[1])
    before = network.loss(test)
    network.train(train, 10)
    assert network.loss(test) < before


def test_litmore_takes_makemores_split(makemore, words, tmp_path):
    (tmp_path / "split").mkdir()
    flags = makemore.as_litmore(words, tmp_path / "split")
    settings = dict(flag.removeprefix("--data.").split("=", 1) for flag in flags)
    data = NamesDataModule(**{name: yaml.safe_load(value) for name, value in settings.items()})
    order, cut = makemore.in_order(words)
    assert (list(data.splits["train"]), list(data.splits["val"])) == (order[:cut], order[cut:])
    assert (len(order) - cut, len(data.splits["test"])) == (50, 0)


def test_steps_are_counted_to_the_first_loss_that_is_low_enough(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    steps_to = import_module("time_to_loss_words").steps_to
    assert [steps_to(loss) for loss in (2.1972, 2.0, 1.9655)] == [500, 7_000, 15_000]
