"""Processes that are started again meet by what none before them has written."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from torch.distributed import HashStore

from litmore.errors import RunError
from litmore.training.rendezvous import fresh_store

LONG = timedelta(seconds=20)


def meet(store, ranks, world_size, timeout=LONG):
    """What each of these ranks gets, all at once; the first rank is asked last."""
    with ThreadPoolExecutor(len(ranks)) as pool:
        return [
            future.result()
            for future in [
                pool.submit(fresh_store, store, rank, world_size, timeout) for rank in ranks
            ]
        ]


@pytest.mark.parametrize("world_size", [1, 2, 5])
def test_they_share_a_place_that_is_empty(world_size):
    store = HashStore()
    for attempt in range(4):
        places = meet(store, range(world_size)[::-1], world_size)
        assert not places[0].check(["address"])
        places[-1].set("address", str(attempt))
        assert {place.get("address") for place in places} == {str(attempt).encode()}


def test_the_dead_do_not_count():
    store = HashStore()
    for rank in (1, 2):  # they came, and the first one never did
        store.set(f"litmore/here/{rank}", "dead")
    with pytest.raises(RunError, match="2 of 3 processes did not come"):
        meet(store, [0], 3, timedelta(seconds=0.2))
    first, *others = meet(store, [0, 1, 2], 3)
    first.set("key", "value")
    assert [other.get("key") for other in others] == [b"value"] * 2
