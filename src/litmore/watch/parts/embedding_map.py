"""Where the characters lie in their embedding, as a plane."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from lightning.pytorch import Trainer

from litmore.models.base import CharLM
from litmore.watch.canvas import INK, blank, pixels
from litmore.watch.drawing import Drawing, Writer
from litmore.watch.labels import COLOURS, kind, legible
from litmore.watch.probes import character_embedding
from litmore.watch.settings import commonest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMED = 300
"""Characters that are written; of a larger alphabet, the commonest."""

BOXES = (40, 32)
"""Letters side by side, and above each other."""


def plane(
    embedding: Float[np.ndarray, "V C"], like: Float[np.ndarray, "V 2"] | None = None
) -> tuple[Float[np.ndarray, "V 2"], float]:
    """Two dimensions of an embedding, and the share of its variance that they show.

    One or two dimensions are taken as they are, more by their first two principal components,
    which are turned and mirrored to lie as close as can be to an earlier picture's: a slider over
    the pictures shows the characters move, not the axes.

    Args:
        embedding: a row a character.
        like: an earlier picture's places.

    """
    dimensions = embedding.shape[1]
    if dimensions <= 2:
        places = np.zeros((len(embedding), 2))
        places[:, :dimensions] = embedding
        return places, 1.0
    centred = embedding.astype(float) - embedding.mean(0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    places = np.zeros((len(embedding), 2))
    places[:, : left.shape[1]] = (left * singular)[:, :2]
    if like is not None:
        turn, _, turn_back = np.linalg.svd(places.T @ like)
        places = places @ turn @ turn_back
    total = float((singular**2).sum())
    return places, float((singular[:2] ** 2).sum()) / total if total else 1.0


def embedding_map(
    places: Float[np.ndarray, "V 2"],
    characters: str,
    title: str = "",
    axis: str = "dimension",
    named: Sequence[int] | None = None,
) -> "Figure":
    """The characters at their places, vowels and consonants told apart.

    Args:
        places: of the boundary and each character.
        characters: the vocabulary's, from id 1; of running text, from 0.
        title: above the map.
        axis: what the axes are, before their number.
        named: the ids, sorted from 0 on, whose characters are written, where they have room beside
            each other; None: all.

    """
    figure = blank(640, 580)
    axes = figure.add_axes((0.06, 0.06, 0.91, 0.81))
    newline, characters = characters[: characters.startswith("\n")], characters.removeprefix("\n")
    kinds = ["boundary", *map(kind, characters)]
    few = len(kinds) <= 60
    named = range(len(kinds)) if named is None else named
    written, fonts = legible(newline + "".join(characters[i - 1] for i in named[1:]))
    labels = dict(zip(named, written, strict=True))
    if not few:
        labels = _apart(labels, places)
    for name, colour in COLOURS.items():
        of_kind = np.array([i for i, k in enumerate(kinds) if k == name], dtype=int)
        if not of_kind.size:
            continue
        # Many stand too close for discs: their letters alone, in the kind's colour.
        size, alpha = (230, 0.9) if few else (6, 0.25)
        axes.scatter(*places[of_kind].T, s=size, color=colour, alpha=alpha, linewidths=0)
        for i in sorted(labels.keys() & set(of_kind.tolist())):
            axes.text(
                places[i, 0],
                places[i, 1],
                labels[i],
                color="white" if few else colour,
                ha="center",
                va="center_baseline" if few else "bottom",
                fontsize=(10 if few else 9) / (1 if len(labels[i]) < 3 else 1.8),
                fontfamily=list(fonts),
                parse_math=False,
                clip_on=True,
            )
    axes.margins(0.07)
    axes.axhline(0, color="0.9", zorder=0)
    axes.axvline(0, color="0.9", zorder=0)
    axes.set(xticks=[], yticks=[])
    axes.set_xlabel(f"{axis} 1", color=INK, fontsize=9)
    axes.set_ylabel(f"{axis} 2", color=INK, fontsize=9)
    figure.text(0.06, 0.955, title, color=INK, fontsize=11, va="center")
    at = 0.06
    for name in [name for name in COLOURS if name in kinds]:
        figure.text(at, 0.905, f"● {name}", color=COLOURS[name], fontsize=9, va="center")
        at += 0.15
    return figure


def _apart(labels: dict[int, str], places: Float[np.ndarray, "V 2"]) -> dict[int, str]:
    """Those that do not lie on each other: each in boxes of its own, of a grid of letters."""
    extent = np.ptp(places, axis=0)
    grid = ((places - places.min(0)) / np.where(extent > 0, extent, 1.0) * BOXES).astype(int)
    taken: set[tuple[int, int]] = set()
    apart = {}
    for i, label in labels.items():
        x, y = grid[i].tolist()
        boxes = {(x + right, y) for right in range(max(len(label) // 2, 1))}
        if not boxes & taken:
            taken |= boxes
            apart[i] = label
    return apart


class EmbeddingMap(Drawing):
    """Show `watch/embedding`: the characters in two dimensions of their embedding, as they move.

    A model's embedding is its first table with a row for each token; of more than two columns the
    first two principal components are shown.

    Source: makemore lecture, part 2.
    """

    flag = "embedding"
    models = CharLM
    _places: Float[np.ndarray, "V 2"] | None = None

    def draw(self, trainer: Trainer, pl_module: CharLM, writer: Writer, step: int) -> None:
        found = character_embedding(pl_module)
        if found is None:
            return
        name, weight = found
        self._places, share = plane(weight.float().cpu().numpy(), like=self._places)
        title = f"{name} after {step:,} steps"
        axis = "dimension"
        if weight.shape[1] > 2:
            title += f": {share:.0%} of the variance of its {weight.shape[1]} dimensions"
            axis = "principal component"
        named = commonest(trainer, pl_module, NAMED).tolist()
        characters = str(pl_module.vocabulary)
        figure = embedding_map(self._places, characters, title, axis, named)
        writer.add_image("watch/embedding", pixels(figure), step, dataformats="HWC")
