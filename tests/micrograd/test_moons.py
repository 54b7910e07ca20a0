"""Two half-moons."""

import pytest
import torch

from litmore.errors import InputError
from litmore.micrograd.moons import MoonsDataModule, moons


@pytest.mark.parametrize("number", [100, 7, 2])
def test_without_noise_the_points_lie_on_half_circles(number):
    points = moons(number, 0.0, 0)
    assert sorted(points.y.tolist()) == [-1.0] * (number // 2) + [1.0] * -(-number // 2)
    upper, lower = points.x[points.y < 0], points.x[points.y > 0]
    assert (upper[:, 1] >= 0).all()
    assert (lower[:, 1] <= 0.5).all()
    for circle, middle in ((upper, (0.0, 0.0)), (lower, (1.0, 0.5))):
        radius = (circle - torch.tensor(middle)).norm(dim=1)
        torch.testing.assert_close(radius, torch.ones_like(radius))


def test_a_seed_gives_the_points_known_from_scikit_learn():
    # make_moons(100, noise=0.1, random_state=1337)
    points = moons(100, 0.1, 1337)
    expected = torch.tensor(
        [
            [1.1221146075409685, 0.08147717341718697, -1.0],
            [-0.8188294130836691, 0.058790063907949996, -1.0],
            [1.613709660987544, -0.12464590012238597, 1.0],
        ],
        dtype=torch.float64,
    )
    torch.testing.assert_close(points.x[:3], expected[:, :2], rtol=0, atol=1e-12)
    assert points.y[:3].tolist() == expected[:, 2].tolist()
    assert float(points.x.sum()) == pytest.approx(78.61023442501713, abs=1e-9)


def test_splits_are_other_draws_of_the_same_moons():
    data = MoonsDataModule(num_points=20)
    train, val, test = data.splits.values()
    assert [len(part) for part in (train, val, test)] == [20, 20, 20]
    assert not (train.x[:, None] == torch.cat([val.x, test.x])).any()
    torch.testing.assert_close(train.x, MoonsDataModule(num_points=20).splits["train"].x)
    assert (train.x != MoonsDataModule(num_points=20, data_seed=1).splits["train"].x).all()
    assert str(data) == "half-moons: 20 points to train on, as many to validate and to test"


def test_an_epoch_is_every_point_once():
    data = MoonsDataModule(num_points=10, batch_size=4)
    batches = list(data.train_dataloader())
    assert [len(y) for _, y in batches] == [4, 4, 2]
    served = torch.cat([x for x, _ in batches])
    train = data.splits["train"]
    assert sorted(served.tolist()) == sorted(train.x.tolist())
    (x, y), *rest = data.val_dataloader()
    assert rest == []
    assert (x.shape, y.shape) == ((10, 2), (10,))


@pytest.mark.parametrize(
    "settings", [{"num_points": 1}, {"noise": -0.1}, {"batch_size": 0}, {"data_seed": -1}]
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InputError, match=f"--data.{next(iter(settings))}"):
        MoonsDataModule(**settings)
