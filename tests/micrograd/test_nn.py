"""Neurons of single numbers."""

import random

import pytest
import torch
from torch.nn import functional as F

from litmore.data import NamesDataModule
from litmore.micrograd import MLP, Layer, Neuron, Value, dot, total
from litmore.micrograd.moons import moons
from litmore.models.mlp import MLP as CharMLP  # noqa: N811


def test_parameters_are_those_of_its_neurons():
    mlp = MLP(3, [4, 4, 1])
    assert len(mlp.parameters()) == 41  # the lecture's
    assert len(MLP(2, [16, 16, 1]).parameters()) == 337  # the demo's
    assert mlp.parameters()[4:8] == mlp.layers[0].neurons[1].parameters()
    assert len(set(mlp.parameters())) == 41


def test_a_seed_draws_the_demos_weights():
    generator = random.Random(1337)
    drawn = [generator.uniform(-1, 1) for _ in range(2 * 16)]
    layer = MLP(2, [16, 16, 1], seed=1337).layers[0]
    assert [w.data for neuron in layer.neurons for w in neuron.weights] == drawn
    assert all(neuron.bias.data == 0 for neuron in layer.neurons)
    first, same, other = (Neuron(2, seed=seed).weights[0].data for seed in (1, 1, 2))
    assert first == same
    assert first != other


@pytest.mark.parametrize("activation", ["tanh", "relu", "linear"])
def test_a_neuron_is_its_activation_of_its_weighted_sum(activation):
    neuron = Neuron(3, activation, seed=3)
    x = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
    w = torch.tensor([w.data for w in neuron.weights], dtype=torch.float64)
    expected = {"tanh": torch.tanh, "relu": F.relu, "linear": lambda t: t}[activation](w @ x)
    assert neuron(x.tolist()).data == pytest.approx(float(expected))


def test_zero_grad_forgets():
    layer = Layer(2, 3, seed=0)
    total(layer([1.0, 2.0])).backward()
    assert any(p.grad for p in layer.parameters())
    layer.zero_grad()
    assert not any(p.grad for p in layer.parameters())


@pytest.mark.parametrize(
    "make",
    [
        lambda: Neuron(2, "sigmoid"),
        lambda: Neuron(0),
        lambda: Layer(2, 0),
        lambda: MLP(2, []),
        lambda: MLP(2, [3, 0, 1]),
    ],
)
def test_what_is_no_network_is_refused(make):
    with pytest.raises(ValueError, match=r"activation|at least"):
        make()


def test_inputs_of_another_length_are_refused():
    with pytest.raises(ValueError, match="2 numbers on the left and 3"):
        Neuron(2)([1.0, 2.0, 3.0])


def test_the_demos_first_losses_on_the_moons():
    points = moons(100, 0.1, 1337)
    network = MLP(2, [16, 16, 1], activation="relu", seed=1337)
    losses = []
    for step in range(4):
        scores = [network(point)[0] for point in points.x.tolist()]
        hinge = [(1 - y * s).relu() for y, s in zip(points.y.tolist(), scores, strict=True)]
        loss = total(hinge) / 100 + 1e-4 * dot(network.parameters(), network.parameters())
        losses.append(loss.data)
        network.zero_grad()
        loss.backward()
        for parameter in network.parameters():
            parameter.data -= (1 - 0.9 * step / 100) * parameter.grad
    assert losses[:3] == pytest.approx([0.8958441028683222, 1.7235905336972022, 0.7429006313851131])


def test_the_names_model_has_torchs_gradients():
    data = NamesDataModule(block_size=2)
    x, y = data.view_of(data.splits["train"])[torch.arange(6)]
    torch.manual_seed(0)
    model = CharMLP(data.vocabulary.characters, 2, embedding_dim=3, hidden_dim=5).double()
    loss = F.cross_entropy(model(x), y)
    loss.backward()

    embedding, hidden, hidden_bias, output, output_bias = (
        [[Value(v) for v in row] for row in p.reshape(-1, p.shape[-1]).tolist()]
        for p in model.parameters()
    )
    losses = []
    for context, following in zip(x.tolist(), y.tolist(), strict=True):
        side_by_side = [value for token in context for value in embedding[token]]
        h = [
            dot(row, side_by_side, b).tanh() for row, b in zip(hidden, hidden_bias[0], strict=True)
        ]
        logits = [dot(row, h, b) for row, b in zip(output, output_bias[0], strict=True)]
        losses.append(total(logit.exp() for logit in logits).log() - logits[following])
    ours = total(losses) / len(losses)
    ours.backward()

    assert ours.data == pytest.approx(loss.item(), abs=1e-9)
    matrices = (embedding, hidden, hidden_bias, output, output_bias)
    for values, parameter in zip(matrices, model.parameters(), strict=True):
        gradients = torch.tensor([[v.grad for v in row] for row in values], dtype=torch.float64)
        torch.testing.assert_close(gradients.view_as(parameter), parameter.grad, rtol=0, atol=1e-9)
