import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from litmore.corpus.vocabulary import BOUNDARY, UNKNOWN, Vocabulary
from litmore.errors import InputError

ALPHABETS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=30)


def codepoints(text):
    return np.array([ord(character) for character in text], dtype=np.uint32)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_holds_the_characters_of_a_text_sorted(text):
    vocabulary = Vocabulary.of(codepoints(text))
    assert vocabulary.characters == "".join(sorted(set(text) - {"\n"}))
    assert len(vocabulary) == len(vocabulary.characters) + 1


@given(ALPHABETS.map(lambda text: "".join(dict.fromkeys(text))), st.data())
def test_text_and_ids_are_inverse(characters, data):
    vocabulary = Vocabulary(characters)
    text = data.draw(st.text(st.sampled_from([*characters, "\n"])))
    ids = vocabulary.ids(codepoints(text))
    assert ids.tolist() == [0 if c == "\n" else 1 + characters.index(c) for c in text]
    assert vocabulary.text(torch.from_numpy(ids)) == text


def test_ids_follow_the_order_given():
    assert Vocabulary("zea").encode("aez") == [3, 2, 1]


def test_the_boundary_reads_as_a_newline_and_not_as_a_character():
    vocabulary = Vocabulary(".a")
    assert vocabulary.text(torch.tensor([[BOUNDARY, 1], [2, BOUNDARY]])) == "\n.a\n"
    assert vocabulary.encode(".") == [1]


def test_strangers_have_no_id():
    vocabulary = Vocabulary("ab")
    assert vocabulary.encode("axb\n") == [1, UNKNOWN, 2, UNKNOWN]
    assert vocabulary.ids(codepoints("axb")).tolist() == [1, UNKNOWN, 2]
    assert vocabulary.unknown("zaxbzy") == ["z", "x", "y"]
    assert vocabulary.unknown("abba") == []


@pytest.mark.parametrize(
    ("num_characters", "dtype"),
    [
        (0, "uint8"),
        (26, "uint8"),
        (255, "uint8"),
        (256, "int16"),
        (32767, "int16"),
        (32768, "int32"),
    ],
)
def test_ids_have_the_smallest_type_that_holds_them(num_characters, dtype):
    characters = "".join(map(chr, range(0x20000, 0x20000 + num_characters)))
    assert Vocabulary(characters).dtype == dtype


@pytest.mark.parametrize("characters", ["aba", "a\nb", "\na\n", "éé"])
def test_refuses_a_repetition_and_a_newline(characters):
    with pytest.raises(InputError, match=r"^vocabulary .* stands twice or is a newline$"):
        Vocabulary(characters)


def test_equal_characters_make_equal_vocabularies():
    assert Vocabulary("ab") == Vocabulary("ab") != Vocabulary("ba")
