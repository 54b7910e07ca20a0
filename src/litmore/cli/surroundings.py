"""What a process finds around it that no flag names: its folder, and what a launcher has set."""

import os
from pathlib import Path

from litmore.errors import InputError

COUNTED = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "NODE_RANK",
           "MASTER_PORT", "JSM_NAMESPACE_RANK", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID",
           "SLURM_NTASKS")  # fmt: skip
"""Environment variables that Lightning and torch read as numbers, some as they are imported."""


def check_surroundings() -> None:
    """Look at them before anything relies on them.

    Raises:
        InputError: the working directory is gone, or a variable that counts something does not.

    """
    try:
        Path.cwd()
    except OSError as error:
        raise InputError(
            f"the working directory cannot be used ({error.strerror}): cd to one that is there"
        ) from None
    for name in COUNTED:
        value = os.environ.get(name, "0")
        if not (value.isascii() and value.isdecimal()):
            raise InputError(
                f"{name}={value!r} in the environment: must be a number; `unset {name}`, if nobody"
                " has started several processes"
            )
