"""Characters as people can read them, in whichever normal form."""

import pytest

from litmore.corpus.characters import alphabet, named, visible
from litmore.corpus.normal_forms import spelt, told
from litmore.corpus.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("character", "seen", "called"),
    [
        ("é", "é", "'é' (U+00E9)"),
        ("\u0301", "◌\u0301", "'◌\u0301' (U+0301)"),
        ("\u200d", "U+200D", "U+200D"),
        (" ", "␣", "'␣' (U+0020)"),
        ("\n", "U+000A", "U+000A"),
        ("👩", "👩", "'👩' (U+1F469)"),
    ],
)
def test_what_stands_for_it(character, seen, called):
    assert visible(character) == seen
    assert named(character) == called


def test_an_alphabet_is_told_by_its_first():
    assert alphabet("abc") == "3 characters, abc"
    assert alphabet("a\u200db") == "3 characters, a U+200D b"
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 2703)))
    assert alphabet(many) == f"2,703 characters, {many[:60]}, …"


def test_a_text_is_taken_in_the_form_that_is_known():
    whole, parts = Vocabulary("zoë"), Vocabulary("zoe\u0308")
    assert spelt("zoe\u0308", whole) == "zoë"
    assert spelt("zoë", parts) == "zoe\u0308"
    assert spelt("zoë", whole) == "zoë"
    assert spelt("zoé", whole) == "zoé"
    assert told("zoë", "zoe\u0308") == "ë (U+00EB) as e + U+0308"
    assert told("zoe\u0308", "zoë") == "e + U+0308 as ë (U+00EB)"
