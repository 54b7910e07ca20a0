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


@pytest.mark.parametrize("name", ["embedding_dim", "hidden_dim", "num_layers", "block_size"])
@pytest.mark.parametrize("size", [0, -1])
def test_refuses_a_size_below_one(name, size):
    with pytest.raises(InputError, match=f"{name} {size}: must be at least 1"):
        MLP(LETTERS, **{name: size})


# More layers, and batch norm


@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_is_linear_norm_tanh_for_each_layer(num_layers, batch_norm):
    torch.manual_seed(0)
    model = MLP(LETTERS, hidden_dim=16, num_layers=num_layers, batch_norm=batch_norm)
    x, _ = examples(WORDS, model)
    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    assert len(linears) == num_layers + 1
    h = model.embedding(x).flatten(1)
    for linear in linears[:-1]:
        h = linear(h)
        if batch_norm:
            h = (h - h.mean(0)) / (h.var(0, correction=0) + 1e-5).sqrt()
        h = h.tanh()
    torch.testing.assert_close(model(x), linears[-1](h))


def test_only_batch_norm_makes_a_bias_needless():
    named = dict(MLP(LETTERS, num_layers=2, batch_norm=True).named_parameters())
    assert "hidden.bias" not in named
    assert "deeper.0.bias" not in named
    assert "output.bias" in named
    assert list(dict(MLP(LETTERS).named_parameters())) == [
        "embedding.weight", "hidden.weight", "hidden.bias", "output.weight", "output.bias",
    ]  # fmt: skip


def test_the_default_is_drawn_as_ever():
    torch.manual_seed(0)
    model = MLP(LETTERS)
    torch.manual_seed(0)
    embedding, hidden, output = nn.Embedding(27, 10), nn.Linear(30, 200), nn.Linear(200, 27)
    nn.init.normal_(hidden.weight, std=5 / 3 / math.sqrt(30))
    nn.init.normal_(output.weight, std=0.01)
    assert torch.equal(model.embedding.weight, embedding.weight)
    assert torch.equal(model.hidden.weight, hidden.weight)
    assert torch.equal(model.output.weight, output.weight)


def test_batch_norm_takes_no_counts():
    assert MLP(LETTERS).views == ("windows", "counts")
    assert MLP(LETTERS, batch_norm=True).views == ("windows",)
    with pytest.raises(InputError, match=r"data.view counts: MLP normalises"):
        MLP(LETTERS, batch_norm=True).check_data(NamesDataModule(view="counts"))


def test_the_deep_lecture_is_refused_without_its_norm():
    with pytest.raises(InputError, match=r"pass --model.batch_norm true"):
        MLP(LETTERS, init="lecture_deep")


@pytest.mark.parametrize("batch_norm", [False, True])
def test_part_3_draws_as_the_lecture(seed_everything, batch_norm):
    g = torch.Generator().manual_seed(2147483647)
    C = torch.randn((27, 10), generator=g)  # noqa: N806
    W1 = torch.randn((30, 200), generator=g) * (5 / 3) / 30**0.5  # noqa: N806
    b1 = None if batch_norm else torch.randn(200, generator=g) * 0.01
    W2 = torch.randn((200, 27), generator=g) * 0.01  # noqa: N806
    seed_everything(2147483647)
    model = MLP(LETTERS, init="lecture_part3", batch_norm=batch_norm)
    assert torch.equal(model.embedding.weight, C)
    assert torch.equal(model.hidden.weight.T, W1)
    assert batch_norm or torch.equal(model.hidden.bias, b1)
    assert torch.equal(model.output.weight.T, W2)
    assert not model.output.bias.any()


@pytest.mark.parametrize("init", ["lecture_deep", "lecture_part5"])
def test_the_lectures_layers_draw_as_the_lecture(seed_everything, init):
    g = torch.Generator().manual_seed(42)
    shapes = [(27, 10), (30, 50), (50, 50), (50, 27)]
    C, *weights = [torch.randn(shape, generator=g) for shape in shapes]  # noqa: N806
    weights = [weight / weight.shape[0] ** 0.5 for weight in weights]
    weights[-1] *= 0.1 if init == "lecture_part5" else 1
    seed_everything(42)
    model = MLP(LETTERS, hidden_dim=50, num_layers=2, batch_norm=True, init=init)
    assert torch.equal(model.embedding.weight, C)
    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    assert all(torch.equal(a.weight.T, b) for a, b in zip(linears, weights, strict=True))
    assert model.output.bias is None or not model.output.bias.any()
    if init == "lecture_deep":
        assert torch.equal(model.output_norm.weight, torch.full((27,), 0.1))
