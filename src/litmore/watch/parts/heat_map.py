"""How often each character follows each other one, as a heat map."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Int, Integer
from lightning.pytorch import Trainer
from torch import Tensor

from litmore.corpus.vocabulary import BOUNDARY
from litmore.models.base import CharLM
from litmore.models.count_bigram import CountBigram
from litmore.watch.canvas import INK, Stamps, Text, blank, pixels
from litmore.watch.drawing import Drawing, Writer
from litmore.watch.labels import legible
from litmore.watch.settings import commonest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 900
"""Pixels of the map, for the lectures' 27 characters 33 each."""

SHOWN = 64
"""Rows and columns; of a larger alphabet, those of the commonest characters."""

MIN_LABEL = 6
"""Pixels of a row's or column's label."""

WRITTEN = 26
"""Pixels of a cell from which on what is written in it can be read."""

FAINT = "#5c6676"
"""Of what is written in the light cells: made small, the map is its colours and no grey noise."""


def heat_map(
    table: Float[np.ndarray, "V V"] | Integer[np.ndarray, "V V"],
    characters: str,
    title: str,
    written: Callable[[float | int], str],
) -> "Figure":
    """A row for each character, a column for each that may follow it.

    In each cell stands its value, to be read at full size; the colours and the characters at the
    margins are there for a third of it, too, which is how TensorBoard shows it first. An alphabet
    that leaves no room for values gets the colours alone.

    Args:
        table: counts or shares. Rows: the previous character.
        characters: the vocabulary's, from id 1; row and column 0 are the boundary. Of running text
            from id 0, the newline.
        title: above the map.
        written: what to write of a value, in four glyphs: `as_count` or `as_percent`.

    """
    from matplotlib.colors import PowerNorm

    size = len(table)
    cell = min(SIDE / size, 100.0)
    side, left, above, edge = cell * size, 50.0, 76.0, 10.0
    width, height = left + max(side, 280.0) + edge, above + side + edge
    figure = blank(width, height)
    axes = figure.add_axes((left / width, edge / height, side / width, side / height))
    # The square root of it: the rare pairs would all be one white.
    norm = PowerNorm(0.5, 0, float(table.max()) or 1.0)
    axes.imshow(table, cmap="Blues", norm=norm)
    shorter = min(1.0, (width - left - edge) / (11.6 * max(len(title), 1)))
    axes.set_title(title, color=INK, fontsize=14 * shorter, loc="left", pad=30)
    labels, fonts = legible(characters)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
    stamps = Stamps(axes, fonts, cell)
    if cell >= WRITTEN:
        stamps.write(_cells(table, written, np.asarray(norm(table)), cell))
    stamps.write(_margins(labels, cell))
    stamps.draw()
    return figure


def _cells(
    table: Any,
    written: Callable[[float | int], str],
    shade: Float[np.ndarray, "V V"],
    cell: float,
) -> Iterator[Text]:
    """The value of each cell."""
    for (i, j), value in np.ndenumerate(table):
        text = written(float(value))
        ink = "white" if shade[i, j] > 0.5 else INK if shade[i, j] > 0.3 else FAINT
        yield text, j, i, (0.33 if len(text) > 3 else 0.38) * cell, ink


def _margins(labels: Sequence[str], cell: float) -> Iterator[Text]:
    """The characters of the rows and columns, those that have room beside the ones before."""
    down = right = -math.inf  # how far they reach
    for i, label in enumerate(labels):
        is_long = len(label) > 2  # such as U+4E2D
        height = 8.0 if is_long else min(max(0.64 * cell, MIN_LABEL), 24.0)
        half = max(0.75 * height / cell, 0.5)
        if i - half >= down:
            yield label, -0.5 - (26 if is_long else 18) / cell, i, height, INK
            down = i + half
        half = max(0.4 * height * len(label) / cell, 0.5)
        if i - half >= right:
            yield label, i, -0.5 - 18 / cell, height, INK
            right = i + half


def as_count(value: float | int) -> str:
    """6763, 12k, 1M."""
    whole = round(value)
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if whole >= 10 * size:
            return f"{whole // size}{unit}"
    return str(whole)


def as_percent(value: float | int) -> str:
    """37.4, 100."""
    return f"{100 * value:.1f}" if value < 0.9995 else "100"


def bigram_shares(model: CharLM, tokens: Int[Tensor, " N"]) -> Float[np.ndarray, "N N"]:
    """How likely each of these is after each, as the first one of a word; row 0: as that one."""
    previous = tokens.to(model.device)
    opened = torch.stack([torch.full_like(previous, BOUNDARY), previous], dim=1)  # (N, 2)
    logits = torch.cat([model.next_logits(opened[:1, :1]), model.next_logits(opened[1:])])
    return logits.float().softmax(-1)[:, previous].cpu().numpy()


class HeatMap(Drawing):
    """Show `watch/bigram`: what has been counted, or how likely each character is after one other.

    Of a model of longer contexts that is the first character of a word: after `.a` come the second
    characters of words with an a. Of a bigram it is the whole model.

    Source: makemore lecture, part 1.

    Args:
        every_n_steps: between two drawings; None: at the start, the middle and the end; 0: at the
            end.

    """

    flag = "heat_map"
    models = CharLM

    def __init__(self, every_n_steps: int | None = 0) -> None:
        super().__init__(every_n_steps)

    def draw(self, trainer: Trainer, pl_module: CharLM, writer: Writer, step: int) -> None:
        tokens = commonest(trainer, pl_module, SHOWN)
        if isinstance(pl_module, CountBigram):
            table, written = pl_module.counts_of(tokens).numpy(), as_count
            title = "how often the second character followed the first"
        else:
            table, written = bigram_shares(pl_module, tokens), as_percent
            title = "after the first character, % of the second"
        if len(tokens) < pl_module.vocab_size:
            title += f"; the {len(tokens) - 1} commonest of {pl_module.vocab_size - 1:,}"
        if np.isfinite(table).all():
            characters = pl_module.vocabulary.characters
            shown = "".join(characters[token - 1] for token in tokens[1:].tolist())
            shown = "\n" * pl_module.vocabulary.is_text + shown
            figure = heat_map(table, shown, title, written)
            writer.add_image("watch/bigram", pixels(figure), step, dataformats="HWC")
