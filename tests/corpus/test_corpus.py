import re
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from litmore.corpus import corpus as corpus_module
from litmore.corpus.characters import named
from litmore.corpus.text import MAX_WORD
from litmore.data import Corpus, Vocabulary
from litmore.errors import InputError

WORDS = st.lists(st.text("ab.é", min_size=1, max_size=4), max_size=30)
NAMES = ["emma", "olivia", "ava", "isabella", "sophia", "ava", "mia"]


def starts_of(storage):
    return storage.untyped_storage().data_ptr()


@given(WORDS)
def test_words_lie_side_by_side_with_a_boundary_between(words):
    corpus = Corpus.of(words)
    id_of = {c: i for i, c in enumerate(sorted(set("".join(words))), 1)}
    tokens, offsets = [0], [0]
    for word in words:
        tokens += [*(id_of[character] for character in word), 0]
        offsets.append(len(tokens) - 1)
    assert corpus.tokens.tolist() == tokens
    assert corpus.offsets.tolist() == offsets
    assert corpus.tokens.is_contiguous()
    assert corpus.lengths.tolist() == [len(word) + 1 for word in words]
    assert corpus.num_examples == sum(len(word) + 1 for word in words)
    assert len(corpus) == len(words)
    assert list(corpus) == words


@pytest.mark.parametrize(
    ("num_characters", "dtype"),
    [
        (255, torch.uint8),
        (256, torch.int16),
        (32767, torch.int16),
        (32768, torch.int32),
    ],
)
def test_tokens_have_the_smallest_type_that_holds_the_vocabulary(num_characters, dtype):
    words = list(map(chr, range(0x20000, 0x20000 + num_characters)))
    corpus = Corpus.of(words)
    assert corpus.tokens.dtype == dtype
    assert corpus.tokens.long().max() == num_characters
    assert list(corpus) == words


def test_file_and_memory_give_the_same(word_file):
    read, made = Corpus.read(word_file(NAMES)), Corpus.of(NAMES)
    assert torch.equal(read.tokens, made.tokens)
    assert torch.equal(read.offsets, made.offsets)
    assert read.vocabulary == made.vocabulary == Vocabulary("abehilmopsv")


SLICES = [
    slice(None),
    slice(0, 2),
    slice(2, 5),
    slice(3, None),
    slice(-2, None),
    slice(None, -1),
    slice(2, 2),
    slice(5, 1),
    slice(0, 0),
    slice(7, None),
    slice(50, 60),
]


@pytest.mark.parametrize("words", SLICES, ids=str)
def test_a_slice_is_a_view_of_the_same_storage(words):
    corpus = Corpus.of(NAMES)
    part = corpus[words]
    assert list(part) == NAMES[words]
    assert starts_of(part.tokens) == starts_of(corpus.tokens)
    assert list(part[1:]) == NAMES[words][1:]


@pytest.mark.parametrize("step", [-1, 2])
def test_slices_go_in_steps_of_one(step):
    with pytest.raises(IndexError, match="steps of 1"):
        Corpus.of(NAMES)[::step]


@given(WORDS.filter(bool), st.data())
def test_select_gathers_words_into_a_storage_of_their_own(words, data):
    indices = data.draw(st.lists(st.integers(0, len(words) - 1)))
    corpus = Corpus.of(words)
    chosen = corpus.select(torch.tensor(indices, dtype=torch.long))
    assert list(chosen) == [words[i] for i in indices]
    assert chosen.tokens.dtype == corpus.tokens.dtype
    assert starts_of(chosen.tokens) != starts_of(corpus.tokens)


def test_each_storage_begins_with_the_longest_context_of_its_first_character(word_file):
    corpus = Corpus.of(NAMES)
    whole = [corpus, Corpus.read(word_file(NAMES)), corpus.shuffled(42), corpus.unique()]
    for one in (*whole, corpus[3:].select(torch.tensor([1, 0]))):
        assert one.tokens.storage_offset() == MAX_WORD - 1
        before = one.tokens.as_strided((MAX_WORD,), (1,), 0)
        assert before.tolist() == [0] * MAX_WORD


def test_select_gathers_more_words_than_one_chunk():
    words = torch.arange(600_000) % len(NAMES)
    chosen = Corpus.of(NAMES).select(words)
    assert torch.equal(chosen.lengths, Corpus.of(NAMES).lengths[words])
    assert list(chosen) == [NAMES[i] for i in words.tolist()]


