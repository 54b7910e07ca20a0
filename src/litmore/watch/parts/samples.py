"""Names that the model makes up, as it learns."""

import torch
from lightning.pytorch import Trainer

from litmore.corpus.corpus import Corpus
from litmore.models.base import CharLM
from litmore.sampling import sample
from litmore.watch.drawing import Drawing, Writer
from litmore.watch.markdown import code, escaped, table
from litmore.watch.settings import splits_of

SORTS = ("new", "in train", "held out")
MAX_LENGTH = 40

TEXT_LENGTH = 200
"""Characters of running text."""


class Samples(Drawing):
    """Show `samples` as text, sorted into in train, held out and new, with each sort's share.

    Each time the same random numbers: what changes is the model. Training's own are not touched.
    Of running text it is one text.

    Args:
        every_n_steps: between two drawings; None: at the start, the middle and the end; 0: at the
            end.
        num_samples: names a time.
        seed: of the draws.

    """

    flag = "samples"
    models = CharLM

    def __init__(
        self, every_n_steps: int | None = None, num_samples: int = 100, seed: int = 42
    ) -> None:
        super().__init__(every_n_steps)
        self.num_samples = num_samples
        self.seed = seed

    def draw(self, trainer: Trainer, pl_module: CharLM, writer: Writer, step: int) -> None:
        generator = torch.Generator(pl_module.device).manual_seed(self.seed)
        is_text = pl_module.vocabulary.is_text
        number, length = (1, TEXT_LENGTH) if is_text else (self.num_samples, MAX_LENGTH)
        drawn = sample(pl_module, number, generator=generator, max_length=length)
        try:
            names = list(drawn)
        except RuntimeError:  # logits out of all bounds are no probabilities
            return
        if is_text:
            writer.add_text("samples", code(names[0]), step)
            return
        if (splits := splits_of(trainer)) is None:
            writer.add_text("samples", table(["name"], [[escaped(n)] for n in names]), step)
            return
        sorts = sorted_by_origin(names, splits)
        columns = [[escaped(name) for name in sorts[sort]] for sort in SORTS]
        rows = [
            [c[i] if i < len(c) else "" for c in columns] for i in range(max(map(len, columns)))
        ]
        shares = {sort: len(sorts[sort]) / max(len(names), 1) for sort in SORTS}
        head = [f"{sort} ({shares[sort]:.0%})" for sort in SORTS]
        writer.add_text("samples", table(head, rows), step)


def sorted_by_origin(names: list[str], splits: dict[str, Corpus]) -> dict[str, list[str]]:
    """The names that stand in train, those that stand in another split alone, and the others."""
    sorts: dict[str, list[str]] = {sort: [] for sort in SORTS}
    spelt = [name for name in names if name]
    drawn = Corpus.of(spelt, splits["train"].vocabulary)
    known = {name: splits[name].known(drawn).tolist() for name in splits}
    for i, name in enumerate(spelt):
        held_out = any(known[split][i] for split in splits)
        sorts["in train" if known["train"][i] else "held out" if held_out else "new"].append(name)
    sorts["new"] += [name for name in names if not name]
    return sorts
