"""What a size of a layer may be."""

from litmore.errors import InputError

MOST = {"num_layers": 10_000}
"""Sizes of which each unit is a module, to be made one by one: no machine is done with more."""


def check_sizes(**sizes: int) -> None:
    """Raises InputError if one is below 1, or above what can be made."""
    for name, size in sizes.items():
        if size < 1:
            raise InputError(f"--model.{name} {size}: must be at least 1")
        if size > MOST.get(name, size):
            raise InputError(f"--model.{name} {size}: must be at most {MOST[name]:,}")


def check_dropout(share: float) -> None:
    """Raises InputError if it is no share."""
    if not 0 <= share < 1:
        raise InputError(f"--model.dropout {share}: must be at least 0 and below 1")
