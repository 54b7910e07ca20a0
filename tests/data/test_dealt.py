"""The count table dealt out to batches."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from litmore.data import Corpus, NamesDataModule
from litmore.data.counts import Counts
from litmore.data.dealt import Dealt, apportion
from litmore.data.loader import BatchLoader
from litmore.models import MLP
from litmore.models.losses import total_nll

WORDS = st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=30)


def epoch(view, batch_size, epoch=0, seed=0, **shards):
    loader = BatchLoader(view, batch_size, order=view.training_order(seed, batch_size), **shards)
    loader.sampler.set_epoch(epoch)
    return list(loader)


def added_up(batches):
    """What a whole epoch says of each context."""
    sums = {}
    for x, y in batches:
        for context, row in zip(x.tolist(), y, strict=True):
            sums[tuple(context)] = sums.get(tuple(context), 0) + row
    return sums


@given(WORDS, st.integers(1, 3), st.integers(1, 50), st.integers(0, 3))
def test_an_epoch_adds_up_to_the_table(words, block_size, batch_size, number):
    counts = Counts(Corpus.of(words), block_size)
    sums = added_up(epoch(Dealt(counts, batch_size), batch_size, number))
    x, y = counts[torch.arange(len(counts))]
    assert sums.keys() == set(map(tuple, x.tolist()))
    for context, row in zip(x.tolist(), y, strict=True):
        torch.testing.assert_close(sums[tuple(context)], row)


@given(WORDS, st.integers(1, 50))
def test_no_batch_holds_a_context_twice_and_all_are_of_one_size(words, batch_size):
    counts = Counts(Corpus.of(words), 2)
    batches = epoch(Dealt(counts, batch_size), batch_size)
    assert {len(x) for x, _ in batches} == {min(batch_size, len(counts))}
    for x, _ in batches:
        assert len(set(map(tuple, x.tolist()))) == len(x)


def test_where_all_contexts_fit_into_a_batch_it_is_the_table():
    counts = Counts(Corpus.of(["emma", "olivia", "ava"]), 3)
    ((x, y),) = epoch(Dealt(counts, 1000), 1000)
    order = x.tolist().index([0, 0, 0])
    assert y[order].sum() == 3
    assert len(x) == len(counts)


def test_epochs_and_seeds_are_dealt_anew_and_the_same_again():
    view = Dealt(Counts(NamesDataModule(max_words=200).corpus, 3), 64)
    first = [x.tolist() for x, _ in epoch(view, 64)]
    assert first == [x.tolist() for x, _ in epoch(view, 64)]
    assert first != [x.tolist() for x, _ in epoch(view, 64, epoch=1)]
    assert first != [x.tolist() for x, _ in epoch(view, 64, seed=1)]


def test_two_processes_share_what_one_is_dealt():
    counts = Counts(NamesDataModule(max_words=200).corpus, 3)
    whole = epoch(Dealt(counts, 64), 64)
    shares = [epoch(Dealt(counts, 64), 32, rank=rank, world_size=2) for rank in (0, 1)]
    for (x, y), *parts in zip(whole, *shares, strict=True):
        assert torch.equal(x, torch.cat([part[0] for part in parts]))
        assert torch.equal(y, torch.cat([part[1] for part in parts]))


def test_its_batches_gradients_are_near_the_tables():
    """Nearer than those of as many whole contexts by chance: what the dealing is for."""
    data = NamesDataModule()
    counts = Counts(data.splits["train"], 3)
    torch.manual_seed(0)
    model = MLP(data.vocabulary.characters)

    def gradient(batch):
        model.zero_grad()
        (total_nll(model(batch.x), batch) / batch.num_predicted()).backward()
        return torch.cat([p.grad.flatten() for p in model.parameters()])

    whole = gradient(counts[torch.arange(len(counts))])

    def distance(batches):
        return sum(float((gradient(batch) - whole).norm()) for batch in batches) / len(batches)

    dealt, by_chance = epoch(Dealt(counts, 512), 512)[:6], epoch(counts, 512)[:6]
    assert distance(dealt) < 0.5 * distance(by_chance)


VOTES = st.lists(st.integers(1, 10_000), min_size=1, max_size=30)


@given(VOTES, st.integers(1, 20), st.data())
def test_seats_are_given_by_votes(votes, most, data):
    seats = data.draw(st.integers(len(votes), most * len(votes)))
    votes = torch.tensor(votes, dtype=torch.float32)
    given = apportion(votes, seats, most)
    assert given.sum() == seats
    assert given.min() >= 1
    assert given.max() <= most
    # Who has more votes has no fewer seats.
    order = votes.argsort()
    for few, many in pairwise(order.tolist()):
        assert votes[few] == votes[many] or given[few] <= given[many]


@pytest.mark.parametrize(("votes", "seats", "expected"), [([5, 3, 1], 9, [5, 3, 1])])
def test_proportional_votes_get_proportional_seats(votes, seats, expected):
    assert apportion(torch.tensor(votes).float(), seats, seats).tolist() == expected
