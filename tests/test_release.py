"""What must say the same in several files."""

import re
from importlib.metadata import metadata
from pathlib import Path

import pytest
import yaml

import litmore

ROOT = Path(__file__).parents[1]


def versions(name):
    """The packages of a lock, as they are installed."""
    pinned = re.findall(r"^(\S+)==(\S+)( ; [^\\\n]+)?", (ROOT / name).read_text("utf-8"), re.M)
    return {package: (version, marker.strip()) for package, version, marker in pinned}


def test_the_version_is_one():
    assert (
        yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["version"] == litmore.__version__
    )
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## (\S+)", changes, re.M)[0] == litmore.__version__
    assert metadata("litmore")["Version"] == litmore.__version__


def test_both_locks_hold_the_same_but_torch():
    locked = versions("requirements.lock")
    torch = locked.pop("torch")
    assert versions("requirements.hashes") == locked, "`make lock` writes both"
    assert torch[0] == "2.13.0"


def test_each_of_them_is_hashed_and_none_says_from_where():
    text = (ROOT / "requirements.hashes").read_text("utf-8")
    pinned = text.split("\n", maxsplit=6)[-1]
    each = re.split(r"\n(?=\S)", pinned.strip())
    assert len(each) == len(versions("requirements.hashes"))
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}$", one) for one in each)
    for name in ("requirements.lock", "requirements.hashes"):
        assert not re.search(r"://|--(extra-)?index|--find", (ROOT / name).read_text("utf-8"))


@pytest.mark.parametrize("name", ["lightning", "pytorch-lightning"])
def test_the_stolen_releases_of_lightning_are_shut_out(name):
    """GHSA-w37p-236h-pfx3: 2.6.2 and 2.6.3 ran foreign code when they were imported."""
    from packaging.requirements import Requirement

    needed = [Requirement(each) for each in metadata("litmore").get_all("Requires-Dist")]
    allowed = next(each.specifier for each in needed if each.name == "lightning")
    assert not any(version in allowed for version in ("2.6.2", "2.6.3"))
    assert versions("requirements.lock")[name][0] not in ("2.6.2", "2.6.3")
