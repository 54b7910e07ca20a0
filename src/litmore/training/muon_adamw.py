"""Two optimizers as one."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import AdamW, Optimizer


class MuonAdamW(Optimizer):
    """Muon for the matrices, AdamW for all other parameters, under one learning rate.

    Muon takes the momentum's nearest orthogonal matrix for the step: every direction of a weight
    moves equally far. It needs far fewer steps than AdamW, and knows matrices only. Its steps are
    scaled to the size of AdamW's, so that one learning rate, schedule and LR finder serves both.

    AdamW is torch's own. Torch's Muon rounds to bfloat16, for which a CPU takes longer, and which
    comes out differently on another; this one computes in float32.

    Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; Liu et
    al., "Muon is scalable for LLM training", 2025, for the scale.

    Args:
        params: of a model.
        lr: of both.
        momentum: Muon's.
        betas: AdamW's.
        weight_decay: of both, decoupled.

    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.02,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.95),
        weight_decay: float = 0.0,
    ) -> None:
        params = list(params)
        # Every group has all settings: a schedule may cycle the momentum of one as of the other.
        common = {"lr": lr, "momentum": momentum, "betas": betas, "weight_decay": weight_decay}
        matrices = [p for p in params if p.ndim == 2]
        others = [p for p in params if p.ndim != 2]
        groups: list[dict[str, Any]] = []
        if matrices:
            groups.append({"params": matrices, **common})
        self._adamw: AdamW | None = None
        if others:
            self._adamw = AdamW(others, lr, betas, weight_decay=weight_decay)
            groups.append(self._adamw.param_groups[0] | common)
        super().__init__(groups, common)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        groups = self.param_groups
        if self._adamw is not None:
            # Set anew each time: loading a state replaces both.
            self._adamw.param_groups, self._adamw.state = groups[-1:], self.state
            self._adamw.step()
            groups = groups[:-1]
        for group in groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    self._step_matrix(matrix, matrix.grad, group)
        return loss

    def _step_matrix(
        self, matrix: Float[Tensor, "m n"], gradient: Float[Tensor, "m n"], group: dict[str, Any]
    ) -> None:
        lr, momentum, state = group["lr"], group["momentum"], self.state[matrix]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        average = state["momentum_buffer"].lerp_(gradient, 1 - momentum)
        update = orthogonal(gradient.lerp(average, momentum))  # Nesterov's look ahead
        matrix.mul_(1 - lr * group["weight_decay"])
        matrix.add_(update, alpha=-lr * 0.2 * math.sqrt(max(matrix.shape)))


def orthogonal(matrix: Float[Tensor, "m n"]) -> Float[Tensor, "m n"]:
    """Near the closest orthogonal matrix: the singular values about 1, their vectors as they are.

    Five steps of the Newton–Schulz iteration X ← aX + (bA + cA²)X with A = XXᵀ, whose polynomial
    rises steeply at 0, and settles between 0.7 and 1.2 instead of at 1.

    Source: Jordan et al. 2024, with their a, b and c.
    """
    x = matrix.float()
    x = x.T if x.shape[0] > x.shape[1] else x
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=-4.775, alpha=2.0315), x, beta=3.4445)
    return (x if x.shape == matrix.shape else x.T).to(matrix.dtype)
