"""`CharLM`: an architecture is a subclass of it, in a file of its own.

It has two halves: the model (`litmore.models.char_model`) and how it is trained and judged
(`litmore.models.training`). The second needs Lightning, which takes three times as long to import
as torch; a process that only draws names does without it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from litmore.models import char_model

if TYPE_CHECKING or char_model.TRAINS:
    from litmore.models.training import CharLM
else:

    class CharLM(char_model.CharModel):
        """The model alone, with what Lightning's module has to load a checkpoint."""

        def save_hyperparameters(self) -> None:
            """Nothing: the checkpoint that it comes from has them."""

        @classmethod
        def load_from_checkpoint(cls, path: Path, **settings: Any) -> "CharLM":
            """The trained model."""
            checkpoint = torch.load(path, **settings)
            model = cls(**checkpoint["hyper_parameters"])
            model.load_state_dict(checkpoint["state_dict"])
            return model


__all__ = ["CharLM"]
