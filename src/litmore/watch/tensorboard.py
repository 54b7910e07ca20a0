"""All that TensorBoard shows of a run, as one callback."""

import math
from collections.abc import Callable
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch.optim import Optimizer

from litmore.errors import InputError
from litmore.watch.difficulty import Difficulty
from litmore.watch.drawing import Drawing, steps_done, void_later
from litmore.watch.embedding_map import EmbeddingMap
from litmore.watch.heat_map import HeatMap
from litmore.watch.histograms import Histograms
from litmore.watch.hparams import RunSummary
from litmore.watch.projector import Projector
from litmore.watch.run_text import RunText
from litmore.watch.samples import Samples
from litmore.watch.scalar_layout import ScalarLayout
from litmore.watch.training_stats import TrainingStats


class TensorBoard(Callback):
    """Show what the lectures' notebooks show: `docs/tensorboard.md` tells what and where.

    The Trainer pays for every callback at every step, which a small model feels; so these are one
    to it, which passes on to the others what concerns them, when it does.

    Args:
        every_n_steps: Draw every so many steps, 0: at the end alone (default: at the start and
            twice in the training; the heat map and the difficulties at the end alone).
        stats: Learning rate, gradient norm, update ratios, saturation, speed, first loss.
        heat_map: The bigram heat map.
        embedding: The scatter of the character embedding.
        difficulty: Which characters are hard to predict.
        samples: Names that the model makes up.
        histograms: Of weights, gradients and activations.
        projector: The embedding, for the projector.
        text: The run's config, versions and parameters.
        hparams: The run's row of the HParams tab.

    Raises:
        InputError: `every_n_steps` is negative.

    """

    def __init__(
        self,
        every_n_steps: int | None = None,
        stats: bool = True,
        heat_map: bool = True,
        embedding: bool = True,
        difficulty: bool = True,
        samples: bool = True,
        histograms: bool = True,
        projector: bool = True,
        text: bool = True,
        hparams: bool = True,
    ) -> None:
        if every_n_steps is not None and every_n_steps < 0:
            raise InputError(f"--tensorboard.every_n_steps {every_n_steps}: must be at least 0")
        at_end = 0 if every_n_steps is None else every_n_steps
        parts: list[tuple[bool, Callable[[], Callback]]] = [
            (True, ScalarLayout),
            (hparams, RunSummary),
            (text, RunText),
            (stats, TrainingStats),
            (histograms, lambda: Histograms(every_n_steps)),
            (embedding, lambda: EmbeddingMap(every_n_steps)),
            (samples, lambda: Samples(every_n_steps)),
            (heat_map, lambda: HeatMap(at_end)),
            (difficulty, lambda: Difficulty(at_end)),
            (projector, Projector),
        ]
        self.parts = [make() for wanted, make in parts if wanted]
        self._stats = [part for part in self.parts if isinstance(part, TrainingStats)]
        self._first = False
        self._next_due: float | int = math.inf

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin; what an earlier run drew beyond the step where this one goes on, is void."""
        void_later(trainer)
        self._first = True
        for part in self.parts:
            part.on_train_start(trainer, pl_module)
        self._next_due = self._earliest()

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Pass on the first one."""
        if self._first:
            self._first = False
            for part in self._stats:
                part.on_train_batch_start(trainer, pl_module, batch, batch_idx)

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        """Pass it on where statistics are due."""
        for part in self._stats:
            part.on_before_optimizer_step(trainer, pl_module, optimizer)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Pass it on where a part is due."""
        if steps_done(trainer) >= self._next_due:
            for part in self.parts:
                part.on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
            self._next_due = self._earliest()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Pass it on."""
        for part in self.parts:
            part.on_validation_start(trainer, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Pass it on."""
        for part in self.parts:
            part.on_validation_end(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the end."""
        for part in self.parts:
            part.on_train_end(trainer, pl_module)

    def state_dict(self) -> dict[str, Any]:
        """What the parts must know to go on."""
        return {type(part).__name__: part.state_dict() for part in self.parts}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Hand it back to those that are there."""
        for part in self.parts:
            part.load_state_dict(state_dict.get(type(part).__name__, {}))

    def _earliest(self) -> float | int:
        timed = [part for part in self.parts if isinstance(part, (Drawing, TrainingStats))]
        return min((part.next_due for part in timed), default=math.inf)
