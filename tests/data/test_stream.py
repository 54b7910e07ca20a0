import re
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from litmore.corpus.corpus import LEFT_PADDING
from litmore.corpus.running_text import RunningText
from litmore.corpus.vocabulary import Vocabulary
from litmore.data import TextDataModule
from litmore.data.counts import Counts
from litmore.data.loader import BatchLoader
from litmore.data.stream import Anywhere, Stream, Tiling
from litmore.data.views import PAD, Windows
from litmore.errors import InputError

LETTERS = Vocabulary("\n" + "".join(map(chr, range(0x100, 0x100 + 400))))


def numbered(number, before=0):
    """Text whose tokens are 1, 2, … (mod 400), of which the first `before` are another part's."""
    tokens = torch.arange(before + number) % 400 + 1
    storage = torch.cat([torch.zeros(LEFT_PADDING + 1, dtype=torch.long), tokens]).short()
    return RunningText(storage[LEFT_PADDING:], LETTERS)[before:]


@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 11), st.integers(0, 30))
def test_each_token_is_predicted_once_and_after_its_own_past(number, width, overlap, before):
    overlap = min(overlap, width - 1)
    text = numbered(number, before)
    view = Stream(text, width, overlap)
    x, y = view[torch.arange(len(view))]
    assert x.shape == y.shape
    assert x.shape[1] <= width
    assert y[y != PAD].tolist() == text.tokens[1:].tolist()
    everything = [0] * LEFT_PADDING + numbered(number + before).tokens.tolist()
    for row, targets in zip(x.tolist(), y.tolist(), strict=True):
        first = next(at for at, target in enumerate(targets) if target != PAD)
        assert first >= overlap
        assert all(target != PAD for target in targets[first:])
        end = everything.index(targets[-1])
        assert row == everything[end - len(row) : end]


def test_a_window_longer_than_the_split_is_all_of_it():
    text = numbered(20, before=5)
    x, y = Stream(text, 1000, 3)[torch.arange(1)]
    assert x.tolist() == [list(range(2, 25))]
    assert y.tolist() == [[PAD] * 3 + list(range(6, 26))]


