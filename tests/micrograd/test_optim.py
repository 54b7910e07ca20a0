"""Steps of an optimizer, against torch's."""

import pytest
import torch

from litmore.micrograd import MLP, Value, total
from litmore.micrograd.optim import SGD, Adam


@pytest.mark.parametrize(
    ("ours", "theirs", "settings"),
    [
        (SGD, torch.optim.SGD, {"lr": 0.1}),
        (SGD, torch.optim.SGD, {"lr": 0.1, "weight_decay": 0.3}),
        (SGD, torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
        (Adam, torch.optim.Adam, {}),
        (Adam, torch.optim.Adam, {"lr": 0.1, "betas": (0.85, 0.99), "weight_decay": 0.2}),
        (Adam, torch.optim.Adam, {"lr": 0.03, "eps": 1e-3}),
    ],
)
def test_steps_are_torchs(ours, theirs, settings):
    def valley(x, y):
        return (1 - x) ** 2 + (y - x * x).tanh() ** 2 + (3 * x * y).tanh()

    values = [Value(-0.5), Value(0.8)]
    tensors = [torch.tensor(v.data, dtype=torch.float64, requires_grad=True) for v in values]
    optimizer, reference = ours(values, **settings), theirs(tensors, **settings)
    for step in range(30):
        if step == 20:  # a schedule
            optimizer.lr = reference.param_groups[0]["lr"] = 0.02
        for each, leaves in ((optimizer, values), (reference, tensors)):
            each.zero_grad()
            valley(*leaves).backward()
            each.step()
        assert [v.data for v in values] == pytest.approx([t.item() for t in tensors], abs=1e-9)


@pytest.mark.parametrize("make", [lambda p: SGD(p, lr=0.1), lambda p: Adam(p, lr=0.05)])
def test_the_lectures_four_examples_are_learnt(make):
    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    ys = [1.0, -1.0, -1.0, 1.0]
    network = MLP(3, [4, 4, 1], output="tanh", seed=1)
    optimizer = make(network.parameters())
    losses = []
    for _ in range(50):
        loss = total((network(x)[0] - y) ** 2 for x, y in zip(xs, ys, strict=True))
        losses.append(loss.data)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.05 < losses[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD([], lr=0.1), "needs parameters"),
        (lambda: SGD([Value(1.0)], lr=-1.0), "lr -1"),
        (lambda: Adam([Value(1.0)], weight_decay=-0.5), "weight_decay -0.5"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
