"""What each of several runs side by side has of a machine."""

import os
from pathlib import Path


def share(place: int, of: int) -> dict[str, str]:
    """The environment of a run that shares the machine's cores and GPUs with others.

    Args:
        place: which of them it is, from 0.
        of: how many there are.

    """
    if of == 1:
        return {}
    environment = {}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if "OMP_NUM_THREADS" not in os.environ:
        environment["OMP_NUM_THREADS"] = str(max(1, (cores or 1) // of))
    gpus = _gpus()
    if gpus:
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus[place::of] or [gpus[place % len(gpus)]])
    return environment


def _gpus() -> list[str]:
    """Those that this process may use, by the names that CUDA knows them by."""
    if (named := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [each for each in named.split(",") if each.strip()]
    found = Path("/proc/driver/nvidia/gpus")
    return [str(n) for n in range(len(list(found.iterdir())))] if found.is_dir() else []
