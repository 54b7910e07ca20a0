"""How weights, gradients and hidden activations are spread."""

from typing import TYPE_CHECKING, Any

from lightning.pytorch import LightningModule, Trainer

from litmore.watch.activations import activations
from litmore.watch.drawing import Drawing

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

OUT_OF_BOUNDS = 1e19
"""TensorBoard's own bins end a little further out."""


class Histograms(Drawing):
    """Show `weights/…`, `gradients/…` and `activations/…`.

    The gradients are the last step's, as the optimizer got them; the activations are what the
    model's activation modules (`nn.Tanh` and its kin) give out on the last batch.
    """

    def __init__(self, every_n_steps: int | None = None) -> None:
        super().__init__(every_n_steps)
        self._batch: Any = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *args: Any, **kwargs: Any
    ) -> None:
        """Keep the batch, for as long as it is needed."""
        self._batch = args[1] if len(args) > 1 else kwargs.get("batch")
        super().on_train_batch_end(trainer, pl_module)
        self._batch = None

    def draw(
        self, trainer: Trainer, pl_module: LightningModule, writer: "SummaryWriter", step: int
    ) -> None:
        """The histograms."""
        found = {f"weights/{n}": p.detach() for n, p in pl_module.named_parameters()}
        found |= {
            f"gradients/{n}": p.grad for n, p in pl_module.named_parameters() if p.grad is not None
        }
        outputs = activations(pl_module, self._batch)
        found |= {f"activations/{name}": output for name, (_, output) in outputs.items()}
        for tag, values in found.items():
            if values.numel() > 1 and bool((values.abs() < OUT_OF_BOUNDS).all()):
                writer.add_histogram(tag, values.float(), step)
