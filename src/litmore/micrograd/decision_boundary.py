"""Where in the plane a classifier of points changes its mind, as a picture."""

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor

from litmore.errors import InputError
from litmore.micrograd.moons import Points

MARGIN = 0.5
"""How far the picture goes beyond the points."""

RESOLUTION = 120
"""Scores a side of the picture."""


class DecisionBoundary(Callback):
    """After each validation, show the scores over the plane with the training points.

    In TensorBoard, one picture a validation; the latest is `decision_boundary.png` in the run's
    folder. For a model from points `Float[B, 2]` to scores `Float[B]`, and data whose
    `splits["train"]` are `Points`.

    Raises:
        InputError: the data are others.

    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        data: Any = getattr(trainer, "datamodule", None)
        points = getattr(data, "splits", {}).get("train")
        if not isinstance(points, Points):
            raise InputError("DecisionBoundary: the data are no points of the plane")
        self.points = points

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        folder = trainer.log_dir  # a collective call
        if trainer.state.fn != "fit" or trainer.sanity_checking or not trainer.is_global_zero:
            return
        if not trainer.loggers or folder is None:
            return
        x, y = self.points.x, self.points.y
        title = f"where the model draws the line after {trainer.global_step:,} steps"
        figure = plot(x, y, *score_grid(pl_module, x), title)
        figure.savefig(Path(folder) / "decision_boundary.png", dpi=120)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_figure("watch/decision_boundary", figure, trainer.global_step)


def score_grid(
    model: torch.nn.Module, x: Float[Tensor, "N 2"]
) -> tuple[Float[Tensor, " X"], Float[Tensor, " Y"], Float[Tensor, "Y X"]]:
    """The model's scores on a grid around the points: both axes, and the scores."""
    low, high = x.min(0).values - MARGIN, x.max(0).values + MARGIN
    across, up = (
        torch.linspace(float(a), float(b), RESOLUTION, dtype=x.dtype)
        for a, b in zip(low, high, strict=True)
    )
    grid = torch.cartesian_prod(across, up)
    with torch.inference_mode():
        scores = model(grid.to(next(model.parameters()).device)).cpu()
    return across, up, scores.view(RESOLUTION, RESOLUTION).T


def plot(
    x: Float[Tensor, "N 2"],
    y: Float[Tensor, " N"],
    across: Float[Tensor, " X"],
    up: Float[Tensor, " Y"],
    scores: Float[Tensor, "Y X"],
    title: str = "",
) -> Any:
    """The points on what the model says of the plane, as a matplotlib figure.

    The line is where the score is 0, the dashed ones are the margin: ±1.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.contourf(
        across, up, scores, levels=[-1e9, -1, 0, 1, 1e9],
        colors=["#9ecae1", "#deebf7", "#fee0d2", "#fc9272"],
    )  # fmt: skip
    axes.contour(
        across, up, scores, levels=[-1, 0, 1], colors="0.2",
        linestyles=["dashed", "solid", "dashed"], linewidths=[0.8, 1.5, 0.8],
    )  # fmt: skip
    for sign, color in ((-1, "#08519c"), (1, "#a50f15")):
        axes.plot(*x[y == sign].T, "o", color=color, markeredgecolor="white", markersize=6)
    axes.set_aspect("equal")
    axes.set_title(title)
    return figure
