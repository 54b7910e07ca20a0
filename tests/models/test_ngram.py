import io
import math
import random
from collections import Counter, defaultdict
from itertools import product

import numpy as np
import pytest
import torch

from litmore.data import NamesDataModule
from litmore.errors import InputError
from litmore.models import NGram
from litmore.models.context_tree import discounts


def made_up(seed, letters="abc", number=60):
    """Words of one to six letters, some letters often and some words twice."""
    draw = random.Random(seed)
    weights = range(len(letters), 0, -1)
    words = ["".join(draw.choices(letters, weights, k=draw.randint(1, 6))) for _ in range(number)]
    return [*words, *words[: number // 4]]


@pytest.fixture
def data(word_file):
    def make(words, **settings):
        return NamesDataModule(word_file(words), **{"split": (1.0, 0.0, 0.0)} | settings)

    return make


@pytest.fixture
def counted(trainer):
    """Train on all of the data; the model."""

    def fit(data, epochs=1, **settings):
        model = NGram(data.vocabulary, data.block_size, **settings)
        trainer(max_epochs=epochs).fit(model, data)
        return model

    return fit


def grams(data, words, order):
    """How often each context and its next token occur, as a dictionary."""
    found = Counter()
    for word in words:
        tokens = [0] * order + data.vocabulary.encode(word) + [0]
        found.update(tuple(tokens[at - order : at + 1]) for at in range(order, len(tokens)))
    return found


def kneser_ney(counts, order, vocab_size):
    """Chen & Goodman's formulas over dictionaries; a function of a context and a token."""
    tables = [counts]
    for _ in range(order):  # of each shorter one, how many tokens stand before it
        tables.insert(0, Counter(gram[1:] for gram in tables[0]))
    of_context = [defaultdict(dict) for _ in tables]
    discount = []
    for table, contexts in zip(tables, of_context, strict=True):
        for gram, times in table.items():
            contexts[gram[:-1]][gram[-1]] = times
        n = Counter(table.values())
        lowered = [0.0]
        for i in (1, 2, 3):
            value = 0.0
            if n[1] and n[i]:
                value = i - (i + 1) * n[1] / (n[1] + 2 * n[2]) * n[i + 1] / n[i]
            lowered.append(value if 0 < value < i else i / 2)
        discount.append(lowered)

    def probability(context, token, k=order):
        if k < 0:
            return 1 / vocab_size
        shorter = probability(context[1:], token, k - 1)
        following = of_context[k].get(context)
        if following is None:
            return shorter
        taken = {c: discount[k][min(times, 3)] for c, times in following.items()}
        own = following.get(token, 0) - taken.get(token, 0)
        return (own + sum(taken.values()) * shorter) / sum(following.values())

    return probability


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("view", ["windows", "counts"])
@pytest.mark.parametrize("batch_size", [7, 10_000])
def test_it_is_kneser_neys_by_dictionaries(data, counted, order, view, batch_size):
    words = made_up(order)
    names = data(words, block_size=order, view=view, batch_size=batch_size)
    model = counted(names)
    counts = grams(names, words, order)
    found = zip(*(each.tolist() for each in model.tally.rows()), strict=True)
    assert {(*context, token): often for context, token, often in found} == counts
    expected = kneser_ney(counts, order, model.vocab_size)
    contexts = list(product(range(model.vocab_size), repeat=order))
    p = model(torch.tensor(contexts)).exp()
    tokens = range(model.vocab_size)
    assert p.tolist() == [
        pytest.approx([expected(context, token) for token in tokens], rel=1e-5)
        for context in contexts
    ]
    assert p.sum(1).tolist() == pytest.approx([1.0] * len(p), rel=1e-6)
    assert (p > 0).all()


@pytest.mark.parametrize(
    ("counts", "found"),
    [
        ([1] * 4 + [2] * 3 + [3] * 2 + [4] * 1, [0.4, 1.2, 2.2]),
        ([1, 1, 1], [0.5, 1, 1.5]),
        ([], [0.5, 1, 1.5]),
        ([1] * 4 + [2] * 3 + [3] * 9, [0.4, 1, 1.5]),  # by the formula, −1.6 and 3
    ],
)
def test_discounts_are_chen_and_goodmans_or_half(counts, found):
    assert discounts(np.array(counts, dtype=np.int64)).tolist() == pytest.approx(found)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("order", [1, 3])
def test_a_number_smooths_by_adding(data, counted, smoothing, order):
    words = made_up(5)
    names = data(words, block_size=order)
    model = counted(names, smoothing=smoothing)
    counts = grams(names, words, order)
    size = model.vocab_size
    for context in product(range(size), repeat=order):
        times = [counts[(*context, token)] + smoothing for token in range(size)]
        expected = [n / sum(times) if sum(times) else 1 / size for n in times]
        found = model(torch.tensor([context])).exp()[0].tolist()
        assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("order", "val", "test"),
    [(3, 2.056, 2.0575), (4, 1.983, 1.9835), (5, 1.974, 1.9766), (6, 1.979, 1.9828)],
)
def test_on_the_lectures_file(makemore_names, trainer, order, val, test):
    names = NamesDataModule(str(makemore_names), block_size=order, view="counts", batch_size=9999)
    model, one = NGram(names.vocabulary, order), trainer(max_epochs=1)
    one.fit(model, names)
    assert float(one.callback_metrics["val/loss"]) == pytest.approx(val, abs=0.002)
    (found,) = one.test(model, names, verbose=False)
    assert found["test/loss"] == pytest.approx(test, abs=0.002)


@pytest.mark.parametrize("view", ["windows", "counts"])
def test_training_logs_the_loss_on_all_it_counted(data, trainer, view, monkeypatch):
    monkeypatch.setattr("litmore.models.counting._AT_A_TIME", 10)
    words = made_up(7)
    names = data(words, block_size=2, view=view, batch_size=16)
    model, fitting = NGram(names.vocabulary, 2), trainer(max_epochs=1)
    fitting.fit(model, names)
    counts = grams(names, words, 2)
    expected = kneser_ney(counts, 2, model.vocab_size)
    nll = -sum(n * math.log(expected(gram[:-1], gram[-1])) for gram, n in counts.items())
    assert float(fitting.callback_metrics["train/loss"]) == pytest.approx(
        nll / sum(counts.values()), rel=1e-5
    )
    batch = names.split_view("train")[torch.arange(len(names.split_view("train")))]
    right = batch.num_correct(model(batch.x))
    assert float(fitting.callback_metrics["train/accuracy"]) == pytest.approx(
        float(right / batch.num_predicted())
    )


@pytest.mark.parametrize("view", ["windows", "counts"])
def test_a_second_epoch_counts_nothing_twice(data, counted, view):
    names = data(made_up(8), block_size=3, view=view, batch_size=16)
    one, two = counted(names), counted(names, epochs=2)
    for once, twice in zip(one.tally.rows(), two.tally.rows(), strict=True):
        assert torch.equal(once, twice)


def test_a_checkpoint_holds_the_table_whatever_its_size(data, counted):
    small = counted(data(made_up(9), block_size=3))
    large = counted(data(made_up(10, number=200), block_size=3))
    file = io.BytesIO()
    torch.save(large.state_dict(), file)
    file.seek(0)
    x = torch.tensor(list(product(range(4), repeat=3)))
    assert not torch.equal(small(x), large(x))
    small.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(small(x), large(x))


def test_a_large_alphabet_is_counted_alike(data, counted):
    letters = "".join(map(chr, range(0x4E00, 0x4E00 + 3000)))
    words = [*made_up(11, letters, 400), *made_up(12, letters[:3]), letters]
    names = data(words, block_size=5)
    model = counted(names)
    assert model.vocab_size**6 >= 2**63
    counts = grams(names, words, 5)
    expected = kneser_ney(counts, 5, model.vocab_size)
    some = random.Random(0).sample(sorted(counts), 100)
    p = model(torch.tensor([gram[:-1] for gram in some])).exp()
    torch.testing.assert_close(p.sum(1), torch.ones(100))
    assert p[range(100), [gram[-1] for gram in some]].tolist() == pytest.approx(
        [expected(gram[:-1], gram[-1]) for gram in some], rel=1e-4
    )


@pytest.mark.parametrize("smoothing", [None, 0.0, 1.0])
def test_where_nothing_was_counted_anything_follows(smoothing):
    logits = NGram("abc", 2, smoothing)(torch.tensor([[0, 0], [1, 2]]))
    assert logits.exp().flatten().tolist() == pytest.approx([1 / 4] * 8)


@pytest.mark.parametrize("smoothing", [-1.0, math.nan, math.inf])
def test_refuses_a_smoothing_that_is_none(smoothing):
    with pytest.raises(InputError, match=r"^--model\.smoothing .*must be a number of at least 0$"):
        NGram("ab", smoothing=smoothing)


def test_refuses_other_views_and_orders(data):
    with pytest.raises(InputError, match=r"^--data\.view words: NGram takes windows or counts$"):
        NGram("abc", 3).check_data(data(["abc"], view="words"))
    with pytest.raises(InputError, match=r"^--data\.block_size 2: NGram looks at 3 token"):
        NGram("abc", 3).check_data(data(["abc"], block_size=2))
    with pytest.raises(InputError, match=r"^--model\.block_size 0: must be at least 1$"):
        NGram("abc", 0)


def test_refuses_a_table_of_other_rows():
    with pytest.raises(ValueError, match="a table of 2 integer"):
        NGram("abc", 2).set_extra_state(torch.zeros(3, 4, dtype=torch.long))


@pytest.mark.parametrize("smoothing", [None, 0.1, 0.0])
def test_its_graph_says_the_same(data, counted, smoothing):
    model = counted(data(made_up(3), block_size=3), smoothing=smoothing)
    x = torch.cartesian_prod(*[torch.arange(model.vocab_size)] * 3)
    expected = model.tree.probabilities(x)
    torch.testing.assert_close(model.tree.graph_of_probabilities(x), expected)
    example = (x[:5],)
    rows = {"x": {0: torch.export.Dim("rows")}}
    graph = torch.export.export(model, example, dynamic_shapes=rows).module()
    torch.testing.assert_close(graph(x).exp(), expected)
