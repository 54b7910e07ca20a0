"""One character, two spellings: `é` as one codepoint or as an e and an accent."""

import unicodedata
from typing import TYPE_CHECKING

import torch

from litmore.corpus.characters import code_point
from litmore.corpus.vocabulary import Vocabulary

if TYPE_CHECKING:
    from litmore.corpus.corpus import Corpus

_TOKENS = 1 << 20
"""Looked at at a time."""


def spelt(text: str, vocabulary: Vocabulary) -> str:
    """A text in the normal form that a vocabulary knows; as it is where it knows none."""
    if vocabulary.unknown(text):
        for form in (unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)):
            if not vocabulary.unknown(form):
                return form
    return text


def told(text: str, other: str) -> str:
    """How one spelling is written in the other: é (U+00E9) as e + U+0301."""
    for character in dict.fromkeys(text if len(text) <= len(other) else other):
        parts = unicodedata.normalize("NFD", character)
        if len(parts) > 1:
            whole = f"{character} ({code_point(character)})"
            apart = " + ".join([parts[0], *map(code_point, parts[1:])])
            return f"{whole} as {apart}" if len(text) <= len(other) else f"{apart} as {whole}"
    return f"{text!r} as {other!r}"


def written_twice(corpus: "Corpus") -> str | None:
    """A character that stands in a corpus both whole and in parts, and how; None: there is none."""
    characters = corpus.vocabulary.characters
    parts = {
        (whole, *unicodedata.normalize("NFD", whole))
        for whole in characters
        if len(unicodedata.normalize("NFD", whole)) == 2
    }
    pairs = {
        tuple(corpus.vocabulary.encode(base + mark)): (whole, base, mark)
        for whole, base, mark in parts
        if not corpus.vocabulary.unknown(base + mark)
    }
    if not pairs:
        return None
    size = len(corpus.vocabulary)
    wanted = torch.tensor([base * size + mark for base, mark in pairs])
    for first in range(0, corpus.num_examples, _TOKENS):
        tokens = corpus.tokens[first : first + _TOKENS + 1].long()
        both = tokens[:-1] * size + tokens[1:]
        if len(found := both[torch.isin(both, wanted)]):
            whole, base, mark = pairs[divmod(int(found[0]), size)]
            return f"{whole} ({code_point(whole)}, and {base} + {code_point(mark)})"
    return None
