"""What a run is, as text."""

import yaml
from lightning.pytorch import LightningModule, Trainer

from litmore.runs.record import versions
from litmore.watch.drawing import Drawing, Writer
from litmore.watch.markdown import code, table
from litmore.watch.settings import settings


class RunText(Drawing):
    """Show `setup/config`, `…/versions` and `…/parameters` as text, once, where it starts."""

    flag = "text"

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._draw(trainer, pl_module)
        self.listen("on_train_batch_end", False)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Nothing has changed."""

    def draw(self, trainer: Trainer, pl_module: LightningModule, writer: Writer, step: int) -> None:
        config = yaml.safe_dump(settings(trainer), sort_keys=False)
        writer.add_text("setup/config", code(config), step)
        rows = [[name, f"`{version}`"] for name, version in versions().items()]
        writer.add_text("setup/versions", table(["", "version"], rows), step)
        writer.add_text("setup/parameters", parameter_table(pl_module), step)


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
