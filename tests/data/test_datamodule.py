import gzip
import json
import re
from itertools import chain
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Callback
from torch import optim

from litmore.data import Corpus, NamesDataModule, Vocabulary
from litmore.data.views import Windows, Words
from litmore.errors import InputError
from litmore.models import MLP

WORDS = ["emma", "olivia", "ava", "isabella", "sophia", "ava", "mia", "zoe", "ann", "ava", "eve"]


@pytest.fixture
def data(word_file):
    """A data module of a few words."""

    def make(words=WORDS, **settings):
        return NamesDataModule(word_file(words), **settings)

    return make


def in_a_row(batches):
    return tuple(torch.cat(parts) for parts in zip(*batches, strict=True))


@pytest.mark.parametrize("view", ["windows", "words"])
def test_serves_its_splits_without_a_trainer(data, view):
    module = data(view=view, batch_size=100)
    loaders = (module.train_dataloader(), module.val_dataloader(), module.test_dataloader())
    sizes = (8, 1, 2) if view == "words" else [part.num_examples for part in module.splits.values()]
    assert [sum(len(x) for x, _ in batches) for batches in loaders] == list(sizes)


def test_evaluates_in_order_and_trains_shuffled(data):
    module = data(block_size=2, eval_batch_size=5)
    for name, batches in (("val", module.val_dataloader()), ("test", module.test_dataloader())):
        view = Windows(module.splits[name], 2)
        x, y = in_a_row(batches)
        assert torch.equal(x, view[torch.arange(len(view))][0])
        assert torch.equal(y, view[torch.arange(len(view))][1])
    view = Windows(module.splits["train"], 2)
    x, _ = in_a_row(module.train_dataloader())
    assert not torch.equal(x, view[torch.arange(len(view))][0])
    assert sorted(x.tolist()) == sorted(view[torch.arange(len(view))][0].tolist())


def test_batch_sizes(data):
    module = data(batch_size=7, eval_batch_size=3)
    assert len(next(iter(module.train_dataloader()))[0]) == 7
    assert len(next(iter(module.val_dataloader()))[0]) == 3


def test_the_training_order_follows_the_global_seed(data, seed_everything):
    orders = []
    for seed in (1, 2, 1):
        seed_everything(seed)
        orders.append(in_a_row(data().train_dataloader())[0].tolist())
    assert orders[0] == orders[2] != orders[1]


def test_the_embedded_names_are_the_default():
    module = NamesDataModule()
    assert len(module.corpus) == 32_257
    assert list(module.corpus[:5]) == ["emma", "olivia", "ava", "isabella", "sophia"]
    assert module.vocabulary == Vocabulary("abcdefghijklmnopqrstuvwxyz")


def test_reads_gz(tmp_path):
    path = tmp_path / "words.txt.gz"
    path.write_bytes(gzip.compress("\n".join(WORDS).encode()))
    assert list(NamesDataModule(str(path)).corpus) == WORDS


REFUSED = [
    ({"block_size": 0}, "--data.block_size 0: "),
    ({"block_size": -3}, "--data.block_size -3: "),
    ({"batch_size": 0}, "--data.batch_size 0: "),
    ({"eval_batch_size": 0}, "--data.eval_batch_size 0: "),
    ({"vocabulary": "aba"}, "vocabulary 'aba': "),
]


@pytest.mark.parametrize(("settings", "message"), REFUSED)
def test_refuses_settings_out_of_range(settings, message):
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        NamesDataModule(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"split": (0.8, 0.1, 0.2)}, r"^--data\.split \[0\.8, 0\.1, 0\.2\]: sums to 1\.1"),
        ({"vocabulary": "abc"}, r"words\.txt:1: 'e' "),
        ({"words": ["a"]}, r"^--data\.split .* 1 words are too few"),
        ({"words": ["", " "]}, r"words\.txt: no words in it"),
    ],
)
def test_refuses_data_that_cannot_be_split(data, settings, message):
    with pytest.raises(InputError, match=message):
        data(**settings).setup("fit")


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=re.escape(f"{tmp_path / 'none.txt'}: no such file")):
        NamesDataModule(str(tmp_path / "none.txt")).setup("fit")


