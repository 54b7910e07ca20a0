"""How far something is that may take more than some seconds."""

import os
import sys

from tqdm import tqdm


def progress(what: str, total: int, unit: str) -> tqdm:
    """A bar on a terminal's stderr, of the first process alone; what is done at once shows none."""
    return tqdm(
        total=total,
        desc=what,
        unit=unit,
        unit_scale=True,
        delay=2.0,
        leave=False,
        disable=not sys.stderr.isatty() or os.environ.get("LOCAL_RANK", "0") != "0",
    )
