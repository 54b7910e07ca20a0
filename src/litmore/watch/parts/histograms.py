"""How weights, gradients and hidden activations are spread."""

from typing import Any

from lightning.pytorch import LightningModule, Trainer

from litmore.watch.drawing import Drawing, Writer
from litmore.watch.probes import activations

OUT_OF_BOUNDS = 1e19
"""TensorBoard's own bins end a little further out."""


class Histograms(Drawing):
    """Show `watch_weights/…`, `watch_gradients/…` and `watch_activations/…`.

    The gradients are the last step's, as the optimizer got them; the activations are what the
    model's activation modules (`nn.Tanh` and its kin) give out on the last batch.
    """

    flag = "histograms"
    _batch: Any = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._batch = batch
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        super().on_train_end(trainer, pl_module)
        self._batch = None

    def draw(self, trainer: Trainer, pl_module: LightningModule, writer: Writer, step: int) -> None:
        parameters = list(pl_module.named_parameters())
        found = {f"watch_weights/{name}": p.detach() for name, p in parameters}
        found |= {f"watch_gradients/{name}": p.grad for name, p in parameters if p.grad is not None}
        outputs = activations(pl_module, self._batch)
        found |= {f"watch_activations/{name}": output for name, (_, output) in outputs.items()}
        for tag, values in found.items():
            if values.numel() > 1 and bool((values.abs() < OUT_OF_BOUNDS).all()):
                writer.add_histogram(tag, values.float(), step)
