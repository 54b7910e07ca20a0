import pytest
import torch

from litmore.corpus.splits import cut_into_splits
from litmore.corpus.text import MAX_WORD
from litmore.data import Corpus
from litmore.data.views import PAD, Windows, Words

NAMES = ["emma", "o", "ava", "isabella", "j.r.", "x", "y", "sophia", "ava", "mia", "bo", "zoë"]
BLOCK_SIZES = [1, 2, 3, 5, 8]
PARTS = ["whole", "train", "val", "test"]


def starts_of(storage):
    return storage.untyped_storage().data_ptr()


def part_of(name):
    corpus = Corpus.of(NAMES)
    return corpus if name == "whole" else cut_into_splits(corpus, (0.5, 0.25, 0.25), 42)[name]


def lecture_windows(corpus, block_size):
    """The lecture's loop."""
    xs, ys = [], []
    for word in corpus:
        context = [0] * block_size
        for ix in [*corpus.vocabulary.encode(word), 0]:
            xs.append(context)
            ys.append(ix)
            context = [*context[1:], ix]
    return xs, ys


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("block_size", BLOCK_SIZES)
def test_windows_are_the_lectures_examples(part, block_size):
    corpus = part_of(part)
    before = corpus.tokens.clone()
    view = Windows(corpus, block_size)
    x, y = view[torch.arange(len(view))]
    assert (x.tolist(), y.tolist()) == lecture_windows(corpus, block_size)
    assert x.dtype == y.dtype == torch.int64
    assert torch.equal(corpus.tokens, before)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("block_size", [*BLOCK_SIZES, MAX_WORD])
def test_windows_share_the_storage_of_their_corpus(part, block_size):
    corpus = part_of(part)
    assert starts_of(Windows(corpus, block_size).windows) == starts_of(corpus.tokens)


@pytest.mark.parametrize("block_size", BLOCK_SIZES)
def test_windows_are_gathered_in_any_order(block_size):
    corpus = part_of("val")
    xs, ys = lecture_windows(corpus, block_size)
    examples = [3, 0, len(xs) - 1, 3, 1]
    x, y = Windows(corpus, block_size)[torch.tensor(examples)]
    assert x.tolist() == [xs[i] for i in examples]
    assert y.tolist() == [ys[i] for i in examples]


@pytest.mark.parametrize("part", PARTS)
def test_words_are_padded_to_the_longest(part):
    corpus = part_of(part)
    ids = [corpus.vocabulary.encode(word) for word in corpus]
    longest = max(map(len, ids)) + 1
    x, y = Words(corpus)[torch.arange(len(corpus))]
    assert x.tolist() == [[0, *word] + [0] * (longest - 1 - len(word)) for word in ids]
    assert y.tolist() == [[*word, 0] + [PAD] * (longest - 1 - len(word)) for word in ids]
    assert x.dtype == y.dtype == torch.int64


def test_words_are_only_as_wide_as_their_batch():
    corpus = Corpus.of(["emma", "bo", "a", "b"])
    assert Words(corpus)[torch.tensor([2, 3])][0].shape == (2, 2)
    assert Words(corpus)[torch.tensor([3, 1])][0].shape == (2, 3)


def test_each_words_target_is_the_next_input():
    corpus = part_of("whole")
    x, y = Words(corpus)[torch.randperm(len(corpus))]
    character = y[:, :-1] > 0
    assert torch.equal(x[:, 1:][character], y[:, :-1][character])
    assert (x[:, 0] == 0).all()
    assert ((y == 0).sum(1) == 1).all()
    assert (y != PAD).sum() == corpus.num_examples
    assert (x[y == PAD] == 0).all()


@pytest.mark.parametrize("block_size", BLOCK_SIZES)
@pytest.mark.parametrize("part", PARTS)
def test_runs_of_words_equal_the_gather_of_their_examples(part, block_size):
    corpus = part_of(part)
    windows, words = Windows(corpus, block_size), Words(corpus)
    for first, last in [(0, len(corpus)), (0, 1), (1, 3), (2, len(corpus))]:
        examples = torch.arange(int(corpus.offsets[first]), int(corpus.offsets[last]))
        for view, gathered in ((windows, examples), (words, torch.arange(first, last))):
            run, gather = view.of_words(first, last), view[gathered]
            assert torch.equal(run[0], gather[0])
            assert torch.equal(run[1], gather[1])


def test_a_view_is_as_long_as_its_examples():
    corpus = Corpus.of(["emma", "bo"])
    assert (len(Windows(corpus, 3)), len(Words(corpus))) == (8, 2)


@pytest.mark.parametrize(("view", "shapes"), [("windows", [(0, 3), (0,)]), ("words", [(0, 0)] * 2)])
def test_no_examples_make_an_empty_batch(view, shapes):
    corpus = Corpus.of(["emma", "bo"])
    view = Windows(corpus, 3) if view == "windows" else Words(corpus)
    batch = view[torch.tensor([], dtype=torch.long)]
    assert [tuple(part.shape) for part in batch] == shapes
