"""Do the vowels end up near each other?

Trains each model on the embedded names and looks at its table of a row a character, without the
boundary's: how far a vowel is from the other vowels, and from the other letters. `chance` is the
share of all sets of five letters that lie as close together as the vowels, or closer, by the ratio
of the two. Takes a minute or two.
"""

import sys
import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from litmore.cli import main as command_line
from litmore.runs.checkpoint import load_model
from litmore.watch.labels import kind
from litmore.watch.parts.embedding_map import plane
from litmore.watch.probes import character_embedding
from stopwatch import ROOT

SMALL = ["--model.embedding_dim=2", "--model.hidden_dim=100"]
MODELS = {
    "bigram, 27 logits": ["bigram"],
    "part 2's MLP, 2 numbers": ["lecture/mlp", *SMALL, "--trainer.max_steps=20000"],
    "`mlp.yaml` with 2 numbers": ["mlp", *SMALL],
    "`mlp.yaml`, 10 numbers": ["mlp"],
}
SEEDS = (1, 2, 3)


def trained(args: list[str]) -> tuple[str, Tensor]:
    """The letters, and their rows of a model that a command line of `fit` has trained."""
    config, *more = args
    with tempfile.TemporaryDirectory() as folder:
        quiet = ["--trainer.default_root_dir", folder, "--trainer.enable_progress_bar=false"]
        if command_line(["fit", "--config", f"{ROOT}/configs/{config}.yaml", *more, *quiet]):
            sys.exit(1)
        (checkpoint,) = Path(folder).glob("**/best.ckpt")
        model = load_model(checkpoint)
    _, rows = character_embedding(model)
    return model.vocabulary.characters, rows.detach()


def compare(letters: str, rows: Tensor) -> tuple[float, float, float]:
    """From vowel to vowel, from vowel to other letter, and the chance."""
    distances = torch.cdist(rows, rows)[1:, 1:]
    vowels = tuple(i for i, letter in enumerate(letters) if kind(letter) == "vowel")
    sets = list(combinations(range(len(letters)), len(vowels)))
    index = torch.tensor(sets)  # (N, 5)
    within = distances[index[:, :, None], index[:, None]].sum((1, 2))
    between = distances[index].sum((1, 2)) - within
    within /= len(vowels) * (len(vowels) - 1)
    between /= len(vowels) * (len(letters) - len(vowels))
    ratio = within / between
    ours = sets.index(vowels)
    return float(within[ours]), float(between[ours]), float((ratio <= ratio[ours]).double().mean())


def main() -> None:
    """Measure and print."""
    table = ["| table | vowel to vowel | vowel to other letter | chance |", "|---|---|---|---|"]
    for name, args in MODELS.items():
        seeds = [trained([*args, f"--seed_everything={seed}"]) for seed in SEEDS]
        found = {name: seeds}
        if seeds[0][1].shape[1] > 2:
            places = [torch.from_numpy(plane(rows.numpy())[0]) for _, rows in seeds]
            found["… as its picture shows them"] = [
                (letters, rows) for (letters, _), rows in zip(seeds, places, strict=True)
            ]
        for what, each in found.items():
            cells = np.array([compare(*rows) for rows in each]).T
            shown = [
                " / ".join(f"{value:.{digits}f}" for value in row)
                for row, digits in zip(cells, (2, 2, 4), strict=True)
            ]
            table.append(f"| {what} | {' | '.join(shown)} |")
    print("\n".join(table))


if __name__ == "__main__":
    main()
