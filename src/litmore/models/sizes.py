"""What a size of a layer may be."""

from litmore.errors import InputError


def check_sizes(**sizes: int) -> None:
    """Raises InputError if one is below 1."""
    for name, size in sizes.items():
        if size < 1:
            raise InputError(f"--model.{name} {size}: must be at least 1")


def check_dropout(share: float) -> None:
    """Raises InputError if it is no share."""
    if not 0 <= share < 1:
        raise InputError(f"--model.dropout {share}: must be at least 0 and below 1")
