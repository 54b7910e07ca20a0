"""How weights, gradients and hidden activations are spread."""

from typing import TYPE_CHECKING, Any

from lightning.pytorch import LightningModule, Trainer

from litmore.callbacks.activations import activations
from litmore.callbacks.drawing import Drawing

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


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
        for name, parameter in pl_module.named_parameters():
            if parameter.numel() > 1 and parameter.isfinite().all():
                writer.add_histogram(f"weights/{name}", parameter.float(), step)
            gradient = parameter.grad
            if gradient is not None and gradient.numel() > 1 and gradient.isfinite().all():
                writer.add_histogram(f"gradients/{name}", gradient.float(), step)
        for name, (_, output) in activations(pl_module, self._batch).items():
            if output.isfinite().all():
                writer.add_histogram(f"activations/{name}", output.float(), step)
