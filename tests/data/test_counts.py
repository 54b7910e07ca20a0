"""The count table against counting by hand, and its loss against the windows'."""

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from litmore.data import Corpus, NamesDataModule
from litmore.data import counts as counts_module
from litmore.data.counts import Counts
from litmore.data.entropy import entropy_floor
from litmore.data.views import Windows
from litmore.models import MLP, CountBigram, NeuralBigram
from litmore.models.losses import total_nll

WORDS = st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=30)


def whole(view):
    return view[torch.arange(len(view))]


def table(view):
    x, y = whole(view)
    rows = zip(x.tolist(), y, strict=True)
    cells = [(tuple(c), t, int(row[t])) for c, row in rows for t in row.nonzero()[:, 0].tolist()]
    return {(context, target): times for context, target, times in cells}


def by_hand(view):
    x, y = whole(view)
    return dict(Counter((tuple(c), t) for c, t in zip(x.tolist(), y.tolist(), strict=True)))


@given(WORDS, st.integers(1, 5))
def test_counts_what_followed_each_context(words, block_size):
    corpus = Corpus.of(words)
    view = Counts(corpus, block_size)
    assert table(view) == by_hand(Windows(corpus, block_size))
    contexts = whole(view)[0].tolist()
    assert contexts == sorted(contexts)
    assert len({tuple(context) for context in contexts}) == len(contexts)


def test_a_context_too_long_for_one_number(monkeypatch):
    corpus = Corpus.of(["abcdefghijklmnop", "ponmlkjihgfedcba", "abcdefghijklmnop"])
    assert table(Counts(corpus, 20)) == by_hand(Windows(corpus, 20))


def test_counting_in_runs_is_counting(monkeypatch):
    corpus = Corpus.of(["emma", "olivia", "ava", "isabella", "sophia"] * 9)
    at_once = table(Counts(corpus, 3))
    monkeypatch.setattr(counts_module, "_RUN", 7)
    assert table(Counts(corpus, 3)) == at_once


def test_a_batch_is_its_rows_in_any_order():
    view = Counts(Corpus.of(["emma", "olivia", "ava", "isabella", "sophia"]), 3)
    x, y = whole(view)
    picked = torch.tensor([7, 0, 7, len(view) - 1])
    assert torch.equal(view[picked][0], x[picked])
    assert torch.equal(view[picked][1], y[picked])
    empty = view[torch.tensor([], dtype=torch.long)]
    assert empty[0].shape == (0, 3)
    assert empty[1].shape == (0, y.shape[1])


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize(
    "make",
    [lambda v: MLP(v, hidden_dim=50), lambda v: NeuralBigram(v, init="lecture")],
    ids=["mlp", "bigram"],
)
def test_loss_accuracy_and_gradient_are_those_of_all_windows(make, split):
    data = NamesDataModule()
    corpus = data.splits[split]
    # In double: in float32 the sum over 183,802 windows is itself only good to some 1e-6.
    model = make(data.vocabulary.characters).double()
    figures = []
    for view in (Windows(corpus, model.block_size), Counts(corpus, model.block_size)):
        batch = whole(view)
        logits = model(batch.x)
        loss = total_nll(logits, batch) / batch.num_predicted()
        gradient = torch.autograd.grad(loss, list(model.parameters()))
        accuracy = float(batch.num_correct(logits) / batch.num_predicted())
        assert int(batch.num_predicted()) == corpus.num_examples
        figures.append((float(loss.detach()), accuracy, torch.cat([g.flatten() for g in gradient])))
    assert figures[0][0] == pytest.approx(figures[1][0], abs=1e-6)
    assert figures[0][1] == pytest.approx(figures[1][1], abs=1e-6)
    torch.testing.assert_close(figures[0][2], figures[1][2], rtol=0, atol=1e-6)


def test_the_floor_is_that_of_the_windows():
    corpus = Corpus.of(["emma", "olivia", "ava", "isabella", "sophia"])
    floors = [entropy_floor(whole(view)) for view in (Windows(corpus, 3), Counts(corpus, 3))]
    assert floors[0] == pytest.approx(floors[1], abs=1e-6)


def test_the_count_bigram_takes_them(trainer, word_file):
    path = word_file(["emma", "olivia", "ava"] * 9)
    counted = []
    for view in ("windows", "counts"):
        data = NamesDataModule(path, block_size=1, batch_size=5, view=view, split=(1.0, 0.0, 0.0))
        model = CountBigram(data.vocabulary.characters)
        trainer(max_epochs=1).fit(model, data)
        counted.append(model.counts)
    assert torch.equal(*counted)


def test_validation_over_counts_is_validation_over_windows(trainer):
    losses = []
    for view in ("windows", "counts"):
        data = NamesDataModule(view=view, eval_batch_size=1000)
        torch.manual_seed(0)
        model = MLP(data.vocabulary.characters)
        losses.append(trainer().validate(model, data, verbose=False)[0]["val/loss"])
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_words_are_scored_one_by_one_all_the_same(word_file):
    path = word_file(["emma", "ava", "emma"])
    data = NamesDataModule(view="counts", predict_path=path)
    ((_, y),) = data.predict_dataloader()
    assert y.tolist()[:5] == [*data.vocabulary.encode("emma"), 0]
    assert len(y) == 14


@pytest.mark.parametrize("precision", ["bf16-true", "bf16-mixed"])
def test_no_precision_rounds_them(trainer, word_file, precision):
    """A bfloat16 has no 257, and a loss of sums in it moves in steps of 1/64."""
    path = word_file(["a"] * 257)
    data = NamesDataModule(path, block_size=1, view="counts", split=(1.0, 0.0, 0.0))
    seen = []

    class Seeing(NeuralBigram):
        def training_step(self, batch, batch_idx):
            loss = super().training_step(batch, batch_idx)
            seen.append((float(batch.num_predicted()), loss.dtype))
            return loss

    trainer(max_steps=1, precision=precision).fit(Seeing(data.vocabulary), data)
    assert seen == [(2 * 257, torch.float32)]