def test_hyperparameters_are_plain_and_enough_to_find_the_data_again(data):
    module = data(split=(0.7, 0.2, 0.1), view="counts", unique=True, vocabulary="aebhilmnopsvxyz")
    hparams = dict(module.hparams)
    assert json.loads(json.dumps(hparams)) == hparams
    assert hparams == {
        "path": str(module.path),
        "url": None,
        "sha256": None,
        "max_words": None,
        "block_size": 3,
        "batch_size": 32,
        "view": "counts",
        "split": [0.7, 0.2, 0.1],
        "split_seed": 42,
        "unique": True,
        "eval_batch_size": 8192,
        "column": None,
        "weight": None,
        "normalize": None,
    }
    again = NamesDataModule(**hparams)
    assert list(again.splits["val"]) == list(module.splits["val"])


def test_whole_words_have_no_block_size_to_record(data):
    assert "block_size" not in data(view="words").hparams  # a model may have one of its own


def test_a_relative_path_is_recorded_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert NamesDataModule("words.txt").hparams["path"] == str(tmp_path / "words.txt")


def test_a_home_path_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    Path(tmp_path / "words.txt").write_text("emma\n")
    assert list(NamesDataModule("~/words.txt").corpus) == ["emma"]


def test_describes_the_splits(data):
    module = data()
    sizes = [part.num_examples for part in module.splits.values()]
    also = len([word for word in module.splits["val"] if word in set(module.splits["train"])])
    assert module.describe() == [
        f"words.txt: 8 / 1 / 2 words (train / val / test), {sizes[0]} / {sizes[1]} / {sizes[2]}"
        " characters to predict, 13 different ones",
        f"{also} of the 1 val words also stand in train (--data.unique true keeps each word once)",
    ]


def test_describes_the_embedded_names():
    assert NamesDataModule().describe() == [
        "names.txt: 25,805 / 3,226 / 3,226 words (train / val / test),"
        " 183,802 / 22,949 / 23,053 characters to predict, 26 different ones",
        "408 of the 3,226 val words also stand in train (--data.unique true keeps each word once)",
    ]


@pytest.mark.parametrize("settings", [{"unique": True}, {"split": (0.9, 0.0, 0.1)}])
def test_repeated_val_words_are_told_only_where_there_can_be_some(data, settings):
    assert len(data(**settings).describe()) == 1


def test_unique_keeps_each_word_once(data):
    module = data(unique=True)
    words = [word for part in module.splits.values() for word in part]
    assert sorted(words) == sorted(set(WORDS))


def test_a_given_vocabulary_sets_the_ids_and_may_hold_more(data):
    module = data(vocabulary="zyxvsponmlihbea")
    assert module.vocabulary == Vocabulary("zyxvsponmlihbea") == module.corpus.vocabulary
    assert module.corpus[:1].tokens.tolist() == [0, 14, 9, 9, 15, 0]
    assert list(module.corpus) == WORDS


@pytest.mark.parametrize("split", [(0.8, 0.2, 0.0), (0.8, 0.0, 0.2), (1.0, 0.0, 0.0)])
def test_a_part_left_out_has_no_batches(data, split):
    module = data(split=split)
    loaders = (module.val_dataloader(), module.test_dataloader())
    assert [len(loader) > 0 for loader in loaders] == [share > 0 for share in split[1:]]


def test_parts_serve_views_of_one_storage(data):
    module = data(block_size=5)
    starts = {
        Windows(part, 5).windows.untyped_storage().data_ptr() for part in module.splits.values()
    }
    assert len(starts) == 1


@pytest.mark.parametrize("view", ["windows", "words"])
def test_words_to_score_come_in_order(data, word_file, view):
    words = ["mia", "eve", "mia", "zoe"]
    module = data(view=view, predict_path=word_file(words, "score.txt"), batch_size=3)
    corpus = Corpus.of(words, module.vocabulary)
    reference = Windows(corpus, 3) if view == "windows" else Words(corpus)
    batches = list(module.predict_dataloader())
    for (x, y), (first, last) in zip(batches, [(0, 3), (3, 4)], strict=True):
        assert torch.equal(x, reference.of_words(first, last)[0])
        assert torch.equal(y, reference.of_words(first, last)[1])


def test_words_to_score_are_named_and_may_hold_strange_characters(data, word_file):
    with pytest.raises(InputError, match=r"^--data\.predict_path: "):
        data().predict_dataloader()
    module = data(predict_path=word_file(["eve", "queen", "ava"], "score.txt"))
    assert (list(module.predict_corpus), module.predict_words[1]) == (["eve", "ava"], "queen")


# Under a Trainer


