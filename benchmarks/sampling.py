"""How many names a second, beside the notebook's loop over the same weights?"""

import sys
import time

import torch

import notebook
from litmore.data import NamesDataModule
from litmore.models import MLP
from litmore.sampling import sample
from side_by_side import ratio, spread
from stopwatch import Row, shown


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
    return shown([row])


if __name__ == "__main__":
    measure(quick="--quick" in sys.argv)