@given(st.integers(1, 80), st.integers(1, 9), st.integers(0, 5), st.integers(0, 5))
def test_an_epoch_tiles_the_text_from_a_random_place_on(number, width, seed, epoch):
    width = min(width, number)
    view = Anywhere(numbered(number), width)
    order = view.training_order(seed, 1)
    order.set_epoch(epoch)
    starts = sorted(order)
    assert len(starts) == len(order) == max(number // width - 1, 1)
    assert starts[0] >= 0
    assert starts[-1] + width <= number
    assert all(b - a == width for a, b in pairwise(starts))
    x, y = view[torch.tensor(starts)]
    assert y.flatten().tolist() == list(range(starts[0] + 1, starts[-1] + width + 1))
    assert (x + 1).tolist() == y.tolist()


def test_epochs_are_cut_at_other_places_in_another_order():
    order = Tiling(1000, 10, seed=1)
    epochs = []
    for epoch in (0, 1, 2, 0):
        order.set_epoch(epoch)
        epochs.append(list(order))
    assert epochs[0] == epochs[3]
    assert len({min(starts) for starts in epochs}) > 1
    assert len({tuple(start // 10 for start in starts) for starts in epochs}) == 3
    assert list(Tiling(1000, 10, seed=2)) != epochs[0]


def test_places_are_all_alike_likely():
    firsts = torch.zeros(20)
    for seed in range(2000):
        firsts[min(Tiling(39, 10, seed))] += 1
    assert len(Tiling(39, 10, 0)) == 2
    assert firsts.min() > 60  # 100 each, ± 10


@pytest.mark.parametrize("served", [0, 1, 3])
@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_goes_on_in_the_middle_of_an_epoch_on_any_number_of_processes(served, world_size):
    view = Anywhere(numbered(300), 7)

    def loader(rank, processes, batch_size):
        order = view.training_order(5, batch_size * processes)
        found = BatchLoader(view, batch_size, order=order, rank=rank, world_size=processes)
        found.sampler.set_epoch(2)
        return found

    whole = [x for x, _ in loader(0, 1, 2 * world_size)]
    ranks = []
    for rank in range(world_size):
        begun = loader(rank, world_size, 2)
        batches = iter(begun)
        before = [next(batches)[0] for _ in range(served)]
        after = loader(rank, world_size, 2)
        after.load_state_dict(begun.state_dict())
        ranks.append([*before, *(x for x, _ in after)])
        assert len(after) == len(whole)
    together = [torch.cat(parts) for parts in zip(*ranks, strict=True)]
    assert all(map(torch.equal, together, whole))


TEXT = "".join(f"Line {i}:\twhat  now?\r\n\n" for i in range(100))


@pytest.fixture
def data(tmp_path):
    """A data module of a small text."""

    def make(text=TEXT, **settings):
        path = tmp_path / "text.txt"
        path.write_bytes(text.encode())
        return TextDataModule(str(path), **settings)

    return make


def test_cuts_the_text_in_its_order(data):
    module = data(split=(0.5, 0.3, 0.2))
    parts = [module.vocabulary.text(part.tokens[1:]) for part in module.splits.values()]
    assert "".join(parts) == TEXT
    first, second = int(0.5 * len(TEXT)), int(0.8 * len(TEXT))
    assert [len(part) for part in parts[:2]] == [first, second - first]


def test_serves_its_splits_without_a_trainer(data):
    module = data(block_size=16, batch_size=8)
    x, y = next(iter(module.train_dataloader()))
    assert x.shape == y.shape == (8, 16)
    assert torch.equal(x[:, 1:], y[:, :-1])
    for name, loader in (("val", module.val_dataloader()), ("test", module.test_dataloader())):
        targets = torch.cat([y[y != PAD] for _, y in loader])
        assert targets.tolist() == module.splits[name].tokens[1:].tolist()


@pytest.mark.parametrize("view", ["windows", "counts"])
def test_contexts_see_beyond_newlines(data, view):
    module = data(view=view, block_size=5, split=(1.0, 0.0, 0.0))
    batch = module.split_view("train")[torch.arange(3, 6)]
    if view == "counts":
        assert isinstance(module.split_view("train"), Counts)
        counted = round(float(sum(y.sum() for _, y in module.train_dataloader())))
        assert counted == len(TEXT)
        return
    expected = [TEXT[at - 5 : at] if at >= 5 else "\n" * (5 - at) + TEXT[:at] for at in (3, 4, 5)]
    assert [module.vocabulary.text(x) for x in batch.x] == expected
    some = Windows(module.splits["train"], 5)[torch.tensor([20, 21])].x
    assert [module.vocabulary.text(x) for x in some] == [TEXT[15:20], TEXT[16:21]]


def test_describes_the_splits(data):
    module = data("añ\n" * 40)
    assert module.describe() == [
        "text.txt: 108 / 6 / 6 characters (train / val / test), 3 different ones"
    ]
    assert module.table().splitlines()[1].split() == ["train", "108", repr("añ\n" * 13 + "a")]
    assert data("añ\n" * 40, tokens="bytes").describe() == [
        "text.txt: 144 / 8 / 8 bytes (train / val / test)"
    ]


REFUSED = [
    ({"block_size": 0}, "--data.block_size 0: must be at least 1"),
    ({"block_size": 10_000}, "--data.block_size 10000: must be at most 9,999"),
    ({"batch_size": 0}, "--data.batch_size 0: must be at least 1"),
    ({"eval_block_size": 0}, "--data.eval_block_size 0: must be at least 1"),
    ({"eval_overlap": -1}, "--data.eval_overlap -1: must be at least 0"),
    ({"eval_overlap": 64}, "--data.eval_overlap 64: must be below the 64 tokens of a window"),
    ({"vocabulary": "aa"}, "vocabulary 'aa': "),
]


@pytest.mark.parametrize(("settings", "message"), REFUSED)
def test_refuses_settings_out_of_range(settings, message):
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        TextDataModule(**settings)


@pytest.mark.parametrize(
    ("text", "settings", "stage", "message"),
    [
        ("short\n" * 9, {}, "fit", "--data.block_size 64: the train split has 48 characters, less"),
        ("ab", {}, "fit", "--data.split [0.9, 0.05, 0.05]: val comes out empty, 2 characters are"),
        (TEXT, {"split": [1.0, 0.0, 0.0]}, "test", "--data.split: the test split is empty"),
        (TEXT, {"split": [1.0, 1.0, 0.0]}, "fit", "--data.split [1.0, 1.0, 0.0]: sums"),
        (TEXT, {}, "predict", "--data TextDataModule: predict scores words"),
    ],
)
def test_refuses_data_that_cannot_be_used(data, text, settings, stage, message):
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        data(text, **settings).check_data(stage)


def test_hyperparameters_find_the_text_again(data):
    module = data(split=(0.7, 0.2, 0.1), tokens="bytes", block_size=9)
    module.setup("fit")
    again = TextDataModule(**module.hparams)
    assert torch.equal(again.splits["val"].tokens, module.splits["val"].tokens)
    assert module.hparams["sha256"] == again.sha256
