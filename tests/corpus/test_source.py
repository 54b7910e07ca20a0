"""Which file is read, how, and without what."""

import gzip
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from litmore.corpus import source
from litmore.corpus.mapped import MappedCorpus
from litmore.corpus.source import NAMES, Source
from litmore.corpus.text import unfolded_size
from litmore.data import Corpus
from litmore.errors import InputError

WORDS = ["emma", "olivia", "ava", "isabella", "sophia", "ava", "mia"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LITMORE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_words_are_read_without_lightning():
    modules = ("data.views", "data.counts", "data.order", "data.loader", "corpus.download")
    script = f"""
import sys, litmore.data, {", ".join(f"litmore.{name}" for name in modules)}
assert len(litmore.data.Source().corpus) == 32257
print(*(name for name in sys.modules if name.startswith(("lightning", "torchmetrics"))))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == ""


def test_an_unknown_name_of_the_package_is_no_attribute():
    import litmore.data

    with pytest.raises(AttributeError, match="Nonsense"):
        _ = litmore.data.Nonsense


def test_the_embedded_names_are_the_default(cache):
    assert Source().file == NAMES
    assert not Source().is_mapped
    assert not cache.exists()


@pytest.mark.parametrize(
    ("settings", "mapped"),
    [
        ({}, True),
        ({"memory_map": True}, True),
        ({"memory_map": False}, False),
        ({"unique": True}, False),
        ({"max_words": 3}, True),
    ],
)
def test_a_large_file_is_mapped(word_file, monkeypatch, settings, mapped):
    path = word_file(WORDS)
    size = len("".join(WORDS)) + len(WORDS)
    monkeypatch.setattr(source, "LARGE", size)
    assert not Source(path, **{"memory_map": None} | settings).is_mapped or "memory_map" in settings
    monkeypatch.setattr(source, "LARGE", size - 1)
    made = Source(path, **settings)
    assert isinstance(made.corpus, MappedCorpus) == made.is_mapped == mapped
    expected = list(dict.fromkeys(WORDS)) if made.unique else WORDS[: made.max_words]
    assert list(made.corpus) == expected


def test_a_gz_is_as_large_as_its_text(tmp_path):
    path = tmp_path / "words.txt.gz"
    path.write_bytes(gzip.compress(b"emma\n" * 1000))
    assert unfolded_size(path) == 5000
    path.write_bytes(b"short")
    assert unfolded_size(path) == 20  # it does not say


@pytest.mark.parametrize("memory_map", [True, False])
def test_the_content_is_noted_and_held_to(word_file, memory_map):
    path = word_file(WORDS)
    content = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    made = Source(path, memory_map=memory_map)
    assert (list(made.corpus), made.sha256) == (WORDS, content)
    other = Source(path, sha256="0" * 64, memory_map=memory_map)
    with pytest.raises(InputError, match=f"--data.sha256 {'0' * 64}: .*another content, {content}"):
        _ = other.corpus


def test_each_word_once_is_not_for_a_mapped_file(word_file):
    with pytest.raises(InputError, match=r"^--data\.unique true"):
        Source(word_file(WORDS), unique=True, memory_map=True)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=re.escape(f"{tmp_path / 'none.txt'}: no such file")):
        _ = Source(str(tmp_path / "none.txt")).corpus


def test_new_names_are_told_from_known_ones(word_file):
    for memory_map in (True, False):
        corpus = Source(word_file(WORDS), memory_map=memory_map).corpus
        drawn = Corpus.of(["ava", "avi", "emma", "sophiaa"], corpus.vocabulary)
        assert corpus.known(drawn).tolist() == [True, False, True, False]
