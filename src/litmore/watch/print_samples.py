"""What the model makes up as it learns, on stdout."""

from lightning.pytorch import Callback, LightningModule, Trainer

from litmore.models.base import CharLM
from litmore.steps import steps_done
from litmore.watch.drawing import harmless, is_sharded
from litmore.watch.probes import as_judged
from litmore.watch.sampled import SORTS, sampled, sorted_by_origin
from litmore.watch.settings import splits_of


class PrintSamples(Callback):
    """Print samples after each validation and the last step, those that are known told apart.

    Each time the same random numbers: what changes is the model. Training's own are not touched.
    Of running text it is one text.

    Args:
        num_samples: names a time.
        seed: of the draws.

    """

    def __init__(self, num_samples: int = 10, seed: int = 42) -> None:
        self.num_samples = num_samples
        self.seed = seed
        self._printed_at = -1

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn == "fit" and not trainer.sanity_checking:
            self._print(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._print(trainer, pl_module)

    @harmless
    def _print(self, trainer: Trainer, pl_module: LightningModule) -> None:
        step = steps_done(trainer)
        if step == self._printed_at or not isinstance(pl_module, CharLM) or is_sharded(trainer):
            return
        self._printed_at = step
        if not trainer.is_global_zero:
            return
        with as_judged(pl_module):
            names = sampled(pl_module, self.num_samples, self.seed)
        is_text = pl_module.vocabulary.is_text
        splits = None if is_text else splits_of(trainer)
        if splits is None:
            lines = names
        else:
            sorts = sorted_by_origin(names, splits)
            lines = [
                f"{len(sorts[sort]):>4} {sort}{': ' if sorts[sort] else ''}{_listed(sorts[sort])}"
                for sort in SORTS
            ]
        pl_module.print(f"step {step:,}", *lines, "", sep="\n")


def _listed(names: list[str]) -> str:
    """One after the other; what would not be seen as one there is in quotes."""
    return ", ".join(n if n and n == n.strip() and "," not in n else repr(n) for n in names)
