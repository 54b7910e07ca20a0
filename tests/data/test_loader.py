import json
from itertools import chain, islice

import numpy as np
import pytest
import torch

from litmore.data import Corpus
from litmore.data import order as order_module
from litmore.data.loader import BatchLoader, WordLoader
from litmore.data.order import RandomOrder
from litmore.data.views import Windows, Words

NAMES = [a + b for a in "klmn" for b in "aeiouy"][:23]
CORPUS = Corpus.of(NAMES)
PINNED = {
    (0, 0): [7, 0, 9, 2, 1, 3, 8, 4, 6, 5],
    (0, 1): [1, 9, 4, 3, 8, 6, 2, 7, 0, 5],
    (42, 0): [3, 7, 6, 4, 2, 8, 9, 0, 5, 1],
}
"""Orders by (seed, epoch): the lectures' figures hang on them."""
BATCH_SIZES = [1, 4, 5, 22, 23, 100]


def loader(batch_size=4, epoch=0, shuffle=False, seed=0, **settings):
    view = Words(CORPUS)
    order = RandomOrder(len(view), seed) if shuffle else None
    made = BatchLoader(view, batch_size, order=order, **settings)
    made.sampler.set_epoch(epoch)
    return made


def words_of(batch):
    return [CORPUS.vocabulary.text(x).strip("\n") for x in batch[0]]


def served(batches):
    """The words of each batch."""
    return [words_of(batch) for batch in batches]


def in_a_row(batches):
    return list(chain(*served(batches)))


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_serves_every_example_once(batch_size, shuffle):
    batches = served(loader(batch_size, shuffle=shuffle))
    assert sorted(chain(*batches)) == sorted(NAMES)
    full, rest = divmod(len(NAMES), batch_size)
    assert [len(batch) for batch in batches] == [batch_size] * full + [rest] * (rest > 0)


@pytest.mark.parametrize("epoch", [0, 1])
def test_unshuffled_keeps_the_order(epoch):
    assert in_a_row(loader(epoch=epoch)) == NAMES


def test_serves_x_and_y_of_the_view():
    view = Windows(CORPUS, 3)
    whole = view[torch.arange(len(view))]
    x, y = (torch.cat(parts) for parts in zip(*BatchLoader(view, 7), strict=True))
    assert torch.equal(x, whole[0])
    assert torch.equal(y, whole[1])


def test_the_order_is_a_function_of_seed_and_epoch():
    orders = {
        (seed, epoch): in_a_row(loader(shuffle=True, seed=seed, epoch=epoch))
        for seed in (0, 1, 42, 2**32 - 1)
        for epoch in range(4)
    }
    assert len(set(map(tuple, orders.values()))) == len(orders)
    assert tuple(NAMES) not in set(map(tuple, orders.values()))
    for (seed, epoch), order in orders.items():
        torch.manual_seed(seed + epoch)
        assert in_a_row(loader(shuffle=True, seed=seed, epoch=epoch, batch_size=5)) == order


def test_the_global_generator_is_neither_asked_nor_moved():
    torch.manual_seed(1)
    batches = iter(loader(shuffle=True, seed=7))
    first = [next(batches) for _ in range(2)]
    state = torch.get_rng_state()
    torch.manual_seed(2)
    order = in_a_row(first) + in_a_row(batches)
    assert order == in_a_row(loader(shuffle=True, seed=7))
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_same_loader_serves_another_order_next_epoch():
    one = loader(shuffle=True)
    first = in_a_row(one)
    assert in_a_row(one) == first
    one.sampler.set_epoch(1)
    assert in_a_row(one) == in_a_row(loader(shuffle=True, epoch=1)) != first


@pytest.mark.parametrize("batch_size", [1, 4, 7, 8, 100])
@pytest.mark.parametrize("world_size", [2, 3])
def test_processes_together_serve_the_batches_of_one(world_size, batch_size):
    ranks = [
        loader(batch_size, shuffle=True, seed=3, epoch=2, rank=rank, world_size=world_size)
        for rank in range(world_size)
    ]
    steps = list(zip(*map(served, ranks), strict=True))
    alone = served(loader(batch_size * world_size, shuffle=True, seed=3, epoch=2))
    assert [list(chain(*step)) for step in steps] == alone
    assert {len(rank) for rank in ranks} == {len(alone)}
    for step in steps:
        sizes = [len(share) for share in step]
        assert max(sizes) - min(sizes) <= 1
        assert max(sizes) <= batch_size


@pytest.mark.parametrize("world_size", [1, 2, 3])
@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_len_is_the_number_of_batches(batch_size, world_size):
    one = loader(batch_size, world_size=world_size)
    assert len(one) == len(list(one)) == len(range(0, len(NAMES), batch_size * world_size))


def test_the_order_is_a_permutation_drawn_at_once():
    mixed = np.random.SeedSequence([3, 2]).generate_state(1, np.uint64)
    generator = torch.Generator().manual_seed(int(mixed[0] >> np.uint64(1)))
    expected = torch.randperm(len(NAMES), generator=generator)
    assert in_a_row(loader(shuffle=True, seed=3, epoch=2)) == [NAMES[i] for i in expected]


