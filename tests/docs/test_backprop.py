"""The gradients that the page writes by hand are autograd's."""

import re
from pathlib import Path

import pytest
import torch

PAGE = (Path(__file__).parents[2] / "docs" / "backprop.md").read_text()
CODE = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.S))


@pytest.fixture(params=[torch.float32, torch.float64], ids=["single", "double"])
def page(request):
    """All that the page's code defines, run from top to bottom."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(request.param)
    found = {}
    try:
        exec(CODE, found)
    finally:
        torch.set_default_dtype(default)
        torch.set_grad_enabled(True)
    return found


def close(page):
    return {"rtol": 0, "atol": 1e-8 if page["loss"].dtype == torch.float32 else 1e-16}


def test_every_gradient_is_autograds(page):
    by_hand = {name[2:]: value for name, value in page.items() if name.startswith("d_")}
    tensors = [*page["steps"], *page["weights"]]
    assert len(by_hand) == len(tensors) == 26
    assert all(any(page[name] is tensor for name in by_hand) for tensor in tensors)
    for name, gradient in by_hand.items():
        torch.testing.assert_close(gradient, page[name].grad, **close(page), msg=name)


def test_the_fused_gradients_are_autograds(page):
    torch.testing.assert_close(page["fused_logits"], page["logits"].grad, **close(page))
    torch.testing.assert_close(page["fused_a"], page["a"].grad, **close(page))


def test_what_the_page_says_of_zeros(page):
    nothing = {"rtol": 0, "atol": 1e-7}
    for zeros in (page["d_b1"], page["d_largest"], page["fused_logits"].sum(1)):
        torch.testing.assert_close(zeros, torch.zeros_like(zeros), **nothing)
    for weight in page["weights"]:
        assert not torch.isin(weight.detach(), torch.tensor([0, 1], dtype=weight.dtype)).any()


def test_parameter_counts(page):
    V, C, K = page["V"], page["C"], page["K"]  # noqa: N806
    assert sum(weight.numel() for weight in page["weights"]) == 4_137
    H = 200  # noqa: N806
    assert V * C + K * C * H + H + 2 * H + H * V + V == 12_297
