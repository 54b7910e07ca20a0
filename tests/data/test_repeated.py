"""Words that count several times are served as if they stood in the file so often."""

import pytest
import torch

from litmore.data import NamesDataModule
from litmore.data.order import LikeLength
from litmore.models import LSTM, MLP, CountBigram, NGram

WEIGHTS = {"ava": 3, "emma": 1, "mia": 4, "al": 2, "zoe": 7, "isabella": 1}


@pytest.fixture
def both(tmp_path, word_file):
    """Data of a table with weights, and of a file in which each word stands so often."""

    def make(**settings):
        table = tmp_path / "table.csv"
        table.write_text("name,n\n" + "".join(f"{w},{n}\n" for w, n in WEIGHTS.items()))
        plain = word_file([word for word, times in WEIGHTS.items() for _ in range(times)])
        shared = {"split": (1.0, 0.0, 0.0), "batch_size": 5, **settings}
        return (
            NamesDataModule(str(table), column="name", weight="n", **shared),
            NamesDataModule(plain, **shared),
        )

    return make


def examples(view):
    """All, in no order."""
    x, y = view[torch.arange(len(view))]
    return sorted(torch.cat([x, y.view(len(y), -1)], dim=1).tolist())


@pytest.mark.parametrize("view", ["windows", "words", "counts"])
@pytest.mark.parametrize("memory_map", [False, True])
def test_it_is_the_file_of_repetitions(both, view, memory_map, tmp_path, monkeypatch):
    monkeypatch.setenv("LITMORE_CACHE", str(tmp_path / "cache"))
    weighted, plain = both(view=view, memory_map=memory_map)
    assert examples(weighted.split_view("train")) == examples(plain.split_view("train"))


def test_long_contexts_are_counted_too(both):
    weighted, plain = both(view="counts", block_size=40)
    assert examples(weighted.split_view("train")) == examples(plain.split_view("train"))


@pytest.mark.parametrize(
    ("model", "view"),
    [
        (MLP, "windows"),
        (MLP, "counts"),
        (NGram, "windows"),
        (CountBigram, "counts"),
        (LSTM, "words"),
    ],
)
def test_losses_are_those_of_the_repetitions(both, trainer, model, view):
    found = []
    for data in both(view=view, block_size=1, split=(0.5, 0.5, 0.0), unique=False):
        data.splits = {"train": data.corpus, "val": data.corpus, "test": data.corpus}
        torch.manual_seed(0)
        fitted = model(data.vocabulary, **({"block_size": 1} if model in (MLP, NGram) else {}))
        fitting = trainer(max_epochs=1)
        if model in (NGram, CountBigram):
            fitting.fit(fitted, data)
        (losses,) = fitting.validate(fitted, data, verbose=False)
        found.append(losses)
    assert found[0] == pytest.approx(found[1], rel=1e-6)


def test_whole_words_are_judged_once_however_much_they_count(tmp_path):
    weights = WEIGHTS | {"ava": 10**12}
    table = tmp_path / "table.csv"
    table.write_text("name,n\n" + "".join(f"{w},{n}\n" for w, n in weights.items()))
    data = NamesDataModule(str(table), column="name", weight="n", view="words")
    data.splits = dict.fromkeys(["train", "val", "test"], data.corpus)
    view = data.split_view("val")
    assert len(view) == len(weights)
    batch = view[torch.arange(len(view))]
    predicted = sum(n * (len(word) + 1) for word, n in weights.items())
    assert float(batch.num_predicted()) == pytest.approx(predicted, rel=1e-6)
    found = batch.predictions()
    assert float(found.times.sum()) == pytest.approx(predicted, rel=1e-6)
    assert len(batch.contexts()) == len(found.row)


def test_words_of_like_length_come_together(both):
    weighted, _ = both(view="words")
    order = weighted.split_view("train").training_order(1, 5)
    assert isinstance(order, LikeLength)
    assert sorted(order) == list(range(sum(WEIGHTS.values())))


def test_the_splits_say_what_they_count(both):
    weighted, plain = both()
    lines = weighted.describe()
    assert f"{plain.splits['train'].num_examples} / 0 / 0 characters to predict" in lines[0]
    assert lines[1] == "counting 18 / 0 / 0 by --data.weight n"
