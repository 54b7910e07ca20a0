"""Numbers of litmore's own, written when they are due.

`self.log`, called at every step, costs as much as forward and backward; called now and then, it
writes an old number anew where a training is stopped. A user's model logs with it all the same.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from lightning.pytorch import Trainer


def log_now(
    trainer: "Trainer", metrics: Mapping[str, float], step: int, to_loggers: bool = True
) -> None:
    """Hand the same numbers on every process to callbacks that monitor them, and to all loggers."""
    trainer.callback_metrics.update({name: torch.tensor(v) for name, v in metrics.items()})
    for logger in trainer.loggers if to_loggers else ():
        logger.log_metrics({**metrics, "epoch": trainer.current_epoch}, step=step)
        logger.save()
