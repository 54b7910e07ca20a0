"""The character embedding for TensorBoard's projector."""

from pathlib import Path

from lightning.pytorch import Trainer

from litmore.corpus.characters import visible
from litmore.models.base import CharLM
from litmore.watch.drawing import Drawing, Writer
from litmore.watch.labels import kind, zero_label
from litmore.watch.probes import character_embedding
from litmore.watch.settings import splits_of

FOLDER = "projector"


class Projector(Drawing):
    """Put the trained embedding into the projector, labelled by character, kind and frequency.

    Written to the run's folder: `projector_config.pbtxt`, and two tables in `projector/`.
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
        (run / "projector_config.pbtxt").write_text(text_format.MessageToString(config))


def _labels(trainer: Trainer, model: CharLM) -> str:
    labels = [zero_label(str(model.vocabulary)), *map(visible, model.vocabulary.characters)]
    kinds = ["boundary", *map(kind, model.vocabulary.characters)]
    rows = ["character\tkind\tfrequency"]
    splits = splits_of(trainer)
    times = splits["train"].frequencies().tolist() if splits else [0] * len(labels)
    rows += ["\t".join(map(str, row)) for row in zip(labels, kinds, times, strict=True)]
    return "\n".join(rows) + "\n"
