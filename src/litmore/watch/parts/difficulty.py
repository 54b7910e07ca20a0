"""Which characters are hard to predict, and after which it is hard to go on."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from lightning.pytorch import Trainer
from torch import Tensor

from litmore.data.loader import BatchLoader
from litmore.data.served import SplitsDataModule
from litmore.data.stream import Stream
from litmore.data.views import AnyBatch
from litmore.models.base import CharLM
from litmore.watch.canvas import INK, blank, pixels
from litmore.watch.drawing import Drawing, Writer
from litmore.watch.labels import legible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLES = 20_000
"""Characters judged at least, if there are so many."""

LOGITS = 1 << 20
"""Of a batch, for each place in a word: bounds the memory."""

RED, GREY = "#d1495b", "#6c757d"

SHOWN = 30
"""Characters a panel; of a larger alphabet, the commonest."""

BEYOND = 2.0
"""How far the axis of losses goes, in ln V, which guessing costs."""


def difficulty(
    nll: Float[np.ndarray, "2 V"],
    times: Float[np.ndarray, "2 V"],
    characters: str,
    title: str = "",
) -> "Figure":
    """The mean loss of each next character, and after each previous one.

    A bar's height is the loss; how dark it is, how often the character occurs. The characters and
    the axes depend on the alphabet and the data alone: the pictures of two runs can be compared.
    What goes beyond the axis has its loss written on it.

    Args:
        nll: negative log-likelihood in nats, summed over the examples of each next character
            (row 0) and of each previous one (row 1).
        times: how many examples each has.
        characters: the vocabulary's, from id 1; of running text, from 0.
        title: above the panels.

    """
    figure = blank(720, 620)
    labels, fonts = legible(characters)
    mean = float(nll[0].sum() / max(times[0].sum(), 1.0))
    uniform = math.log(len(labels))
    for row, what in enumerate(("to predict", "to go on after")):
        axes = figure.add_axes((0.07, 0.53 - 0.47 * row, 0.92, 0.34))
        _bars(axes, nll[row], times[row], labels, fonts, BEYOND * uniform)
        axes.axhline(uniform, color=GREY, linewidth=1.2, linestyle=":")
        axes.axhline(mean, color=RED, linewidth=1.2, linestyle="--")
        axes.set_title(f"hard {what}", loc="left", fontsize=13, color=INK, pad=4)
        axes.set_ylabel("nats", color=INK, fontsize=10)
    figure.text(0.07, 0.97, title, color=INK, fontsize=11, va="center")
    for at, said, colour in (
        (0.72, f"mean {mean:.3f} - -", RED),
        (0.99, f"guessing {uniform:.3f} ···", GREY),
    ):
        figure.text(at, 0.925, said, color=colour, fontsize=11, ha="right")
    return figure


def _bars(
    axes: Any,
    nll: Float[np.ndarray, " V"],
    times: Float[np.ndarray, " V"],
    labels: tuple[str, ...],
    fonts: tuple[str, ...],
    top: float,
) -> None:
    from matplotlib import colormaps

    shown = np.sort(np.argsort(-times, kind="stable")[:SHOWN])
    shown = shown[times[shown] > 0]
    loss = nll[shown] / times[shown]
    often = np.sqrt(times[shown] / max(times.max(), 1.0))
    axes.bar(np.arange(len(shown)), loss, color=colormaps["Blues"](0.25 + 0.7 * often))
    axes.set_xticks(np.arange(len(shown)), [labels[i] for i in shown], parse_math=False)
    for at in np.flatnonzero(loss > top):
        axes.text(at, top, f"{loss[at]:.1f}", ha="center", va="bottom", fontsize=8, color=INK)
    axes.set_ylim(0, top or 1.0)
    axes.tick_params(axis="x", length=0, labelsize=13, labelfontfamily=list(fonts), colors=INK)
    if any(len(labels[i]) > 2 for i in shown):
        axes.tick_params(axis="x", labelrotation=90, labelsize=6)
    axes.tick_params(axis="y", labelsize=10, colors=INK)
    axes.margins(x=0.01)
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)


def character_losses(
    model: CharLM, batches: Iterable[AnyBatch], examples: int
) -> tuple[Float[Tensor, "2 V"], Float[Tensor, "2 V"]]:
    """The negative log-likelihoods, summed by what comes next and by what came before; how many.

    Args:
        model: judged as it is.
        batches: of any view.
        examples: characters after which no more batches are taken.

    """
    nll = torch.zeros(2, model.vocab_size, dtype=torch.float64, device=model.device)
    times = torch.zeros_like(nll)
    for batch in (each.to(model.device) for each in batches):
        row, previous, following, often = batch.predictions()
        log_p = model(batch.x).float().flatten(0, -2).log_softmax(-1)
        weights = often.double()
        losses = -log_p[row, following].double() * weights
        for of, character in enumerate((following, previous)):
            nll[of].index_add_(0, character, losses)
            times[of].index_add_(0, character, weights)
        if times[0].sum() >= examples:
            break
    return nll, times


class Difficulty(Drawing):
    """Show `watch/difficulty`: the loss of each next character, and after each previous one.

    On the first held-out batches, or the first training ones where there are none.

    Args:
        every_n_steps: between two drawings; None: at the start, the middle and the end; 0: at the
            end.

    """

    flag = "difficulty"
    models = CharLM

    def __init__(self, every_n_steps: int | None = 0) -> None:
        super().__init__(every_n_steps)

    def draw(self, trainer: Trainer, pl_module: CharLM, writer: Writer, step: int) -> None:
        datamodule = getattr(trainer, "datamodule", None)
        if not isinstance(datamodule, SplitsDataModule):
            return
        split = next((s for s in ("val", "train") if len(datamodule.splits[s])), None)
        if split is None:
            return
        view = datamodule.split_view(split)
        width = view.block_size if isinstance(view, Stream) else 1
        batch_size = max(min(2048, LOGITS // pl_module.vocab_size // width), 1)
        batches = BatchLoader(view, batch_size)
        nll, times = character_losses(pl_module, batches, EXAMPLES)
        if not nll.isfinite().all():
            return
        figure = difficulty(
            nll.cpu().numpy(),
            times.cpu().numpy(),
            str(pl_module.vocabulary),
            f"{split} loss after {step:,} steps, of {float(times[0].sum()):,.0f} characters",
        )
        writer.add_image("watch/difficulty", pixels(figure), step, dataformats="HWC")
