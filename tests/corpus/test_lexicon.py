import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmore.corpus.lexicon import Lexicon, Spans

WORDS = st.lists(st.lists(st.integers(1, 3), max_size=20), max_size=30)


def stored(words, dtype="uint8"):
    """Words as a corpus keeps them; here they may be empty too."""
    tokens, starts = [0], []
    for word in words:
        starts.append(len(tokens))
        tokens += [*word, 0]
    lengths = np.array([len(word) for word in words], dtype=np.int64)
    return Spans(np.array(tokens, dtype=dtype), np.array(starts, dtype=np.int64), lengths)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32"])
@given(words=WORDS, others=WORDS)
def test_the_same_number_for_the_same_spelling(dtype, words, others):
    lexicon = Lexicon(stored(words, dtype))
    numbers = lexicon.find(stored(words, dtype)).tolist()
    number_of = dict(zip(map(tuple, words), numbers, strict=True))
    assert [number_of[tuple(word)] for word in words] == numbers
    assert len(set(numbers)) == len(number_of)
    assert all(0 <= number < lexicon.size for number in numbers)
    found = lexicon.find(stored(others, dtype)).tolist()
    assert found == [number_of.get(tuple(word), -1) for word in others]


def test_beginnings_and_ends_of_eight_bytes_are_told_apart():
    words = [[1] * length for length in range(1, 40)] + [[1] * 8 + [2], [1] * 16 + [2], [2] * 8]
    numbers = Lexicon(stored(words)).find(stored(words)).tolist()
    assert len(set(numbers)) == len(words)
    assert Lexicon(stored(words[:7])).find(stored(words[7:])).tolist() == [-1] * len(words[7:])
