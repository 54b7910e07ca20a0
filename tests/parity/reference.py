"""What litmore is measured by: plain LightningCLI, and an ordinary LightningModule of its MLP."""

import math
import warnings

from lightning.pytorch import LightningDataModule, LightningModule
from lightning.pytorch.cli import LightningCLI, ReduceLROnPlateau
from torch import nn

from litmore.data.views import CountBatch


class PlainMLP(LightningModule):
    """The same weights from the same seed, the same losses, nothing of litmore's."""

    def __init__(self, vocab_size: int, block_size: int, embedding_dim: int, hidden_dim: int):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim)
        self.hidden = nn.Linear(block_size * embedding_dim, hidden_dim)
        self.output = nn.Linear(hidden_dim, vocab_size)
        nn.init.normal_(self.hidden.weight, std=5 / 3 / math.sqrt(self.hidden.in_features))
        nn.init.zeros_(self.hidden.bias)
        nn.init.normal_(self.output.weight, std=0.01)
        nn.init.zeros_(self.output.bias)

    def forward(self, x):
        return self.output(self.hidden(self.embedding(x).flatten(1)).tanh())

    def loss(self, batch):
        log_probs = self(batch.x).float().log_softmax(1)
        if isinstance(batch, CountBatch):
            return -(log_probs * batch.y).sum() / batch.y.sum(), float(batch.y.sum())
        return nn.functional.nll_loss(log_probs, batch.y), len(batch.y)

    def training_step(self, batch, batch_idx):
        loss, size = self.loss(batch)
        self.log("train/loss", loss, batch_size=size)
        return loss

    def validation_step(self, batch, batch_idx):
        loss, size = self.loss(batch)
        self.log("val/loss", loss, batch_size=size)

    def test_step(self, batch, batch_idx):
        loss, size = self.loss(batch)
        self.log("test/loss", loss, batch_size=size)

    def predict_step(self, batch, batch_idx):
        return self(batch[0])


class PlainCLI(LightningCLI):
    """Plain, but for the two things that its documentation leaves to a project: what is said of
    the data, and that a schedule goes by steps."""

    asked_for = "fit"

    def __init__(self, args):
        type(self).asked_for = args[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            super().__init__(
                LightningModule,
                LightningDataModule,
                subclass_mode_model=True,
                subclass_mode_data=True,
                save_config_callback=None,
                seed_everything_default=42,
                args=list(args),
            )

    @classmethod
    def subcommands(cls):
        """The one that is asked for; a parser takes its time."""
        return {cls.asked_for: LightningCLI.subcommands()[cls.asked_for]}

    @staticmethod
    def configure_optimizers(lightning_module, optimizer, lr_scheduler=None):
        if lr_scheduler is None:
            return optimizer
        config = {"scheduler": lr_scheduler, "interval": "step"}
        if isinstance(lr_scheduler, ReduceLROnPlateau):
            config = {"scheduler": lr_scheduler, "monitor": lr_scheduler.monitor}
        return {"optimizer": optimizer, "lr_scheduler": config}
