"""`sample` without Lightning, which takes three times as long to import as torch.

Drawing names needs nothing of it. In a process that does nothing else an empty house stands in its
place, and litmore's models are plain modules there; nothing else of litmore knows.
"""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, ClassVar

from torch import nn


class LightningModule(nn.Module):
    """One that can be rebuilt and asked."""

    hparams: ClassVar[dict[str, Any]] = {}

    def save_hyperparameters(self, *_: Any, **__: Any) -> None:
        """Nothing: the checkpoint that it comes from has them."""


def stand_in() -> None:
    """From now on in this process, Lightning is not there."""
    for name in ("lightning", "lightning.pytorch"):
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None, is_package=True)
        module.__path__ = []
        sys.modules[name] = module
    sys.modules["lightning.pytorch"].LightningModule = LightningModule  # type: ignore[attr-defined]
