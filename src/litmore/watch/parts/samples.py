"""Names that the model makes up, as it learns."""

from lightning.pytorch import Trainer

from litmore.models.base import CharLM
from litmore.watch.drawing import Drawing, Writer
from litmore.watch.markdown import code, escaped, table
from litmore.watch.sampled import SORTS, sampled, sorted_by_origin
from litmore.watch.settings import splits_of


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
        names = sampled(pl_module, self.num_samples, self.seed)
        if not names:
            return
        if pl_module.vocabulary.is_text:
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
