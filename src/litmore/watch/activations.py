"""What a model's hidden units give out."""

from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from litmore.models.base import CharLM

MODULES = (nn.Tanh, nn.ReLU, nn.GELU, nn.SiLU, nn.Sigmoid)


def activations(pl_module: LightningModule, batch: Any) -> dict[str, tuple[nn.Module, Tensor]]:
    """Each activation module of a character model, and its output on a batch, in no grad.

    One more forward pass, and only where there is such a module: the passes of the training carry
    no hook, which each would pay for.
    """
    modules = {name: m for name, m in pl_module.named_modules() if isinstance(m, MODULES)}
    if not modules or batch is None or not isinstance(pl_module, CharLM):
        return {}
    found: dict[str, tuple[nn.Module, Tensor]] = {}

    def keep(name: str) -> Any:
        def hook(module: nn.Module, _: Any, output: Tensor) -> None:
            found[name] = (module, output.detach())

        return hook

    hooks = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    try:
        with torch.no_grad():
            pl_module(batch[0].to(pl_module.device))
    finally:
        for hook in hooks:
            hook.remove()
    return found
