"""A Transformer of single numbers, against the one of tensors."""

from random import Random

import pytest
import torch
from torch.nn import functional as F

from litmore.data import NamesDataModule
from litmore.micrograd.gpt import GPT
from litmore.micrograd.optim import Adam
from litmore.models import Transformer

DATA = NamesDataModule(view="words")
LETTERS = DATA.vocabulary.characters
V = len(DATA.vocabulary)
SMALL = {"block_size": 9, "embedding_dim": 8, "num_layers": 2, "num_heads": 2}


def both(**sizes):
    """The same weights twice; larger ones than a training begins with, so that all of it tells."""
    torch.manual_seed(3)
    tensors = Transformer(LETTERS, **sizes).double()
    with torch.no_grad():
        for weight in tensors.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    scalars = GPT(V, **sizes)
    scalars.load(tensors.state_dict())
    return scalars, tensors


def tokens_of(word):
    return [0, *DATA.vocabulary.encode(word), 0]


def by_tensors(model, tokens):
    x = torch.tensor(tokens)
    return F.cross_entropy(model(x[None, :-1])[0], x[1:])


@pytest.mark.parametrize(
    "sizes", [SMALL, {"embedding_dim": 16, "num_layers": 1}, {**SMALL, "num_heads": 1}]
)
def test_loss_and_gradients_are_the_tensors(sizes):
    scalars, tensors = both(**sizes)
    tokens = tokens_of("isabella")
    loss = scalars.loss(tokens)
    loss.backward()
    theirs = by_tensors(tensors, tokens)
    theirs.backward()
    assert loss.data == pytest.approx(theirs.item(), abs=1e-9)
    for name, weight in tensors.named_parameters():
        ours = torch.tensor([[v.grad for v in row] for row in scalars.weights[name]])
        torch.testing.assert_close(
            ours.double().view_as(weight), weight.grad, rtol=1e-6, atol=1e-7, msg=name
        )


def test_a_training_is_the_tensors():
    scalars, tensors = both(**SMALL)
    optimizer = Adam(scalars.parameters(), lr=0.01, betas=(0.85, 0.99))
    reference = torch.optim.Adam(tensors.parameters(), lr=0.01, betas=(0.85, 0.99))
    for word in ("emma", "ava", "emma", "mia"):
        loss, theirs = scalars.loss(tokens_of(word)), by_tensors(tensors, tokens_of(word))
        assert loss.data == pytest.approx(theirs.item(), abs=1e-6)
        for value, step in ((loss, optimizer), (theirs, reference)):
            step.zero_grad()
            value.backward()
            step.step()


def test_the_smallest_has_some_4_000_parameters():
    network = GPT(V)
    assert len(network.parameters()) == 3_808
    assert len(network.parameters()) == sum(
        p.numel() for p in Transformer(LETTERS, embedding_dim=16, num_layers=1).parameters()
    )
    weights = [v.data for row in network.weights["embedding.weight"] for v in row]
    assert torch.tensor(weights).std() == pytest.approx(0.02, rel=0.1)
    assert network.loss(tokens_of("ava")).data == pytest.approx(3.2958, abs=0.1)


def test_names_are_drawn_as_the_model_says():
    scalars, tensors = both(block_size=1, embedding_dim=2, num_layers=1, num_heads=1)
    generator = Random(1)
    drawn = [scalars.sample(generator) for _ in range(150)]
    first = torch.tensor([name[0] if name else 0 for name in drawn]).bincount(minlength=V)
    expected = tensors(torch.tensor([[0]]))[0, 0].softmax(0).detach()
    assert float((first / len(drawn) - expected).abs().sum() / 2) < 0.2


def test_a_name_ends_at_a_boundary_or_where_the_places_do():
    scalars, _ = both(block_size=3, embedding_dim=4, num_layers=1, num_heads=2)
    drawn = [scalars.sample(Random(seed)) for seed in range(10)]
    assert {len(name) for name in drawn} <= {0, 1, 2, 3}
    assert max(len(name) for name in drawn) == 3
    assert all(0 not in name for name in drawn)
    assert drawn == [scalars.sample(Random(seed)) for seed in range(10)]
    coldest = [scalars.sample(Random(seed), temperature=1e-3) for seed in range(3)]
    assert coldest[0] == coldest[1] == coldest[2]


def test_a_name_longer_than_the_places_is_refused():
    with pytest.raises(IndexError):
        GPT(V, block_size=4).loss(tokens_of("olivia"))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Transformer(LETTERS, embedding_dim=16, num_layers=1, init="makemore"), "output.weight"),
        (Transformer(LETTERS, embedding_dim=16, num_layers=2), "blocks.1"),
        (Transformer(LETTERS, embedding_dim=8, num_layers=1), "embedding.weight"),
        (Transformer(LETTERS, block_size=9, embedding_dim=16, num_layers=1), "position.weight"),
    ],
)
def test_other_weights_are_refused_and_nothing_taken_over(model, message):
    network = GPT(V)
    before = [p.data for p in network.parameters()]
    with pytest.raises(ValueError, match=message):
        network.load(model.state_dict())
    assert [p.data for p in network.parameters()] == before


@pytest.mark.parametrize("sizes", [{"embedding_dim": 0}, {"num_heads": 3}])
def test_sizes_that_cannot_be_are_refused(sizes):
    with pytest.raises(ValueError, match=r"at least 1|divide"):
        GPT(V, **sizes)
