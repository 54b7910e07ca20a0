"""The character embedding for TensorBoard's projector."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from lightning.pytorch import Trainer

from litmore.corpus.characters import visible
from litmore.models.base import CharLM
from litmore.watch.canvas import DPI, Stamps, blank
from litmore.watch.drawing import Drawing, Writer
from litmore.watch.labels import COLOURS, kind, legible, zero_label
from litmore.watch.probes import character_embedding
from litmore.watch.settings import splits_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = "projector"

TILE = 64
"""Pixels a side of a point's picture."""

MOST_TILES = 1000
"""Points that have one; of a larger alphabet, all are dots."""


class Projector(Drawing):
    """Put the trained embedding into the projector, labelled by character, kind and frequency.

    Each point is its character on a disc in the colour of its kind: the projector opens with
    uncoloured dots otherwise, and no file can tell it by which column to colour them.

    Written to the run's folder: `projector_config.pbtxt`, and in `projector/` two tables and the
    picture of all discs.
    """

    flag = "projector"
    models = CharLM

    def __init__(self) -> None:
        super().__init__(every_n_steps=0)

    def draw(self, trainer: Trainer, pl_module: CharLM, writer: Writer, step: int) -> None:
        from google.protobuf import text_format
        from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

        found = character_embedding(pl_module)
        if found is None:
            return
        name, weight = found
        run = Path(writer.log_dir)
        (run / FOLDER).mkdir(exist_ok=True)
        config = ProjectorConfig()
        embedding = config.embeddings.add()
        embedding.tensor_name = name
        embedding.tensor_path = f"{FOLDER}/embedding.tsv"
        embedding.metadata_path = f"{FOLDER}/characters.tsv"
        rows = ["\t".join(f"{value:.6g}" for value in row) for row in weight.tolist()]
        (run / embedding.tensor_path).write_text("\n".join(rows) + "\n")
        (run / embedding.metadata_path).write_text(
            _labels(trainer, pl_module), encoding="utf-8", newline="\n"
        )
        if len(weight) <= MOST_TILES:
            embedding.sprite.image_path = f"{FOLDER}/characters.png"
            embedding.sprite.single_image_dim.extend([TILE, TILE])
            figure = discs(str(pl_module.vocabulary))
            figure.savefig(run / embedding.sprite.image_path, transparent=True)
        (run / "projector_config.pbtxt").write_text(text_format.MessageToString(config))


def discs(characters: str) -> "Figure":
    """The characters in the order of their ids, each on a disc, in rows of as many as there are.

    Args:
        characters: the vocabulary's, from id 1; of running text, from 0.

    """
    labels, fonts = legible(characters)
    kinds = ["boundary", *map(kind, characters.removeprefix("\n"))]
    side = math.ceil(math.sqrt(len(labels)))
    figure = blank(side * TILE, side * TILE)
    axes = figure.add_axes((0, 0, 1, 1), frame_on=False)
    axes.set(xticks=[], yticks=[], xlim=(-0.5, side - 0.5), ylim=(side - 0.5, -0.5))
    places = [(i % side, i // side) for i in range(len(labels))]
    size = (0.92 * TILE * 72 / DPI) ** 2
    axes.scatter(*zip(*places, strict=True), s=size, c=[COLOURS[k] for k in kinds], linewidths=0)
    stamps = Stamps(axes, fonts, float(TILE))
    stamps.write(
        (label, x, y, TILE * (0.6 if len(label) < 3 else 0.24), "white")
        for label, (x, y) in zip(labels, places, strict=True)
    )
    stamps.draw()
    return figure


def _labels(trainer: Trainer, model: CharLM) -> str:
    labels = [zero_label(str(model.vocabulary)), *map(visible, model.vocabulary.characters)]
    kinds = ["boundary", *map(kind, model.vocabulary.characters)]
    rows = ["character\tkind\tfrequency"]
    splits = splits_of(trainer)
    times = splits["train"].frequencies().tolist() if splits else [0] * len(labels)
    rows += ["\t".join(map(str, row)) for row in zip(labels, kinds, times, strict=True)]
    return "\n".join(rows) + "\n"
