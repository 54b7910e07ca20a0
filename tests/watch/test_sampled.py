"""Which of the names that a model draws it has read."""

from litmore.corpus.corpus import Corpus
from litmore.watch.sampled import sorted_by_origin


def test_a_name_is_sorted_by_where_it_stands():
    vocabulary = Corpus.of(["abc"]).vocabulary
    splits = {
        name: Corpus.of(words, vocabulary)
        for name, words in {"train": ["ab", "c"], "val": ["c", "ba"], "test": ["cc"]}.items()
    }
    sorts = sorted_by_origin(["ab", "cc", "", "c", "ba", "aaa"], splits)
    assert sorts == {"new": ["aaa", ""], "in train": ["ab", "c"], "held out": ["cc", "ba"]}
