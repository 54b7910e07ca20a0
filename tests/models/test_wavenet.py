import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from litmore.data import Corpus, NamesDataModule
from litmore.data.counts import Counts
from litmore.data.views import Windows
from litmore.errors import InputError
from litmore.models import MLP, CountBigram, NeuralBigram, WaveNet
from litmore.models.batch_norm import BatchNorm, LectureBatchNorm
from litmore.models.losses import mean_nll

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["emma", "olivia", "ava", "isabella", "ava", "charlotte", "mia", "amelia"]


def whole(view):
    return view[torch.arange(len(view))]


def examples(model):
    return whole(Windows(Corpus.of(WORDS, model.vocabulary), model.block_size))


@pytest.mark.parametrize("block_size", [2, 4, 16])
@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_joins_neighbours_until_one_is_left(block_size, norm):
    torch.manual_seed(0)
    model = WaveNet(LETTERS, block_size, embedding_dim=3, hidden_dim=5, norm=norm)
    x, _ = examples(model)
    nodes = list(model.embedding(x).unbind(1))  # K of (B, C)
    for linear, normalise, tanh in model.levels:
        pairs = [torch.cat(pair, 1) for pair in zip(nodes[::2], nodes[1::2], strict=True)]
        at_once = torch.stack([linear(pair) for pair in pairs], 1)  # batch norm sees all pairs
        nodes = list(tanh(normalise(at_once)).unbind(1))
    torch.testing.assert_close(model(x), model.output(nodes[0]))
    assert len(nodes) == 1


def test_every_character_of_the_context_is_looked_at():
    torch.manual_seed(0)
    model = WaveNet(LETTERS, 8, 4, 16)
    x = torch.zeros(1, 8, dtype=torch.long)
    for k in range(8):
        other = x.clone()
        other[0, k] = 5
        assert not torch.equal(model(x), model(other))


def test_part_5_draws_as_the_lecture(seed_everything):
    g = torch.Generator().manual_seed(42)
    C = torch.randn((27, 10), generator=g)  # noqa: N806
    shapes = [(20, 68), (136, 68), (136, 68), (68, 27)]
    weights = [torch.randn(shape, generator=g) / shape[0] ** 0.5 for shape in shapes]
    weights[-1] *= 0.1
    seed_everything(42)
    torch.randn(17)
    model = WaveNet(LETTERS, 8, 10, 68, norm="batch", init="lecture")
    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    assert torch.equal(model.embedding.weight, C)
    assert all(torch.equal(a.weight.T, b) for a, b in zip(linears, weights, strict=True))
    assert not model.output.bias.any()
    assert isinstance(model.levels[0][1], LectureBatchNorm)


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_scaled_weights_start_near_the_uniform_distribution(norm):
    torch.manual_seed(0)
    model = WaveNet(LETTERS, norm=norm)
    x, y = examples(model)
    loss = float(F.cross_entropy(model(x), y).detach())
    assert loss == pytest.approx(math.log(27), abs=0.1)


def test_batch_norm_takes_no_counts():
    assert WaveNet(LETTERS).views == ("windows", "counts")
    model = WaveNet(LETTERS, norm="batch")
    assert type(model.levels[0][1]) is BatchNorm
    assert model.views == ("windows",)
    with pytest.raises(InputError, match=r"data.view counts: WaveNet normalises"):
        model.check_data(NamesDataModule(view="counts", block_size=8))


@pytest.mark.parametrize("block_size", [1, 3, 6, 12])
def test_refuses_a_context_that_is_no_power_of_two(block_size):
    with pytest.raises(InputError, match=f"--data.block_size {block_size}: must be a power of two"):
        WaveNet(LETTERS, block_size)


@pytest.mark.parametrize("name", ["embedding_dim", "hidden_dim"])
def test_refuses_a_size_below_one(name):
    with pytest.raises(InputError, match=f"{name} 0: must be at least 1"):
        WaveNet(LETTERS, **{name: 0})


@pytest.mark.parametrize(
    "make",
    [
        lambda: MLP(LETTERS, 3, 4, 16),
        lambda: MLP(LETTERS, 3, 4, 16, num_layers=3),
        lambda: NeuralBigram(LETTERS, init="lecture"),
        lambda: WaveNet(LETTERS, 8, 4, 16),
    ],
    ids=["mlp", "deep", "bigram", "wavenet"],
)
def test_counts_have_the_loss_and_gradient_of_all_windows(make):
    torch.manual_seed(0)
    model = make().double().train()
    assert model.views == ("windows", "counts")
    corpus = Corpus.of(WORDS, model.vocabulary)
    found = []
    for view in (Windows, Counts):
        batch = whole(view(corpus, model.block_size))
        loss = mean_nll(model(batch.x), batch)
        found.append([loss.detach(), *torch.autograd.grad(loss, list(model.parameters()))])
    torch.testing.assert_close(*found)


def test_the_counting_model_takes_them_too():
    assert CountBigram(LETTERS).views == ("windows", "counts")
