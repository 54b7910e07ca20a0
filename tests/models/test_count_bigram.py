import math
from collections import Counter

import pytest
import torch

from litmore.data import NamesDataModule
from litmore.errors import InputError
from litmore.models import CountBigram

WORDS = [
    "emma",
    "olivia",
    "ava",
    "isabella",
    "sophia",
    "charlotte",
    "mia",
    "amelia",
    "harper",
    "evelyn",
    "abigail",
    "emily",
    "ella",
    "elizabeth",
    "camila",
    "luna",
    "sofia",
    "avery",
    "mila",
    "aria",
    "scarlett",
    "penelope",
    "layla",
    "chloe",
]


@pytest.fixture
def data(word_file):
    return NamesDataModule(word_file(WORDS), block_size=1, batch_size=8, split=(0.5, 0.25, 0.25))


@pytest.fixture
def counted(data, trainer):
    """Train on the data; the model and its Trainer."""

    def fit(epochs=1, **settings):
        model = CountBigram(data.vocabulary.characters, **settings)
        fitting = trainer(max_epochs=epochs)
        fitting.fit(model, data)
        return model, fitting

    return fit


def pairs(words):
    """The lecture's dictionary of bigrams."""
    return Counter(pair for word in words for pair in zip(f".{word}", f"{word}.", strict=True))


def by_pair(model, table):
    """A V × V table as a dictionary of character pairs, zeros left out."""
    characters = "." + model.vocabulary.characters
    return {
        (characters[i], characters[j]): value
        for i, row in enumerate(table.tolist())
        for j, value in enumerate(row)
        if value
    }


def nll_of(words, counts, smoothing, characters):
    """Negative log-likelihoods by the definition."""
    rows = Counter()
    for (first, _), times in counts.items():
        rows[first] += times
    total = len(characters) + 1
    return [
        -math.log((counts[first, second] + smoothing) / (rows[first] + smoothing * total))
        for (first, second), times in pairs(words).items()
        for _ in range(times)
    ]


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_counts_what_a_dictionary_counts_however_many_epochs(data, counted, epochs):
    model, _ = counted(epochs)
    assert by_pair(model, model.counts) == pairs(data.splits["train"])


@pytest.mark.parametrize("smoothing", [0.0, 0.5, 1.0, 10.0])
def test_probabilities_are_smoothed_shares(data, counted, smoothing):
    model, _ = counted(smoothing=smoothing)
    counts, characters = pairs(data.splits["train"]), "." + data.vocabulary.characters
    p = model.probabilities()
    assert p.sum(1).tolist() == pytest.approx([1.0] * len(characters))
    for i, first in enumerate(characters):
        total = sum(counts[first, c] for c in characters) + smoothing * len(characters)
        assert p[i].tolist() == pytest.approx(
            [
                (counts[first, second] + smoothing) / total if total else 1 / len(characters)
                for second in characters
            ]
        )
    tokens = torch.arange(len(characters))[:, None]
    torch.testing.assert_close(model(tokens).exp(), p)


def test_without_smoothing_the_unseen_is_impossible(counted):
    model, _ = counted(smoothing=0.0)
    boundary, z = model(torch.tensor([[0], [model.vocabulary.encode("z")[0]]]))
    assert boundary[0] == -math.inf  # no word is empty
    assert boundary.exp().sum() == pytest.approx(1)
    assert not z.isnan().any()


@pytest.mark.parametrize("smoothing", [0.0, 1.0])
def test_a_token_never_seen_is_followed_by_anything(smoothing):
    logits = CountBigram("abc", smoothing=smoothing)(torch.tensor([[0], [2]]))
    assert logits.exp().flatten().tolist() == pytest.approx([1 / 4] * 8)


def test_training_logs_the_loss_on_all_it_counted(data, counted):
    model, fitting = counted(smoothing=1.0)
    train = data.splits["train"]
    nll = nll_of(train, pairs(train), 1.0, data.vocabulary.characters)
    logged = {name: float(value) for name, value in fitting.callback_metrics.items()}
    loss = sum(nll) / len(nll)
    assert logged["train/loss"] == pytest.approx(loss, rel=1e-5)
    assert logged["train/perplexity"] == pytest.approx(math.exp(loss), rel=1e-5)
    assert logged["train/bits_per_char"] == pytest.approx(loss / math.log(2), rel=1e-5)
    likeliest = model.counts.argmax(1)
    right = model.counts[torch.arange(len(likeliest)), likeliest].sum() / model.counts.sum()
    assert logged["train/accuracy"] == pytest.approx(float(right))


def test_evaluates_on_other_words(data, counted, trainer):
    model, _ = counted(smoothing=1.0)
    nll = nll_of(data.splits["val"], pairs(data.splits["train"]), 1.0, data.vocabulary.characters)
    (found,) = trainer().validate(model, data, verbose=False)
    assert found["val/loss"] == pytest.approx(sum(nll) / len(nll), rel=1e-6)


def test_an_impossible_word_has_infinite_loss(data, counted, trainer):
    model, _ = counted(smoothing=0.0)
    assert set(pairs(data.splits["val"])) - set(pairs(data.splits["train"]))
    (found,) = trainer().validate(model, data, verbose=False)
    assert found["val/loss"] == math.inf
    assert 0 < found["val/accuracy"] < 1


@pytest.mark.parametrize("smoothing", [-1.0, -1e-9, math.nan, math.inf])
def test_refuses_a_smoothing_that_is_none(smoothing):
    with pytest.raises(InputError, match=r"^--model\.smoothing .*must be a number of at least 0$"):
        CountBigram("ab", smoothing=smoothing)
