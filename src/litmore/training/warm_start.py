"""What a new run begins with: another's weights, as far as they fit; and what of them stays."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import accumulate
from typing import NamedTuple

from torch import Tensor, nn

from litmore.errors import InputError, nearest

NAMES_TOLD = 20
"""Names of parameters that a refusal lists."""


class Fitted(NamedTuple):
    """What became of a file's weights: names and shapes.

    A weight of another shape there than here stands in `left` and in `new`.
    """

    loaded: dict[str, tuple[int, ...]]
    left: dict[str, tuple[int, ...]]
    """In the file, and not used."""
    new: dict[str, tuple[int, ...]]
    """In the model, and as it was made."""


class Frozen(NamedTuple):
    """What does not train, and how many numbers that is."""

    names: list[str]
    frozen: int
    trained: int


def load_fitting(model: nn.Module, state_dict: Mapping[str, Tensor]) -> Fitted:
    """Load into parameters and buffers what fits by name and shape; all else stays as it was.

    Raises:
        InputError: nothing fits.

    """
    theirs, ours = (
        {name: tuple(of.shape) for name, of in state.items() if isinstance(of, Tensor)}
        for state in (state_dict, model.state_dict())
    )
    loaded = {name: shape for name, shape in theirs.items() if ours.get(name) == shape}
    if not loaded:
        raise InputError("none of its weights fits the model by name and shape")
    model.load_state_dict({name: state_dict[name] for name in loaded}, strict=False)
    left, new = (
        {name: shape for name, shape in shapes.items() if name not in loaded}
        for shapes in (theirs, ours)
    )
    return Fitted(loaded, left, new)


def freeze(model: nn.Module, patterns: Sequence[str]) -> Frozen:
    """Let the parameters that match a pattern take no gradient, and so no step.

    Args:
        model: its parameters are changed in place.
        patterns: as a shell's; each stands for a parameter's whole dotted name or a leading part
            of it: `embedding` for `embedding.weight`, `*.bias` for each bias.

    Raises:
        InputError: a pattern matches no parameter, or nothing is left to train. The message begins
            with the pattern; the model is as it was.

    """
    # A parameter that two layers share has two names.
    named = dict(model.named_parameters(remove_duplicate=False))
    parts = {name: list(accumulate(name.split("."), "{}.{}".format)) for name in named}
    chosen = set()
    for pattern in patterns:
        matched = {n for n in named if any(fnmatchcase(part, pattern) for part in parts[n])}
        if not matched:
            raise InputError(f"{pattern}: no such parameter{_meant(pattern, parts)}")
        chosen |= {id(named[name]) for name in matched}
    kept = [p for p in model.parameters() if p.requires_grad and id(p) not in chosen]
    if not kept:
        raise InputError(f"{','.join(patterns)}: nothing would be left to train")
    for parameter in named.values():
        if id(parameter) in chosen:
            parameter.requires_grad_(False)
    still = {name: p for name, p in model.named_parameters() if not p.requires_grad}
    return Frozen(list(still), sum(p.numel() for p in still.values()), sum(p.numel() for p in kept))


def _meant(pattern: str, parts: Mapping[str, Sequence[str]]) -> str:
    """The name that may be meant, or those that there are."""
    there = list(dict.fromkeys(part for name in parts for part in parts[name]))
    if meant := nearest(pattern, there):
        return meant
    more = ", …" if len(parts) > NAMES_TOLD else ""
    return f" (there are {', '.join(list(parts)[:NAMES_TOLD]) or 'none'}{more})"
