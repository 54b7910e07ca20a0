"""What there is to look at in a model."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from litmore.models.base import CharLM

MODULES = (nn.Tanh, nn.ReLU, nn.GELU, nn.SiLU, nn.Sigmoid)


@contextmanager
def as_judged(pl_module: LightningModule) -> Iterator[None]:
    """In evaluation mode, without gradients; then each module as it was."""
    training = [module for module in pl_module.modules() if module.training]
    pl_module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True


def activations(pl_module: LightningModule, batch: Any) -> dict[str, tuple[nn.Module, Tensor]]:
    """Each activation module of a character model, and its output on a batch; call it `as_judged`.

    One more forward pass, and only where there is such a module: the passes of the training carry
    no hook, which each would pay for.
    """
    modules = {name: m for name, m in pl_module.named_modules() if isinstance(m, MODULES)}
    if not modules or batch is None or not isinstance(pl_module, CharLM):
        return {}
    found: dict[str, tuple[nn.Module, Tensor]] = {}

    def keep(name: str, module: nn.Module, _: Any, output: Tensor) -> None:
        found[name] = (module, output)

    hooks = [module.register_forward_hook(partial(keep, name)) for name, module in modules.items()]
    try:
        pl_module(batch[0].to(pl_module.device))
    finally:
        for hook in hooks:
            hook.remove()
    return found


def character_embedding(model: CharLM) -> tuple[str, Float[Tensor, "V C"]] | None:
    """The name and the weight of a model's first table with a row for each token."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding) and module.num_embeddings == model.vocab_size:
            return f"{name}.weight", module.weight.detach()
    return None
