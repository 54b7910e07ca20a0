import math

import pytest
import torch
from torch import nn

from litmore.models.batch_norm import BatchNorm, LectureBatchNorm


def made(cls, width=5, **settings):
    torch.manual_seed(0)
    norm = cls(width, **settings)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm


def as_torchs(norm, **settings):
    theirs = nn.BatchNorm1d(norm.num_features, **settings)
    theirs.load_state_dict(norm.state_dict())
    return theirs


def test_two_dimensions_are_torchs():
    norm = made(BatchNorm)
    theirs = as_torchs(norm)
    for x in torch.randn(3, 32, 5):
        torch.testing.assert_close(norm(x), theirs(x))
    torch.testing.assert_close(norm.running_var, theirs.running_var)
    x = torch.randn(7, 5)
    torch.testing.assert_close(norm.eval()(x), theirs.eval()(x))


@pytest.mark.parametrize("cls", [BatchNorm, LectureBatchNorm])
def test_all_dimensions_but_the_last_are_the_batch(cls):
    x = torch.randn(6, 4, 5)
    norm, flat = made(cls), made(cls)
    torch.testing.assert_close(norm(x), flat(x.view(24, 5)).view(6, 4, 5))
    torch.testing.assert_close(norm.running_mean, flat.running_mean)
    torch.testing.assert_close(norm.eval()(x), flat.eval()(x.view(24, 5)).view(6, 4, 5))


def test_the_lectures_is_its_formula():
    norm, x = made(LectureBatchNorm, momentum=0.1), torch.randn(32, 5)
    mean, var = x.mean(0, keepdim=True), x.var(0, keepdim=True)  # unbiased
    expected = norm.weight * (x - mean) / torch.sqrt(var + 1e-5) + norm.bias
    torch.testing.assert_close(norm(x), expected)
    torch.testing.assert_close(norm.running_mean, 0.9 * torch.zeros(5) + 0.1 * mean[0])
    torch.testing.assert_close(norm.running_var, 0.9 * torch.ones(5) + 0.1 * var[0])


def test_the_lectures_is_torchs_but_for_the_variance():
    ours, x = made(LectureBatchNorm, eps=1e-30), torch.randn(32, 5)
    theirs = as_torchs(ours, eps=1e-30)
    torch.testing.assert_close((ours(x) - ours.bias) * math.sqrt(32 / 31), theirs(x) - theirs.bias)
    torch.testing.assert_close(ours.running_var, theirs.running_var)  # the unbiased one, of both
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


@pytest.mark.parametrize("cls", [BatchNorm, LectureBatchNorm])
def test_a_lone_row_goes_by_the_running_averages(cls):
    norm, x = made(cls), torch.randn(1, 5)
    norm(torch.randn(32, 5))
    before = norm.running_mean.clone()
    out = norm(x)
    assert torch.equal(norm.running_mean, before)
    assert torch.equal(out, norm.eval()(x))
