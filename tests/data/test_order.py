import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from litmore.data import Corpus
from litmore.data.loader import BatchLoader
from litmore.data.order import LikeLength
from litmore.data.views import PAD, Words

WORDS = Corpus.of(["ab" * (1 + i % 7) + "c" * (i % 3) for i in range(500)])


def words(batch_size, epoch=0, seed=0, rank=0, world_size=1):
    view = Words(WORDS)
    order = view.training_order(seed, batch_size * world_size)
    loader = BatchLoader(view, batch_size, order=order, rank=rank, world_size=world_size)
    loader.sampler.set_epoch(epoch)
    return list(loader)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=60),
    st.integers(1, 70),
    st.integers(0, 2**31),
)
def test_every_example_comes_once(lengths, batch_size, seed):
    order = LikeLength(torch.tensor(lengths), batch_size, seed).order()
    assert sorted(order.tolist()) == list(range(len(lengths)))


@given(st.lists(st.integers(1, 99), min_size=1, max_size=200), st.integers(1, 50))
def test_batches_of_an_epoch_lie_apart_by_length(lengths, batch_size):
    of = torch.tensor(lengths)
    batches = of[LikeLength(of, batch_size, 0).order()].split(batch_size)
    whole = sorted((batch.min().item(), batch.max().item()) for batch in batches[:-1])
    assert all(low[1] <= high[0] for low, high in itertools.pairwise(whole))


def test_the_order_is_a_function_of_seed_and_epoch():
    def order(seed, epoch):
        made = LikeLength(WORDS.lengths, 8, seed)
        made.set_epoch(epoch)
        return made.order().tolist()

    assert order(1, 2) == order(1, 2)
    assert len({tuple(order(seed, epoch)) for seed in (0, 1) for epoch in (0, 1)}) == 4


def test_batches_of_all_lengths_come_at_any_time():
    lengths = torch.tensor([x.shape[1] for epoch in range(40) for x, _ in words(50, epoch)[:2]])
    assert len(lengths.unique()) > 5


def test_little_is_padding():
    everything = [y for _, y in words(64)]
    padding = sum(int((y == PAD).sum()) for y in everything)
    assert padding < 0.12 * sum(y.numel() for y in everything)


@pytest.mark.parametrize("world_size", [2, 3, 7])
@pytest.mark.parametrize("batch_size", [5, 64])
def test_processes_share_the_batches_of_one(batch_size, world_size):
    def spelt(batch):
        return [bytes(word[word != PAD].tolist()) for word in batch.y]

    one = words(batch_size * world_size)
    parts = [words(batch_size, rank=rank, world_size=world_size) for rank in range(world_size)]
    for batch, *shares in zip(one, *parts, strict=True):
        assert spelt(batch) == [word for share in shares for word in spelt(share)]
