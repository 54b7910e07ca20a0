import copy

import pytest
import torch
from torch import nn
from torch.optim import AdamW, Muon
from torch.optim.lr_scheduler import OneCycleLR

from litmore.training.muon_adamw import MuonAdamW, orthogonal


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))


def train(model, optimizers, steps=10):
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        x = torch.randn(8, 3, generator=generator)
        loss = model(x).square().mean()
        model.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
    return [p.detach().clone() for p in model.parameters()]


def test_is_muon_for_the_matrices_and_adamw_for_the_rest(monkeypatch):
    together, apart = network(), network()
    settings = {"lr": 0.05, "weight_decay": 0.1}
    one = train(together, [MuonAdamW(together.parameters(), momentum=0.8, **settings)])
    matrices = [p for p in apart.parameters() if p.ndim == 2]
    vectors = [p for p in apart.parameters() if p.ndim == 1]
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)  # torch's Muon, unrounded
    muon = Muon(matrices, momentum=0.8, adjust_lr_fn="match_rms_adamw", **settings)
    two = train(apart, [muon, AdamW(vectors, betas=(0.9, 0.95), **settings)])
    assert all(map(torch.equal, one, two))


@pytest.mark.parametrize("shape", [(3, 4), (4,)])
def test_a_model_of_one_kind_is_one_group(shape):
    parameter = nn.Parameter(torch.ones(shape))
    optimizer = MuonAdamW([parameter])
    parameter.sum().backward()
    optimizer.step()
    assert len(optimizer.param_groups) == 1
    assert not torch.equal(parameter.detach(), torch.ones(shape))


def test_goes_on_from_its_state_as_if_it_had_not_stopped():
    model = network()
    optimizer = MuonAdamW(model.parameters())
    train(model, [optimizer])
    stopped, state = copy.deepcopy(model), copy.deepcopy(optimizer.state_dict())
    straight_on = train(model, [optimizer])
    again = MuonAdamW(stopped.parameters(), lr=1.0)
    again.load_state_dict(state)
    assert all(map(torch.equal, straight_on, train(stopped, [again])))


def test_a_schedule_moves_both_and_may_cycle_the_momentum():
    model = network()
    optimizer = MuonAdamW(model.parameters(), lr=0.1)
    schedule = OneCycleLR(optimizer, max_lr=0.1, total_steps=20)
    before = [group["lr"] for group in optimizer.param_groups]
    train(model, [optimizer, schedule], steps=5)
    after = [group["lr"] for group in optimizer.param_groups]
    assert before[0] == before[1]
    assert after[0] == after[1] != before[0]


def test_takes_a_closure():
    model = network()
    optimizer = MuonAdamW(model.parameters())

    def closure():
        optimizer.zero_grad()
        loss = model(torch.ones(1, 3)).square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure) > optimizer.step(closure)


@pytest.mark.parametrize("shape", [(3, 40), (40, 3), (7, 7), (1, 5)])
def test_turns_all_directions_to_one_length(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    found = u.T @ orthogonal(matrix) @ v.T  # in the matrix's own directions
    assert found.diagonal().min() > 0.5
    assert found.diagonal().max() < 1.5
    assert (found - found.diagonal().diag()).abs().max() < 1e-4


def test_a_gradient_of_nothing_moves_nothing():
    assert not orthogonal(torch.zeros(2, 3)).any()
