"""One process at a time, where the kernel's locks reach all others and where they do not."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from litmore import locks
from litmore.locks import Lock, is_held, is_shared

ROOT = Path(__file__).parents[1]
HOLD = """
import sys, time
from pathlib import Path
from litmore import locks
locks.LEASE = float(sys.argv[2])
folder = Path(sys.argv[1])
lock = locks.Lock(folder, folder / ".lease", "another")
print(lock.take(), flush=True)
time.sleep(600)
"""


def of(folder):
    return Lock(folder, folder / ".lease", "another process is here")


@pytest.fixture
def hold():
    """Have another process, or one of another machine, hold a folder's lock."""
    started = []

    def hold(folder, *by):
        command = [*by, sys.executable, "-c", HOLD, str(folder), str(locks.LEASE)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )  # fmt: skip
        started.append(process)
        assert process.stdout.readline() == "True\n"
        return process

    yield hold
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_local_folder_is_locked_by_the_kernel_alone(tmp_path, hold):
    assert not is_shared(tmp_path)
    holder = hold(tmp_path)
    assert is_held(tmp_path, tmp_path / ".lease")
    assert not of(tmp_path).take()
    holder.kill()
    holder.wait()
    assert not is_held(tmp_path, tmp_path / ".lease")
    lock = of(tmp_path)
    assert lock.take()
    lock.release()
    assert not list(tmp_path.iterdir())


@pytest.fixture
def kernel_without_locks(monkeypatch):
    def no_locks(*_):
        raise OSError

    monkeypatch.setattr(locks.fcntl, "flock", no_locks)
    monkeypatch.setattr(locks, "LEASE", 2.0)


def test_a_lease_stands_in_where_there_are_no_locks(tmp_path, kernel_without_locks):
    first, second = of(tmp_path), of(tmp_path)
    assert first.take()
    assert is_held(tmp_path, tmp_path / ".lease")
    begun = time.monotonic()
    assert not second.take()
    assert time.monotonic() - begun < locks.LEASE  # a sign of life is enough
    first.release()
    assert not is_held(tmp_path, tmp_path / ".lease")
    assert second.take()
    second.release()


def test_who_was_silent_for_long_has_lost_it(tmp_path, kernel_without_locks):
    lock = of(tmp_path)
    assert lock.take()
    (tmp_path / ".lease").rename(tmp_path / "taken away")
    (tmp_path / ".lease").write_text("another's")
    deadline = time.monotonic() + 20
    while not lock.is_lost and time.monotonic() < deadline:
        time.sleep(0.1)
    assert lock.is_lost


ELSEWHERE = ("unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
             'hostname elsewhere && exec "$@"', "sh")  # fmt: skip
"""What starts a command on what seems to be another machine."""


@pytest.fixture
def mounts(tmp_path, monkeypatch):
    """One folder as two machines see it, by filesystems whose locks end at the machine."""
    if os.geteuid() or not shutil.which("bindfs"):
        pytest.skip("needs bindfs, and root to mount it")
    folder = tmp_path / "the folder"
    places = [tmp_path / name for name in ("one place", "other place")]
    for place in (folder, *places):
        place.mkdir()
    for place in places:
        subprocess.run(["bindfs", folder, place], check=True)
    monkeypatch.setattr(locks, "LEASE", 6.0)
    yield places
    for place in places:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.torture
def test_machines_that_share_a_folder_share_its_lock(mounts, hold):
    one, other = mounts
    assert is_shared(one)
    for elsewhere in ((), ELSEWHERE):
        holder = hold(one, *elsewhere)
        assert is_held(other, other / ".lease")
        assert not of(other).take()
        holder.kill()
        holder.wait()
        begun = time.monotonic()
        lock = of(other)
        assert lock.take()
        assert time.monotonic() - begun < locks.LEASE + 5
        lock.release()
        assert not list(other.iterdir())


NUM_WORDS = 3_000_000
"""So many that a builder is at it for longer than another's start may come after its own."""


@pytest.mark.torture
def test_machines_that_share_a_cache_build_it_once(mounts, tmp_path):
    """Ten builders, each killed at another moment; then two at once, with one that watches."""
    words = tmp_path / "words.txt"
    words.write_text("".join(f"{number:x}\n" for number in range(NUM_WORDS)))
    read = (
        "import logging, sys; logging.basicConfig(format='%(message)s', level='INFO');"
        "from litmore import locks; locks.LEASE = 6.0;"
        "from litmore.corpus.mapped import MappedCorpus;"
        "corpus = MappedCorpus.read(sys.argv[1]).shuffled(42);"
        "print(len(corpus), int(corpus.tokens.long().sum()))"
    )

    def start(place, *by):
        return subprocess.Popen(
            [*by, sys.executable, "-c", read, words], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "LITMORE_CACHE": str(place)},
        )  # fmt: skip

    one, other = mounts
    killed = 0
    for number in range(10):
        shutil.rmtree(one / "tokens", ignore_errors=True)
        builder = start(one, *ELSEWHERE[: len(ELSEWHERE) * (number % 2)])
        deadline = time.monotonic() + 60
        while not list(one.glob("tokens/*.tmp")) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.06 * number)
        builder.kill()
        killed += builder.wait() < 0
        builder.communicate()
    assert killed >= 5
    builders = [start(one), start(other, *ELSEWHERE)]
    told = [builder.communicate(timeout=120) for builder in builders]
    assert [builder.returncode for builder in builders] == [0, 0], told
    assert told[0][0] == told[1][0]
    assert told[0][0].startswith(f"{NUM_WORDS} ")
    assert any("another process is writing" in err for _, err in told)
    assert not list(one.glob("tokens/**/*.tmp"))
