"""How many names a second, beside the notebook's loop over the same weights?

And how much sooner does a model of whole words go on from a state than it looks at all again?
"""

import sys
import time

import torch

import notebook
from litmore.corpus.vocabulary import BOUNDARY
from litmore.data import NamesDataModule
from litmore.models import GRU, MLP, CharLM, Transformer
from litmore.models.losses import mean_nll
from litmore.optim import MuonAdamW
from litmore.sampling import BATCH, draw, sample
from side_by_side import ratio, spread
from stopwatch import Row, shown


@torch.inference_mode()
def recomputed(model: CharLM, number: int, generator: torch.Generator) -> int:
    """Names in the plainest way, all of a batch's beginnings looked at for each character."""
    for first in range(0, number, BATCH):
        tokens = torch.zeros(min(BATCH, number - first), 1, dtype=torch.long)
        while len(tokens) and tokens.shape[1] <= 100:
            drawn = draw(model.next_logits(tokens), generator)
            tokens = torch.cat([tokens, drawn[:, None]], dim=1)[drawn != BOUNDARY]
    return number


def of_words(data: NamesDataModule, model: CharLM, steps: int) -> CharLM:
    """Trained a little: names of a name's length."""
    optimizer = MuonAdamW(model.parameters(), lr=0.03)
    view = data.split_view("train")
    order = view.training_order(0, 256).order()
    for step in range(steps):
        batch = view[order[step * 256 : (step + 1) * 256]]
        optimizer.zero_grad()
        mean_nll(model(batch.x), batch).backward()
        optimizer.step()
    return model.eval()


def words_rows(quick: bool) -> list[Row]:
    """A recurrent network's state, a Transformer's keys and values."""
    data = NamesDataModule(view="words")
    rows = []
    for model in (GRU(data.vocabulary, 64, 128), Transformer(data.vocabulary)):
        of_words(data, model, 5 if quick else 100)
        names, theirs, ours = 100 if quick else 10_000, [], []
        for number in range(1 if quick else 5):
            for call, seconds in ((recomputed, theirs), (drawn, ours)):
                began = time.perf_counter()
                call(model, names, torch.Generator().manual_seed(number))
                seconds.append(time.perf_counter() - began)
        question = f"{names:,} names from the {type(model).__name__}, against recomputing"
        rows.append(Row(question, spread(theirs), spread(ours), ratio(theirs, ours), "≥ 5"))
    return rows


def drawn(model: CharLM, number: int, generator: torch.Generator) -> int:
    """As `sample` draws them."""
    return len(list(sample(model, number, generator=generator)))


def measure(quick: bool = False) -> list[Row]:
    """Measure and print."""
    torch.set_num_threads(1)
    data = NamesDataModule()
    ids, (train, _, _) = notebook.prepare(data.path)
    network = notebook.Network(len(ids))
    network.train(train, 200 if quick else 20_000)  # names of a name's length
    model = MLP(data.vocabulary.characters)
    embedding, w1, b1, w2, b2 = (parameter.detach() for parameter in network.parameters)
    weights = {
        "embedding.weight": embedding, "hidden.weight": w1.T, "hidden.bias": b1,
        "output.weight": w2.T, "output.bias": b2,
    }  # fmt: skip
    model.load_state_dict(model.state_dict() | weights)
    model.eval()
    names, few = (200, 20) if quick else (10_000, 500)
    theirs, ours = [], []
    for number in range(1 if quick else 5):
        began = time.perf_counter()
        network.sample(few, "." + data.vocabulary.characters, number)
        theirs.append((time.perf_counter() - began) / few)
        began = time.perf_counter()
        list(sample(model, names, generator=torch.Generator().manual_seed(number)))
        ours.append((time.perf_counter() - began) / names)
    row = Row(f"a name, of {names:,} from the MLP", spread(theirs), spread(ours),
              ratio(theirs, ours), "≥ 20")  # fmt: skip
    return shown([row, *words_rows(quick)])


if __name__ == "__main__":
    measure(quick="--quick" in sys.argv)
