"""The charts of TensorBoard's custom-scalar tab."""

from lightning.pytorch import LightningModule, Trainer

from litmore.watch.drawing import Part, harmless, tensorboard_writers

LAYOUT = {
    "how well": {
        metric: ["Multiline", [f"^train/{metric}$", f"^val/{metric}$", f"^results/test_{metric}$"]]
        for metric in ("loss", "perplexity", "bits_per_char", "accuracy")
    },
    "where it starts": {
        "loss beside ln V": ["Multiline", ["^train/loss$", "^watch_start/uniform$"]],
        "loss beside its floor, when overfitting": ["Multiline", ["^train/loss$", "^train/floor$"]],
    },
    "how it goes": {
        "update-to-weight ratio (log10)": ["Multiline", ["^watch_update_ratio/"]],
        "saturated tanh units (share)": ["Multiline", ["^watch_saturated/"]],
        "learning rate": ["Multiline", ["^watch_optimizer/lr"]],
        "gradient norm": ["Multiline", ["^watch_optimizer/gradient_norm$"]],
    },
}


class ScalarLayout(Part):
    """Lay training, validation and test of each metric on one chart, and what belongs together."""

    @harmless
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for writer in tensorboard_writers(trainer):
            writer.add_custom_scalars(LAYOUT)
