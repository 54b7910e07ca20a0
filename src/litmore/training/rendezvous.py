"""How the processes that torchrun starts, and starts again, find each other."""

import os
import time
from datetime import timedelta
from uuid import uuid4

from torch.distributed import PrefixStore, Store  # type: ignore[attr-defined]

from litmore.errors import RunError


def has_agents_store() -> bool:
    """Whether torchrun serves the store that its processes meet in."""
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


_LOOK = 0.01
"""Seconds between two looks at who has come."""


def fresh_store(store: Store, rank: int, world_size: int, timeout: timedelta) -> Store:
    """A part of the store that these processes share, and none before them has written into.

    torchrun keeps one store over its restarts. Who reads there what a dead process wrote, its
    address for one, waits for it in vain; and how often each was started again, nodes that come and
    go do not agree on. So each process leaves a name that was never there, which the first answers.

    Args:
        store: what torchrun has.
        rank: of this process, of `world_size`.
        world_size: how many there are.
        timeout: how long to wait for all of them.

    Raises:
        RunError: not all of them came.

    """
    own = uuid4().hex
    if rank:
        store.set(f"litmore/here/{rank}", own)
        first = store.get(f"litmore/answer/{own}").decode()
        store.set(f"litmore/heard/{first}/{rank}", "")
        return PrefixStore(first, store)
    missing = set(range(1, world_size))
    until = time.monotonic() + timeout.total_seconds()
    while missing:
        for other in sorted(missing):
            if store.check([f"litmore/here/{other}"]):  # it may be the name of a dead one yet
                name = store.get(f"litmore/here/{other}").decode()
                store.set(f"litmore/answer/{name}", own)
            if store.check([f"litmore/heard/{own}/{other}"]):
                missing.discard(other)
        if missing and time.monotonic() > until:
            raise RunError(f"{len(missing):,} of {world_size:,} processes did not come")
        time.sleep(_LOOK)
    return PrefixStore(own, store)
