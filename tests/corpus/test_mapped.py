"""A mapped corpus is the one read into memory, and no half of it is ever believed."""

import gzip
import os
import re
import resource
import shutil
import time
from itertools import product

import pytest
import torch

from litmore import locks
from litmore.corpus import mapped, packed, text
from litmore.corpus.mapped import MappedCorpus, content_of
from litmore.corpus.splits import SPLITS, cut_into_splits
from litmore.data import Corpus, Vocabulary
from litmore.data.views import Windows, Words
from litmore.errors import InputError

NAMES = ["emma", "olivia", "ava", "isabella", "sophia", "ava", "mia", "zoe", "ann"] * 20
WIDE = [chr(0x4E00 + i) + chr(0x4E00 + (7 * i) % 300) for i in range(300)]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Its folder; and files come in pieces of a few lines."""
    monkeypatch.setenv("LITMORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(text, "PIECE", 64)
    return tmp_path / "cache"


@pytest.fixture
def path(word_file, tmp_path):
    """A file of names that was written a while ago."""
    made = tmp_path / "words.txt"
    word_file(NAMES)
    os.utime(made, ns=(0, time.time_ns() - 10**10))
    return made


@pytest.fixture
def reads(monkeypatch):
    """What is read: a call of `pieces` or `sha256_of` each."""
    calls = []
    for name in ("pieces", "sha256_of"):
        function = getattr(mapped, name)

        def counted(path, *reading, name=name, function=function):
            calls.append(name)
            return function(path, *reading)

        monkeypatch.setattr(mapped, name, counted)
    return calls


def same(one, other):
    assert one.tokens.dtype == other.tokens.dtype
    assert one.tokens.tolist() == other.tokens.tolist()
    assert one.offsets.tolist() == other.offsets.tolist()
    assert one.vocabulary == other.vocabulary


def unfinished(cache):
    return list(cache.rglob("*.tmp"))


CONTENTS = {
    "names": "".join(f"{name}\n" for name in NAMES),
    "no newline at the end": "\n".join(NAMES),
    "as some write them": "\ufeff" + "".join(f" {name}\t\r\n\r\n" for name in NAMES),
    "two bytes a token": "".join(f"{word}\n" for word in WIDE),
    "one script after another": "emma\n" * 40 + "zoë\nЖанна\n愛\n😀\n" * 20,
    "blank pieces": "a\n" + "\n \n" * 100 + "b\n" + "\n" * 100,
    "a line of a whole piece": "a\n" + "b" * 64 + "\n" + "c" * 50 + "\n",
    "one word": "a",
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("suffix", ["txt", "txt.gz"])
def test_a_mapped_corpus_is_the_one_read_into_memory(tmp_path, content, suffix):
    raw = content.encode()
    path = tmp_path / f"some.{suffix}"
    path.write_bytes(gzip.compress(raw) if suffix.endswith("gz") else raw)
    for _ in range(2):
        same(MappedCorpus.read(path), Corpus.read(path))


def test_a_given_vocabulary_sets_the_ids(path):
    other = Vocabulary("zvsponmlihebax")
    same(MappedCorpus.read(path, other), Corpus.read(path, other))
    same(MappedCorpus.read(path), Corpus.read(path))
    same(MappedCorpus.read(path, other), Corpus.read(path, other))


def test_the_files_own_vocabulary_given_is_not_read_again(path, reads):
    own = MappedCorpus.read(path).vocabulary
    reads.clear()
    same(MappedCorpus.read(path, own), Corpus.read(path))
    assert reads == []


LINES = "emma\n\n ava \r\n" * 30  # 90 lines, 60 words
REFUSED = {
    "not UTF-8": LINES.encode() + b"zo\xeb\n",
    "not UTF-8 after a byte-order mark": b"\xef\xbb\xbf" + LINES.encode() + b"zo\xeb\n",
    "a control character": LINES.encode() + b"a\x01b\n" + LINES.encode(),
    "a tab within a word": b"\xef\xbb\xbf" + LINES.encode() + b"a\tb\n",
    "empty": b"",
    "blank": b"\n \n" * 100,
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("suffix", ["txt", "txt.gz"])
def test_refuses_as_a_reader_into_memory_does(tmp_path, cache, content, suffix):
    path = tmp_path / f"some.{suffix}"
    path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    with pytest.raises(InputError) as refusal:
        Corpus.read(path)
    with pytest.raises(InputError, match=f"^{re.escape(str(refusal.value))}$"):
        MappedCorpus.read(path)
    assert unfinished(cache) == []


@pytest.mark.parametrize("content", [LINES + "zoo\n", LINES + "\n\r\n \nemmy zoo\nb\n"])
def test_a_stranger_is_named_with_file_and_line(tmp_path, content):
    path = tmp_path / "some.txt"
    path.write_text(content, newline="")
    with pytest.raises(InputError) as refusal:
        Corpus.read(path, Vocabulary("aemv"))
    with pytest.raises(InputError, match=f"^{re.escape(str(refusal.value))}$"):
        MappedCorpus.read(path, Vocabulary("aemv"))


def test_a_word_too_long_is_named_with_file_and_line(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "PIECE", 20_000)
    path = tmp_path / "some.txt"
    path.write_text(LINES + "a" * 10_001 + "\n" + "b" * 15_000 + "\n", newline="")
    with pytest.raises(InputError, match=r":91: a word of 10,001 characters"):
        MappedCorpus.read(path)


def test_a_line_that_does_not_end_is_refused(tmp_path):
    path = tmp_path / "some.txt"
    path.write_text(LINES + "a" * 1000, newline="")
    with pytest.raises(InputError, match=r":91: a line of more than 64 bytes; give one word"):
        MappedCorpus.read(path)


def test_a_gz_that_unfolds_too_far_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "_SMALL", 100)
    monkeypatch.setattr(packed, "MAX_UNPACKED", 2)
    path = tmp_path / "some.gz"
    path.write_bytes(gzip.compress(b"a\n" * 1000))
    with pytest.raises(InputError, match="unfolds to more than 100 bytes"):
        MappedCorpus.read(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        MappedCorpus.read(tmp_path / "none.txt")
    with pytest.raises(InputError, match="a folder"):
        MappedCorpus.read(tmp_path)


# The splits


@pytest.mark.parametrize("max_words", [None, 100])
@pytest.mark.parametrize("seed", [42, 7])
def test_the_splits_are_those_of_a_corpus_in_memory(path, seed, max_words):
    ratios = (0.8, 0.1, 0.1)
    inside = cut_into_splits(Corpus.read(path)[:max_words], ratios, seed)
    for _ in range(2):
        outside = cut_into_splits(MappedCorpus.read(path)[:max_words], ratios, seed)
        for name in SPLITS:
            same(outside[name], inside[name])
            for view in (lambda part: Windows(part, 5), Words):
                one, other = view(outside[name]), view(inside[name])
                everything = torch.arange(len(one))
                assert torch.equal(one[everything][0], other[everything][0])
                assert torch.equal(one[everything][1], other[everything][1])
                assert torch.equal(one.of_words(1, 3)[0], other.of_words(1, 3)[0])
        known = outside["train"].known(outside["val"])
        assert torch.equal(known, inside["train"].known(inside["val"]))


def test_contexts_of_any_length_are_views_of_the_file(path):
    corpus = MappedCorpus.read(path)
    train = cut_into_splits(corpus, (0.8, 0.1, 0.1), 42)["train"]
    for words, block_size in product((corpus, train), (1, 3, text.MAX_WORD)):
        view = Windows(words, block_size)
        assert view.windows.untyped_storage().data_ptr() == (
            words.tokens.untyped_storage().data_ptr()
        )
        assert view[torch.tensor([0])][0].tolist() == [[0] * block_size]


def test_each_word_once_is_for_corpora_in_memory(path):
    with pytest.raises(InputError, match=r"^--data\.unique true: .*--data\.memory_map false"):
        MappedCorpus.read(path).unique()


# What is kept


def test_a_file_is_read_once(path, reads):
    for expected in (["sha256_of", "pieces", "pieces"], []):
        same(MappedCorpus.read(path), Corpus.read(path))
        assert reads == expected
        reads.clear()


def test_another_time_and_the_same_content_is_hashed_alone(path, reads, tmp_path):
    MappedCorpus.read(path)
    os.utime(path, ns=(0, time.time_ns() - 10**11))
    moved = shutil.copy(path, tmp_path / "copy.txt")
    for known in (path, moved):
        reads.clear()
        same(MappedCorpus.read(known), Corpus.read(path))
        assert reads == ["sha256_of"]


def test_another_content_is_another_corpus(path):
    MappedCorpus.read(path)
    path.write_text("".join(f"{name[::-1]}\n" for name in NAMES))
    os.utime(path, ns=(0, time.time_ns() - 10**11))
    same(MappedCorpus.read(path), Corpus.of(name[::-1] for name in NAMES))


def test_the_same_bytes_by_another_name_are_read_as_it_says(path, tmp_path):
    MappedCorpus.read(path)
    renamed = shutil.copy(path, tmp_path / "words.gz")
    with pytest.raises(InputError, match="not a whole gzip file"):
        MappedCorpus.read(renamed)


def test_a_file_written_just_now_may_still_change(path):
    for _ in range(3):
        path.touch()
        before = content_of(path)
        path.write_bytes(path.read_bytes()[::-1])
        assert content_of(path) != before


@pytest.mark.parametrize("line", ["emma", "with others"])
def test_a_file_that_changes_while_it_is_read_is_refused(path, cache, monkeypatch, line):
    def growing(path, reading):
        yield from text.pieces(path, reading)
        with path.open("a") as file:
            file.write("more\n")

    monkeypatch.setattr(mapped, "pieces", growing)
    with pytest.raises(InputError, match=r"words\.txt: changed while it was read"):
        MappedCorpus.read(path)
    assert list(cache.rglob("corpus.json")) == unfinished(cache) == []


def cut(file):
    os.truncate(file, file.stat().st_size - 1)


def lengthen(file):
    os.truncate(file, file.stat().st_size + 8)


def remove(file):
    file.unlink()


def garble(file):
    file.write_bytes(b"{" + b"\0" * (file.stat().st_size - 1))


def exchange(file):
    """A byte for another that may stand there as well, at the time of the first."""
    content, stat = bytearray(file.read_bytes()), file.stat()
    at = len(content) // 2
    content[at] = content[at] % 5 + 1
    file.write_bytes(content)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def overflow(file):
    """Tokens that there are not."""
    file.write_bytes(b"\x7f" * (file.stat().st_size - 1) + b"\0")


def rename(file):
    """In what the files are told to be: a character for another."""
    content = file.read_text()
    assert '"abehilmnopsvz"' in content
    file.write_text(content.replace('"abehilmnopsvz"', '"baehilmnopsvz"'))


FILES = ("tokens", "places", "corpus.json")
DAMAGES = [(damage, name) for damage in (cut, lengthen, remove) for name in FILES]
DAMAGES += [(exchange, "tokens"), (overflow, "tokens"), (exchange, "places"), (rename, FILES[2])]


@pytest.mark.parametrize(("damage", "name"), [*DAMAGES, (garble, "places"), (garble, FILES[2])])
@pytest.mark.parametrize("shuffled", [False, True])
def test_what_is_damaged_is_made_anew(path, cache, damage, name, shuffled):
    whole = MappedCorpus.read(path).shuffled(42)
    (file,) = cache.glob(f"tokens/*/shuffled*/{name}" if shuffled else f"tokens/*/{name}")
    damage(file)
    corpus = MappedCorpus.read(path)
    same(corpus, Corpus.read(path))
    same(corpus.shuffled(42), Corpus.read(path).shuffled(42))
    assert whole.tokens[-1] == 0  # who had mapped it keeps it
    assert unfinished(cache) == []


def test_a_copied_cache_is_hashed_once_and_believed(path, cache, reads):
    MappedCorpus.read(path)
    shutil.copytree(cache, cache.with_name("copy"))
    shutil.rmtree(cache)
    cache.with_name("copy").rename(cache)
    for expected in (["sha256_of"] * 3, []):
        reads.clear()
        same(MappedCorpus.read(path), Corpus.read(path))
        assert reads == expected


def test_whose_hash_a_path_has_is_not_believed_once_changed(path, cache):
    MappedCorpus.read(path)
    (record,) = cache.glob("tokens/paths/*.json")
    record.write_text(record.read_text().replace(content_of(path), "0" * 64))
    same(MappedCorpus.read(path), Corpus.read(path))


def test_another_format_is_made_anew(path, monkeypatch, reads):
    MappedCorpus.read(path)
    monkeypatch.setattr(mapped, "_FORMAT", mapped._FORMAT + 1)
    reads.clear()
    same(MappedCorpus.read(path), Corpus.read(path))
    assert reads == ["pieces", "pieces"]


def in_processes(*functions):
    """Run each in a process of its own, all at once; how they ended."""
    children = []
    for function in functions:
        child = os.fork()
        if not child:
            code = 1
            try:
                function()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_killed_process_leaves_nothing_that_is_believed(path, cache, monkeypatch, shuffled):
    if shuffled:
        MappedCorpus.read(path)

    def killed():
        monkeypatch.setattr(os, "fsync", lambda _: os.kill(os.getpid(), 9))
        MappedCorpus.read(path).shuffled(42)

    assert in_processes(killed) == [-9]
    assert len(unfinished(cache)) == 1
    same(MappedCorpus.read(path), Corpus.read(path))
    same(MappedCorpus.read(path).shuffled(42), Corpus.read(path).shuffled(42))
    assert unfinished(cache) == []


def test_several_processes_make_it_at_once(path, cache, monkeypatch):
    def read():
        same(MappedCorpus.read(path).shuffled(42), Corpus.read(path).shuffled(42))

    def no_locks(*_):
        raise OSError

    def read_without_locks():
        monkeypatch.setattr(locks.fcntl, "flock", no_locks)
        read()

    for reader in (read, read_without_locks):
        assert in_processes(*[reader] * 4) == [0] * 4
        assert unfinished(cache) == []
        shutil.rmtree(cache)


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_full_disk_is_one_line(path, cache, shuffled):
    corpus = MappedCorpus.read(path) if shuffled else None
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(InputError, match=r"^LITMORE_CACHE .*File too large.*memory_map false$"):
            corpus.shuffled(42) if corpus else MappedCorpus.read(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert unfinished(cache) == []
    assert len(list(cache.rglob("corpus.json"))) == shuffled
    same(MappedCorpus.read(path).shuffled(42), Corpus.read(path).shuffled(42))


def test_a_cache_that_cannot_be_written_is_one_line(path, cache):
    cache.write_text("no folder")
    with pytest.raises(InputError, match=r"^LITMORE_CACHE .*; set it to a folder") as told:
        MappedCorpus.read(path)
    assert "\n" not in str(told.value)