@given(WORDS, st.integers(1, 9))
def test_going_through_a_corpus_in_runs_changes_nothing(words, tokens):
    corpus, at_once = Corpus.of(words), Corpus.of(words).tokens[1:].bincount(minlength=5)
    order = torch.arange(len(words)).flip(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus_module, "_TOKENS", tokens)
        assert list(corpus.select(order)) == words[::-1]
        assert corpus.known(corpus[1:]).all()
        assert corpus.frequencies().tolist() == at_once[: len(corpus.vocabulary)].tolist()


@given(WORDS)
def test_spellings_number_the_distinct_words(words):
    spellings = Corpus.of(words).spellings().tolist()
    assert len(spellings) == len(words)
    assert len(set(zip(spellings, words, strict=True))) == len(set(words)) == len(set(spellings))


def test_spellings_tell_ids_beyond_a_byte_apart():
    words = [chr(0x4E00 + i) + chr(0x4E00 + j) for i in (0, 1, 255, 256, 299) for j in range(300)]
    corpus = Corpus.of([*words, *words])
    spellings = corpus.spellings().tolist()
    assert len(set(spellings)) == len(words)
    assert spellings[: len(words)] == spellings[len(words) :]


@given(WORDS)
def test_unique_keeps_first_appearances(words):
    assert list(Corpus.of(words).unique()) == list(dict.fromkeys(words))


@given(WORDS, WORDS)
def test_known_words_are_those_that_also_stand_here(here, there):
    vocabulary = Vocabulary(".abé")
    known = Corpus.of(here, vocabulary).known(Corpus.of(there, vocabulary))
    assert known.tolist() == [word in set(here) for word in there]


def test_known_words_of_slices():
    corpus = Corpus.of(NAMES)
    assert corpus[:3].known(corpus[4:]).tolist() == [False, True, False]


def test_a_given_vocabulary_sets_the_ids():
    corpus = Corpus.of(["ab", "b"], Vocabulary("xba"))
    assert corpus.tokens.tolist() == [0, 3, 2, 0, 2, 0]
    assert corpus.vocabulary == Vocabulary("xba")


def test_a_full_stop_is_a_character_like_any_other(word_file):
    words = ["j.r.", ".", "...", "a"]
    corpus = Corpus.read(word_file(words))
    assert corpus.vocabulary == Vocabulary(".ajr")
    assert corpus.tokens.tolist() == [0, 3, 1, 4, 1, 0, 1, 0, 1, 1, 1, 0, 2, 0]
    assert list(corpus) == words


STRANGERS = {
    "in the first line": ("emmy\nann\n", 1, "y"),
    "further on": ("emma\n\n\r\nann\nmary\n", 5, "y"),
    "the first of several": ("a\nbc\nd\n", 2, "b"),
    "beyond ASCII": ("emma\nzoë\n", 2, "z"),
    "a space within a word, others at edges": ("emma \nann marie\n", 2, " "),
    "a byte-order mark within, another before": ("\ufeffemma\nann\ufeff\n", 2, "\ufeff"),
}


@pytest.mark.parametrize(("text", "line", "stranger"), STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_is_named_with_file_and_line(tmp_path, text, line, stranger):
    path = tmp_path / "words.txt"
    path.write_text(text, encoding="utf-8", newline="")
    start = re.escape(f"{path}:{line}: {named(stranger)}, ")
    with pytest.raises(InputError, match=f"^{start}.*not among .* 5 characters, aemnr$"):
        Corpus.read(path, Vocabulary("aemnr"))


def test_a_stranger_in_memory_is_named_with_its_word():
    with pytest.raises(InputError, match=r"^word 3: 'c' \(U\+0063\), in 'bc…'"):
        Corpus.of(["a", "b", "bc"], Vocabulary("ab"))


@pytest.mark.parametrize("words", [["a", ""], ["a\nb"]])
def test_words_from_memory_are_neither_empty_nor_two(words):
    with pytest.raises(InputError, match="empty or holds a newline"):
        Corpus.of(words)


def test_a_file_that_cannot_be_used_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        Corpus.read(Path(tmp_path / "none.txt"))
