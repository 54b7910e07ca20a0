"""Two optimizers as one."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW, Muon, Optimizer


class MuonAdamW(Optimizer):
    """Muon for the matrices, AdamW for all other parameters, under one learning rate.

    Muon takes the momentum's nearest orthogonal matrix for the step: every direction of a weight
    moves equally far. It needs far fewer steps than AdamW, and knows matrices only. Its steps are
    scaled to the size of AdamW's, so that one learning rate, schedule and LR finder serves both.

    Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; Liu et
    al., "Muon is scalable for LLM training", 2025, for the scale. Both parts are torch's own.

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
        self._parts: list[Optimizer] = []
        if matrices:
            scaled = Muon(matrices, lr, weight_decay, momentum, adjust_lr_fn="match_rms_adamw")
            self._parts.append(scaled)
        if others:
            self._parts.append(AdamW(others, lr, betas, weight_decay=weight_decay))
        groups = [part.param_groups[0] | common for part in self._parts]
        super().__init__(groups, common)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of each."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part, group in zip(self._parts, self.param_groups, strict=True):
            # Set anew each time: loading a state replaces both.
            part.param_groups, part.state = [group], self.state
            part.step()
        return loss
