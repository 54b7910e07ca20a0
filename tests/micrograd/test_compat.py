"""What people do with micrograd, by its own names."""

import math
import random

import numpy as np
import pytest
import torch

from litmore.micrograd import engine
from litmore.micrograd.compat import MLP, Layer, Module, Neuron, Value, draw_dot
from litmore.micrograd.moons import moons


def test_points_of_two_moons_are_told_apart():
    """The demo: int64 labels, a max-margin loss, a penalty, batches, accuracy."""
    np.random.seed(1337)
    random.seed(1337)
    points = moons(40, 0.1, 7)
    x, y = points.x.numpy(), points.y.numpy().astype(np.int64)
    model = MLP(2, [6, 6, 1])
    assert len(model.parameters()) == 2 * 6 + 6 + 6 * 6 + 6 + 6 + 1

    def objective(batch_size=None):
        rows = slice(None) if batch_size is None else np.random.permutation(len(x))[:batch_size]
        scores = list(map(model, [list(map(Value, row)) for row in x[rows]]))
        margins = [(1 + -label * score).relu() for label, score in zip(y[rows], scores)]  # noqa: B905
        data_loss = sum(margins) * (1.0 / len(margins))
        penalty = 1e-4 * sum(p * p for p in model.parameters())
        right = [(label > 0) == (s.data > 0) for label, s in zip(y[rows], scores)]  # noqa: B905
        return data_loss + penalty, sum(right) / len(right)

    first, _ = objective()
    for k in range(40):
        loss, _ = objective(batch_size=20)
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * k / 40) * p.grad
    last, accuracy = objective()
    assert isinstance(last, Value)
    assert type(last.data) is float
    assert last.data < first.data / 2
    assert accuracy > 0.8
    # The plane, as its picture is made.
    grid = np.c_[np.linspace(-1, 2, 5), np.linspace(-1, 1, 5)]
    scores = np.array([s.data > 0 for s in map(model, [list(map(Value, row)) for row in grid])])
    assert scores.shape == (5,)


def tangles():
    """Expressions of the kind that its tests hold against torch: each operation, each way round."""

    def one(x):
        z = 3 * x - 2 + x
        q = z.relu() + z * x
        h = (q * q).relu()
        return h + q - q * x

    def two(x):
        y = x**3 / 4.0 - 1
        y += y * 2 + (1 - x).relu()
        y -= 7 / y
        return y**2 + -x

    return [one, two]


@pytest.mark.parametrize("tangle", tangles())
@pytest.mark.parametrize("start", [-4.0, 2.0])
def test_values_and_gradients_are_torchs(tangle, start):
    a = Value(start)
    t = torch.Tensor([start]).double()
    t.requires_grad = True
    ours, theirs = tangle(a), tangle(t)
    ours.backward()
    theirs.backward()
    assert ours.data == pytest.approx(theirs.item(), abs=1e-6)
    assert a.grad == pytest.approx(t.grad.item(), abs=1e-6)


def test_a_graph_can_be_walked():
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    product = a * b
    root = product + a
    assert (root._prev, root._op) == ({product, a}, "+")
    assert (a._prev, a._op) == (set(), "")
    nodes, edges = set(), set()

    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build((root**2).tanh())
    assert (len(nodes), len(edges)) == (6, 6)
    assert all(isinstance(v, Value) for v in nodes)


def test_the_way_back_by_hand():
    a, b = Value(2.0), Value(-3.0)
    n = a * b + 7.0
    o = n.tanh()
    o.grad = 1.0
    o._backward()
    n._backward()
    (product,) = n._prev
    product._backward()
    a._backward()  # a leaf has nobody to hand it to
    slope = 1 - math.tanh(1.0) ** 2
    assert [n.grad, a.grad, b.grad] == pytest.approx([slope, -3 * slope, 2 * slope])


def test_networks_are_micrograds():
    random.seed(1337)
    drawn = [random.uniform(-1, 1) for _ in range(3)]
    random.seed(1337)
    neuron = Neuron(3, nonlin=False)
    assert [w.data for w in neuron.w] == drawn
    assert neuron.b.data == 0
    x = [1.0, -2.0, 0.5]
    assert neuron(x).data == sum((w * n for w, n in zip(drawn, x, strict=True)), 0.0)
    assert isinstance(MLP(3, [4, 1])(x), Value)
    assert len(MLP(3, [4, 2])(x)) == 2
    assert [isinstance(n, Value) for n in Layer(3, 2, nonlin=False)(x)] == [True, True]
    assert repr(neuron) == "LinearNeuron(3)"
    assert repr(MLP(2, [2, 1])) == (
        "MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]"
    )
    assert all(isinstance(p, Module) for p in (neuron, Layer(1, 1), MLP(1, [1])))
    network = MLP(3, [4, 1])
    network(x).backward()
    network.zero_grad()
    assert {p.grad for p in network.parameters()} == {0.0}


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_a_graph_is_drawn(rankdir):
    drawing = draw_dot(Neuron(2)([1.0, -2.0]), format="png", rankdir=rankdir)
    assert drawing.format == "png"
    assert f"rankdir={rankdir}" in drawing.source
    assert "relu" in drawing.source
    assert draw_dot(engine.Value(1.0)).format == "svg"


@pytest.mark.parametrize("settings", [{"rankdir": "RL"}, {"format": "word"}])
def test_a_drawing_that_cannot_be_is_refused(settings):
    with pytest.raises(ValueError, match=str(*settings.values())):
        draw_dot(Value(1.0), **settings)