class Inputs(Callback):
    """Keeps the contexts of every training batch, by epoch."""

    def __init__(self):
        self.epochs = {}

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.epochs.setdefault(trainer.current_epoch, []).append(batch[0].tolist())


def model_of(module):
    torch.manual_seed(0)
    model = MLP(module.vocabulary.characters, embedding_dim=2, hidden_dim=4)
    model.configure_optimizers = lambda: optim.Adam(model.parameters(), lr=0.01)
    return model


def test_epochs_are_shuffled_anew(data, trainer):
    inputs, module = Inputs(), data(batch_size=8)
    trainer(max_epochs=2, callbacks=[inputs]).fit(model_of(module), module)
    first, second = (list(chain(*inputs.epochs[epoch])) for epoch in (0, 1))
    assert first != second
    assert sorted(first) == sorted(second)
    assert len(first) == module.splits["train"].num_examples


def test_overfitting_repeats_the_same_first_batches(data, trainer):
    inputs, module = Inputs(), data(batch_size=8)
    trainer(max_epochs=2, overfit_batches=2, callbacks=[inputs]).fit(model_of(module), module)
    view = Windows(module.splits["train"], 3)
    batches = [view[torch.arange(first, first + 8)][0].tolist() for first in (0, 8)]
    assert inputs.epochs == {0: batches, 1: batches}


@pytest.mark.parametrize("split", [(0.8, 0.0, 0.2), (0.8, 0.2, 0.0), (1.0, 0.0, 0.0)])
def test_trains_and_evaluates_without_the_parts_left_out(data, trainer, split):
    module = data(split=split)
    fitting = trainer(max_epochs=1)
    fitting.fit(model_of(module), module)
    assert ("val/loss" in fitting.callback_metrics) == (split[1] > 0)


@pytest.mark.parametrize("view", ["windows", "counts"])
def test_a_mapped_file_trains_to_the_same_losses(data, trainer, tmp_path, monkeypatch, view):
    monkeypatch.setenv("LITMORE_CACHE", str(tmp_path / "cache"))
    losses, weights, lines = [], [], []
    for memory_map in (False, True, True):
        module = data(WORDS * 9, view=view, memory_map=memory_map, max_words=90)
        lines.append((module.describe()[0], module.table()))
        fitting, model = trainer(max_epochs=2), model_of(module)
        fitting.fit(model, module)
        losses.append({name: float(value) for name, value in fitting.callback_metrics.items()})
        weights.append(torch.cat([weight.flatten() for weight in model.parameters()]))
    assert losses[0] == losses[1] == losses[2]
    assert torch.equal(weights[0], weights[1])
    assert torch.equal(weights[0], weights[2])
    assert lines[0] == lines[1] == lines[2]
    assert len(list((tmp_path / "cache").rglob("corpus.json"))) == 2


def test_of_very_many_words_the_first_are_judged_and_that_is_told(data, monkeypatch):
    monkeypatch.setattr("litmore.data.datamodule._JUDGED", 3)
    module = data(WORDS * 9)
    assert module.describe()[1].startswith("3 of the first 3 val words also stand in train")
    assert "3 of 3  " in module.table()


def test_setup_needs_no_trainer_whatever_the_split(word_file):
    for split in ([1.0, 0.0, 0.0], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]):
        data = NamesDataModule(word_file(["anna", "bob", "cleo", "dora"]), split=split)
        data.setup("fit")
        assert len(data.train_dataloader()) > 0
        assert (data.val_dataloader() == []) == (split[1] == 0)


def test_looking_at_the_data_changes_no_setting(word_file):
    data = NamesDataModule(word_file(["anna", "bob", "cleo", "dora", "emma"] * 2))
    before = dict(data.hparams)
    _ = data.corpus, data.vocabulary, data.splits, data.describe(), data.table()
    assert dict(data.hparams) == before
    assert data.settings()["sha256"] == data.sha256 is not None
    data.setup("fit")
    assert data.hparams["sha256"] == data.sha256


def test_the_order_is_of_the_seed_that_the_data_were_made_with(word_file, monkeypatch):
    monkeypatch.setenv("PL_GLOBAL_SEED", "99")
    words = word_file([first + last for first in "abcdef" for last in "xyz"])

    def first_batch(seed):
        torch.manual_seed(seed)
        data = NamesDataModule(words, batch_size=8)
        torch.manual_seed(1234)
        return next(iter(data.train_dataloader())).x.tolist()

    assert first_batch(1) == first_batch(1) != first_batch(2)
