"""Which characters are hard to predict, and after which it is hard to go on."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from lightning.pytorch import Trainer
from torch import Tensor

from litmore.data.datamodule import NamesDataModule
from litmore.data.loader import BatchLoader
from litmore.data.views import AnyBatch
from litmore.models.base import CharLM
from litmore.watch.canvas import INK, blank, pixels
from litmore.watch.drawing import Drawing, Writer
from litmore.watch.labels import legible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLES = 20_000
"""Characters judged at least, if there are so many."""

SHOWN = 30
"""Characters a panel; of a larger alphabet, those that weigh most in the loss."""


def difficulty(
    nll: Float[np.ndarray, "V V"],
    times: Float[np.ndarray, "V V"],
    characters: str,
    title: str = "",
) -> "Figure":
    """The mean loss of each next character, and after each previous one, the hardest first.

    A bar's height is the loss; how dark it is, how often the character occurs.

    Args:
        nll: negative log-likelihood in nats, summed over the examples of each pair (previous,
            next).
        times: how many examples a pair has.
        characters: the vocabulary's, from id 1.
        title: above the panels.

    """
    figure = blank(860, 560)
    labels, fonts = legible(characters)
    mean = float(nll.sum() / max(times.sum(), 1.0))
    for row, (what, axis) in enumerate((("to predict", 0), ("to go on after", 1))):
        axes = figure.add_axes((0.07, 0.55 - 0.475 * row, 0.91, 0.36))
        _bars(axes, nll.sum(axis), times.sum(axis), labels, fonts)
        axes.axhline(mean, color="#d1495b", linewidth=1, linestyle="--")
        axes.set_title(f"hard {what}", loc="right", fontsize=10, color=INK, pad=2)
        axes.set_ylabel("nats", color=INK, fontsize=9)
    figure.text(0.07, 0.955, f"{title}: mean {mean:.3f}", color=INK, fontsize=11, va="center")
    return figure


def _bars(
    axes: Any,
    nll: Float[np.ndarray, " V"],
    times: Float[np.ndarray, " V"],
    labels: tuple[str, ...],
    fonts: tuple[str, ...],
) -> None:
    from matplotlib import colormaps

    weighty = np.argsort(-nll, kind="stable")[:SHOWN]
    weighty = weighty[times[weighty] > 0]
    loss = nll[weighty] / times[weighty]
    order = np.argsort(-loss, kind="stable")
    shown, loss = weighty[order], loss[order]
    often = np.sqrt(times[shown] / max(times.max(), 1.0))
    axes.bar(np.arange(len(shown)), loss, color=colormaps["Blues"](0.25 + 0.7 * often))
    axes.set_xticks(np.arange(len(shown)), [labels[i] for i in shown], parse_math=False)
    axes.tick_params(axis="x", length=0, labelsize=10, labelfontfamily=list(fonts), colors=INK)
    if any(len(labels[i]) > 2 for i in shown):
        axes.tick_params(axis="x", labelrotation=90, labelsize=6)
    axes.tick_params(axis="y", labelsize=8, colors=INK)
    axes.margins(x=0.01)
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)


def pair_losses(
    model: CharLM, batches: Iterable[AnyBatch], examples: int
) -> tuple[Float[Tensor, "V V"], Float[Tensor, "V V"]]:
    """The negative log-likelihood of each pair (previous, next), summed, and how often it came.

    Args:
        model: judged as it is.
        batches: of any view.
        examples: characters after which no more batches are taken.

    """
    size, device = model.vocab_size, model.device
    nll = torch.zeros(size * size, dtype=torch.float64, device=device)
    times = torch.zeros_like(nll)
    for batch in (each.to(device) for each in batches):
        row, previous, following, often = batch.predictions()
        log_p = model(batch.x).float().flatten(0, -2).log_softmax(-1)
        pairs, weights = previous * size + following, often.double()
        nll.index_add_(0, pairs, -log_p[row, following].double() * weights)
        times.index_add_(0, pairs, weights)
        if times.sum() >= examples:
            break
    return nll.view(size, size), times.view(size, size)


class Difficulty(Drawing):
    """Show `difficulty`: the loss of each next character, and after each previous one.

    On the first held-out batches, or the first training ones where there are none.

    Args:
        every_n_steps: between two drawings; None: a few times in the training; 0: at its end.

    """

    flag = "difficulty"
    models = CharLM

    def __init__(self, every_n_steps: int | None = 0) -> None:
        super().__init__(every_n_steps)

    def draw(self, trainer: Trainer, pl_module: CharLM, writer: Writer, step: int) -> None:
        datamodule = getattr(trainer, "datamodule", None)
        if not isinstance(datamodule, NamesDataModule):
            return
        split = next((s for s in ("val", "train") if len(datamodule.splits[s])), None)
        if split is None:
            return
        batches = BatchLoader(datamodule.split_view(split), 2048)
        nll, times = pair_losses(pl_module, batches, EXAMPLES)
        if not nll.isfinite().all():
            return
        figure = difficulty(
            nll.cpu().numpy(),
            times.cpu().numpy(),
            pl_module.vocabulary.characters,
            f"loss on {split}, {float(times.sum()):,.0f} characters, after {step:,} steps",
        )
        writer.add_image("difficulty", pixels(figure), step, dataformats="HWC")
