"""What a model makes up while it trains, and what of that it has read."""

import torch

from litmore.corpus.corpus import Corpus
from litmore.models.base import CharLM
from litmore.sampling import sample

SORTS = ("new", "in train", "held out")
MAX_LENGTH = 40

TEXT_LENGTH = 200
"""Characters of running text."""


def sampled(model: CharLM, num_samples: int, seed: int) -> list[str]:
    """So many names, by the same random numbers each time; of running text, one text.

    None of a model whose logits, out of all bounds, are no probabilities.
    """
    generator = torch.Generator(model.device).manual_seed(seed)
    is_text = model.vocabulary.is_text
    number, length = (1, TEXT_LENGTH) if is_text else (num_samples, MAX_LENGTH)
    try:
        return list(sample(model, number, generator=generator, max_length=length))
    except RuntimeError:
        return []


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