def test_the_orders_are_those_they_always_were():
    orders = {(seed, epoch): RandomOrder(10, seed) for seed, epoch in [(0, 0), (0, 1), (42, 0)]}
    for (_, epoch), order in orders.items():
        order.set_epoch(epoch)
    assert {key: list(order) for key, order in orders.items()} == PINNED


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_an_order_too_long_to_be_held_is_one_all_the_same(batch_size, monkeypatch):
    drawn = in_a_row(loader(shuffle=True))
    monkeypatch.setattr(order_module, "HELD", len(NAMES) - 1)
    first, again, second = (
        in_a_row(loader(batch_size, shuffle=True, epoch=epoch)) for epoch in (0, 0, 1)
    )
    assert sorted(first) == sorted(second) == sorted(NAMES)
    assert first == again
    assert len({tuple(each) for each in (first, second, drawn, NAMES)}) == 4
    assert [NAMES[i] for i in loader(shuffle=True).sampler] == first
    resumed = loader(batch_size, shuffle=True)
    resumed.load_state_dict(interrupted(1, batch_size=batch_size))
    assert in_a_row(resumed) == first[batch_size:]


# Going on from a checkpoint


def interrupted(after, **settings):
    """A loader that served so many batches, as its saved state."""
    stopped = loader(shuffle=True, **settings)
    list(islice(stopped, after))
    return json.loads(json.dumps(stopped.state_dict()))


def set_epoch_first(one, state, epoch):
    one.sampler.set_epoch(epoch)
    one.load_state_dict(state)


def load_first(one, state, epoch):
    one.load_state_dict(state)
    one.sampler.set_epoch(epoch)


@pytest.mark.parametrize("restore", [set_epoch_first, load_first])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("after", [0, 1, 3, 5])
def test_goes_on_after_the_batch_served_last(after, shuffle, restore):
    stopped = loader(shuffle=shuffle, epoch=3)
    batches = iter(stopped)
    before = served(islice(batches, after))
    resumed = loader(shuffle=shuffle)
    restore(resumed, stopped.state_dict(), 3)
    rest = served(resumed)
    assert rest == served(batches)
    assert before + rest == served(loader(shuffle=shuffle, epoch=3))


@pytest.mark.parametrize("world_size", [2, 3])
def test_every_process_goes_on_with_its_own_share(world_size):
    for rank in range(world_size):
        settings = {"epoch": 1, "rank": rank, "world_size": world_size, "batch_size": 2}
        resumed = loader(shuffle=True, **settings)
        resumed.load_state_dict(interrupted(2, **settings))
        assert served(resumed) == served(loader(shuffle=True, **settings))[2:]


def test_a_resumed_epoch_can_be_interrupted_again():
    resumed = loader(shuffle=True, epoch=1)
    resumed.load_state_dict(interrupted(2, epoch=1))
    list(islice(resumed, 1))
    again = loader(shuffle=True, epoch=1)
    again.load_state_dict(resumed.state_dict())
    assert served(again) == served(loader(shuffle=True, epoch=1))[3:]


def test_a_state_just_loaded_is_the_state_saved():
    state = interrupted(2, epoch=1)
    resumed = loader(shuffle=True, epoch=1)
    resumed.load_state_dict(state)
    assert resumed.state_dict() == state


def test_the_epoch_after_a_resumed_one_is_whole():
    resumed = loader(shuffle=True, epoch=1)
    resumed.load_state_dict(interrupted(2, epoch=1))
    list(resumed)
    for epoch in (2, 1):
        resumed.sampler.set_epoch(epoch)
        assert served(resumed) == served(loader(shuffle=True, epoch=epoch))


@pytest.mark.parametrize("after", [2, 6])
def test_a_state_of_an_older_epoch_is_no_place_in_this_one(after):
    resumed = loader(shuffle=True, epoch=2)
    resumed.load_state_dict(interrupted(after, epoch=1))
    assert served(resumed) == served(loader(shuffle=True, epoch=2))


def test_a_state_saved_between_two_epochs_starts_the_next_one_whole():
    stopped = loader(shuffle=True, epoch=0)
    list(stopped)
    stopped.sampler.set_epoch(1)
    resumed = loader(shuffle=True, epoch=1)
    resumed.load_state_dict(stopped.state_dict())
    assert served(resumed) == served(loader(shuffle=True, epoch=1))


# Whole words


@pytest.mark.parametrize("view", [Windows(CORPUS, 3), Words(CORPUS)], ids=["windows", "words"])
@pytest.mark.parametrize("batch_size", [1, 5, 23, 100])
def test_words_are_served_in_order_with_all_their_examples(view, batch_size):
    one = WordLoader(view, len(NAMES), batch_size)
    batches = list(one)
    assert len(one) == len(batches) == len(range(0, len(NAMES), batch_size))
    firsts = range(0, len(NAMES), batch_size)
    for first, (x, y) in zip(firsts, batches, strict=True):
        run = view.of_words(first, min(first + batch_size, len(NAMES)))
        assert torch.equal(x, run[0])
        assert torch.equal(y, run[1])


@pytest.mark.parametrize("sizes", [(1, 2, 1), (2, 3), (3, 1), (2, 1, 2)])
@pytest.mark.parametrize("after", [1, 2])
def test_other_sizes_serve_each_example_once(sizes, after):
    state, seen = None, []
    for turn, size in enumerate(sizes, 1):
        ranks = [
            loader(3, epoch=1, shuffle=True, seed=3, rank=rank, world_size=size)
            for rank in range(size)
        ]
        for rank in ranks:
            if state is not None:
                rank.load_state_dict(state)
        whole, left = len(ranks[0]), len(ranks[0]) - ranks[0].served
        steps = list(islice(zip(*ranks, strict=True), None if turn == len(sizes) else after))
        seen += [word for batches in steps for word in in_a_row(batches)]
        assert 0 < len(steps) <= left <= whole
        state = json.loads(json.dumps(ranks[0].state_dict()))
    assert len(steps) == left
    assert sorted(seen) == sorted(NAMES)
    assert seen == in_a_row(loader(1, epoch=1, shuffle=True, seed=3))
