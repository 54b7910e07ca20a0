"""Where the characters lie in their embedding, as a plane."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from lightning.pytorch import Trainer

from litmore.models.base import CharLM
from litmore.watch.canvas import DPI, INK, blank, pixels
from litmore.watch.drawing import Drawing, Writer
from litmore.watch.labels import COLOURS, kind, legible
from litmore.watch.probes import character_embedding
from litmore.watch.settings import commonest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DISCS = 150
"""Characters up to which each has a disc; of more, letters alone."""

DISC = 25.0
"""Pixels of one, where there are few."""

STEPS = 200
"""In which discs are moved apart at most."""

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
    note: str = "",
) -> "Figure":
    """The characters at their places, vowels and consonants told apart.

    Args:
        places: of the boundary and each character.
        characters: the vocabulary's, from id 1; of running text, from 0.
        title: above the map.
        axis: what the axes are, before their number.
        named: the ids, sorted from 0 on, whose characters are written, where they have room beside
            each other; None: all.
        note: on the axes.

    """
    figure = blank(640, 580)
    box = (0.06, 0.08, 0.92, 0.79)
    axes = figure.add_axes(box)
    newline, characters = characters[: characters.startswith("\n")], characters.removeprefix("\n")
    kinds = ["boundary", *map(kind, characters)]
    named = range(len(kinds)) if named is None else named
    written, fonts = legible(newline + "".join(characters[i - 1] for i in named[1:]))
    low, high = places.min(0), places.max(0)
    room = np.where(high > low, 0.08 * (high - low), 1.0)
    axes.set(xlim=(low[0] - room[0], high[0] + room[0]), ylim=(low[1] - room[1], high[1] + room[1]))
    axes.axhline(0, color="0.9", zorder=0)
    axes.axvline(0, color="0.9", zorder=0)
    colours = [COLOURS[k] for k in kinds]
    # In pixels of the axes.
    pixel = (high - low + 2 * room) / (640 * box[2], 580 * box[3])
    at = dict(zip(named, written, strict=True))
    if len(kinds) <= DISCS:
        _draw_discs(axes, places, at, fonts, colours, pixel)
    else:
        axes.scatter(*places.T, s=6, c=colours, alpha=0.25, linewidths=0)
        for i, label in _apart(at, places).items():
            size = 9 / (1 if len(label) < 3 else 1.8)
            _write(axes, places[i], label, fonts, size, colours[i], "bottom")
    axes.set(xticks=[], yticks=[])
    axes.set_xlabel(f"{axis} 1{note and f' ({note})'}", color=INK, fontsize=10)
    axes.set_ylabel(f"{axis} 2", color=INK, fontsize=10)
    figure.text(0.06, 0.96, title, color=INK, fontsize=13, va="center")
    across = 0.06
    for name in [name for name in COLOURS if name in kinds]:
        figure.text(across, 0.905, f"● {name}", color=COLOURS[name], fontsize=11, va="center")
        across += 0.19
    return figure


def _write(
    axes: Any,
    place: Float[np.ndarray, " 2"],
    label: str,
    fonts: tuple[str, ...],
    size: float,
    colour: str,
    va: str,
) -> None:
    axes.text(
        *place, label, color=colour, ha="center", va=va, fontsize=size, fontfamily=list(fonts),
        parse_math=False, clip_on=True,
    )  # fmt: skip


def _draw_discs(
    axes: Any,
    places: Float[np.ndarray, "V 2"],
    labels: dict[int, str],
    fonts: tuple[str, ...],
    colours: list[str],
    pixel: Float[np.ndarray, " 2"],
) -> None:
    """A disc with each character, where it lies or beside it, a thin line from there.

    What has no shape of its own, U+4E2D, is no disc but its text.
    """
    ids = list(labels)
    disc = DISC if len(ids) <= 40 else 0.8 * DISC
    is_long = np.array([len(label) > 2 for label in labels.values()])
    sizes = np.where(is_long[:, None], (42.0, 14.0), (disc, disc))
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    corner = np.array([left, bottom])
    extent = np.array([right - left, top - bottom]) / pixel
    found = spread((places[ids] - corner) / pixel, sizes, extent) * pixel + corner
    for i, place in zip(ids, found, strict=True):
        axes.plot(*zip(places[i], place, strict=True), color="0.55", linewidth=0.8, zorder=1)
    of_ids = [colours[i] for i in ids]
    area = np.where(is_long, 0, (disc * 72 / DPI) ** 2)
    axes.scatter(*places[ids].T, s=area / 50, c=of_ids, linewidths=0, zorder=2)
    axes.scatter(*found.T, s=area, c=of_ids, linewidths=0.8, edgecolors="white", zorder=3)
    for place, label, long, colour in zip(found, labels.values(), is_long, of_ids, strict=True):
        size, ink = (7.0, colour) if long else (0.44 * disc, "white")
        _write(axes, place, label, fonts, size, ink, "center_baseline")


def spread(
    places: Float[np.ndarray, "N 2"],
    sizes: Float[np.ndarray, "N 2"],
    extent: Float[np.ndarray, " 2"],
) -> Float[np.ndarray, "N 2"]:
    """Places moved as little as it takes that what stands there does not lie on each other.

    Args:
        places: of the middles.
        sizes: widths and heights.
        extent: the width and the height of what they all have to lie in, from 0 on.

    """
    turns = np.arange(len(places)) * math.pi * (3 - math.sqrt(5))  # those in one place go all ways
    found = places + 0.01 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    apart = (sizes[:, None] + sizes) / 2  # (N, N, 2)
    for _ in range(STEPS):
        gaps = (found[:, None] - found) / apart
        distance = np.linalg.norm(gaps, axis=-1)
        np.fill_diagonal(distance, np.inf)
        if distance.min() >= 1:
            break
        lacking = np.clip(1.02 - distance, 0, None) / np.maximum(distance, 1e-9)
        found = found + 0.5 * (gaps * apart * lacking[..., None]).sum(1).clip(-DISC, DISC)
        found = found.clip(sizes / 2, extent - sizes / 2)
    return found


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
        title, axis, note = f"{name} after {step:,} steps", "dimension", ""
        if weight.shape[1] > 2:
            axis = "principal component"
            note = f"both are {share:.0%} of the variance of {weight.shape[1]} dimensions"
        named = commonest(trainer, pl_module, NAMED).tolist()
        characters = str(pl_module.vocabulary)
        figure = embedding_map(self._places, characters, title, axis, named, note)
        writer.add_image("watch/embedding", pixels(figure), step, dataformats="HWC")
