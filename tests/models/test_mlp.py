import math

import pytest
import torch
from torch import nn, optim
from torch.nn import functional as F

from litmore.data import Corpus, NamesDataModule
from litmore.data.views import Windows
from litmore.errors import InputError
from litmore.models import MLP

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["emma", "olivia", "ava", "isabella", "sophia", "charlotte", "mia", "amelia"]


def examples(words, model):
    view = Windows(Corpus.of(words, model.vocabulary), model.block_size)
    return view[torch.arange(len(view))]


@pytest.mark.parametrize("block_size", [1, 3, 5])
def test_computes_what_the_lecture_does(block_size):
    torch.manual_seed(0)
    model = MLP(LETTERS, block_size, embedding_dim=2, hidden_dim=10, init="lecture")
    X, _ = examples(WORDS, model)  # noqa: N806
    emb = model.embedding.weight[X]
    h = torch.tanh(emb.view(-1, 2 * block_size) @ model.hidden.weight.T + model.hidden.bias)
    logits = h @ model.output.weight.T + model.output.bias
    torch.testing.assert_close(model(X), logits)


def test_scaled_weights_start_near_the_uniform_distribution():
    torch.manual_seed(0)
    losses = {}
    for init in ("scaled", "lecture"):
        model = MLP(LETTERS, init=init)
        x, y = examples(WORDS, model)
        losses[init] = float(F.cross_entropy(model(x), y).detach())
    assert losses["scaled"] == pytest.approx(math.log(27), abs=0.1)
    assert losses["lecture"] > 10


def test_learns_a_few_words_by_heart(word_file, trainer):
    torch.manual_seed(0)
    words = ["ab", "cd", "ef"]  # only the first character is a question: ln 3 in 3 characters
    data = NamesDataModule(word_file(words), batch_size=9, split=(1.0, 0.0, 0.0))
    model = MLP(data.vocabulary.characters, embedding_dim=4, hidden_dim=16)
    model.configure_optimizers = lambda: optim.Adam(model.parameters(), lr=0.05)
    trainer(max_steps=60, limit_val_batches=0).fit(model, data)
    x, y = examples(words, model)
    assert float(F.cross_entropy(model(x), y).detach()) == pytest.approx(math.log(3) / 3, abs=0.01)


def test_every_parameter_is_drawn_or_zero():
    model = MLP(LETTERS)
    assert {name for name, p in model.named_parameters() if not p.any()} == {
        "hidden.bias",
        "output.bias",
    }
    assert isinstance(model.hidden, nn.Linear)


@pytest.mark.parametrize("name", ["embedding_dim", "hidden_dim", "block_size"])
@pytest.mark.parametrize("size", [0, -1])
def test_refuses_a_size_below_one(name, size):
    with pytest.raises(InputError, match=f"{name} {size}: must be at least 1"):
        MLP(LETTERS, **{name: size})
