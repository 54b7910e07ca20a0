"""What a process finds around it that no flag names: its folder, and what a launcher has set."""

import os
from pathlib import Path

from litmore.errors import InputError

COUNTED = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "NODE_RANK",
           "MASTER_PORT", "JSM_NAMESPACE_RANK", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID",
           "SLURM_NTASKS")  # fmt: skip
"""Environment variables that Lightning and torch read as numbers, some as they are imported."""

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables that say how many threads libraries start."""

THREADS_A_CORE = 16
"""More threads than that on one CPU core are refused: starting them may end the process."""


def check_surroundings() -> None:
    """Look at them before anything relies on them.

    Raises:
        InputError: the working directory is gone, or a variable that counts something does not,
            or asks for more threads than there can be.

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
    for name in THREADS:
        value = os.environ.get(name, "")
        if value.isascii() and value.isdecimal():
            check_threads(f"{name}={value} in the environment", int(value))


def check_threads(named: str, number: int) -> None:
    """Whether this machine's CPU can run so many.

    Args:
        named: what asks for them.
        number: of threads.

    Raises:
        InputError: it cannot.

    """
    cores = os.cpu_count() or 1
    if number > THREADS_A_CORE * cores:
        most = THREADS_A_CORE * cores
        raise InputError(f"{named}: {cores} CPU core(s) run {most} threads at the most")
