"""What a run is, as text."""

from typing import TYPE_CHECKING, Any

import yaml
from lightning.pytorch import LightningModule, Trainer

from litmore.runs.record import RunRecord, versions
from litmore.watch.drawing import Drawing
from litmore.watch.markdown import code, table

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class RunText(Drawing):
    """Show `run/config`, `run/versions` and `run/parameters` as text, once, where it starts."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write them; nothing comes later."""
        self._draw(trainer, pl_module)
        self.next_due = float("inf")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Nothing has changed."""

    def draw(
        self, trainer: Trainer, pl_module: LightningModule, writer: "SummaryWriter", step: int
    ) -> None:
        """The texts."""
        writer.add_text(
            "run/config", code(yaml.safe_dump(settings(trainer), sort_keys=False)), step
        )
        rows = [[name, f"`{version}`"] for name, version in versions().items()]
        writer.add_text("run/versions", table(["", "version"], rows), step)
        writer.add_text("run/parameters", parameter_table(pl_module), step)


def settings(trainer: Trainer) -> dict[str, Any]:
    """The run's config; without a command line, its model's and its data's hyperparameters."""
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, RunRecord):
            return callback.config
    parts = {"model": trainer.lightning_module, "data": getattr(trainer, "datamodule", None)}
    return {
        name: {
            "class_path": f"{type(part).__module__}.{type(part).__qualname__}",
            "init_args": {key: plain(value) for key, value in dict(part.hparams).items()},
        }
        for name, part in parts.items()
        if part is not None
    }


def _set(config: dict[str, Any]) -> dict[str, Any]:
    """What is set: the Trainer has some forty flags."""
    return {
        name: _set(value) if isinstance(value, dict) else value
        for name, value in config.items()
        if value is not None
    }


def plain(value: Any) -> Any:
    """What YAML has a word for, as it is; anything else as text."""
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def parameter_table(pl_module: LightningModule) -> str:
    """A row for each parameter: its shape, its size, and the spread that it has."""
    rows, total = [], 0
    for name, parameter in pl_module.named_parameters():
        total += parameter.numel()
        shape = " × ".join(map(str, parameter.shape)) or "1"
        spread = float(parameter.float().std(correction=0)) if parameter.numel() else 0.0
        rows.append([f"`{name}`", shape, f"{parameter.numel():,}", f"{spread:.4g}"])
    rows.append(["**all**", "", f"**{total:,}**", ""])
    return table(["parameter", "shape", "numbers", "standard deviation"], rows)
