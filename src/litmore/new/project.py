"""What a new project holds: the templates, with its name in the place of theirs."""

import random
from pathlib import Path

import litmore
from litmore.new.pins import pins
from litmore.new.wheel import pinned

KINDS = {"names": ("characters", "names"), "text": ("characters", "text"), "plain": ("plain",)}
"""Of which templates a project is, beside those of all."""

NAME = "my_project"
"""What the templates call it; they are files that work as they are."""

_TEMPLATES = Path(__file__).with_name("templates")
_AS = "as-"
"""Before the names of files that tools would heed where they lie, such as .gitignore."""


def project(name: str, kind: str, wheel: tuple[str, bytes]) -> dict[str, bytes]:
    """The files' contents, by their paths.

    Args:
        name: a module's.
        kind: of `KINDS`.
        wheel: of litmore: its file's name and content.

    """
    files: dict[str, bytes] = {}
    for part in ("all", *KINDS[kind]):
        folder = _TEMPLATES / part
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            parts = path.relative_to(folder).parts
            if any(each.startswith((".", "__pycache__")) for each in parts):
                continue  # what a tool has left there
            inner = "/".join(each.removeprefix(_AS) for each in parts).replace(NAME, name)
            text = path.read_text("utf-8").replace(NAME, name)
            files[inner] = files.get(inner, b"") + text.encode()  # a kind's goes on
    if kind != "plain":
        corpus = _names() if kind == "names" else _sums().encode()
        files[f"src/{name}/{kind}.txt"] = corpus
    files[f"vendor/{wheel[0]}"] = wheel[1]
    files["vendor/litmore.txt"] = pinned(*wheel).encode()
    head = "# The exact versions that `make` installs, beside litmore's wheel (vendor/litmore.txt)."
    files["requirements.lock"] = "".join(f"{line}\n" for line in [head, *pins()]).encode()
    return files


def _names() -> bytes:
    return (Path(litmore.__file__).parent / "data" / "names.txt").read_bytes()


def _sums() -> str:
    """A text to begin with: every sum of two numbers below 100, in any order."""
    sums = [f"{a}+{b}={a + b}\n" for a in range(100) for b in range(100)]
    random.Random(0).shuffle(sums)
    return "".join(sums)
