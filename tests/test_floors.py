"""The tower: each floor imports only what lies below it, and nothing imports a wing."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "litmore"

FLOORS = (
    "errors",
    "files",
    "system",
    "program",
    "progress",
    "steps",
    "log",
    "locks",
    "corpus",
    "data",
    "models",
    "sampling",
    "training",
    "optim",  # the names that configs write
    "runs",
    "watch",
    "callbacks",  # likewise
    "cli",
    "__main__",
)
"""From the ground up."""

WINGS = (
    "micrograd",
    "mixture",
    "compare",
    "completion",
    "configs",
    "export",
    "new",
    "schema",
    "sweep",
    "testing",
)
"""They stand on the floors; no floor knows of them."""


def imported(path: Path) -> set[str]:
    """The rooms of litmore that a file imports anywhere, be it in a function or for types alone."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert node.module
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        rooms |= {
            parts[1] for name in modules if (parts := name.split("."))[0] == "litmore" and parts[1:]
        }
    return rooms


FILES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path != PACKAGE / "__init__.py" and "templates" not in path.parts
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_floor_imports_what_lies_below_it(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert room in FLOORS + WINGS, "each room has its place in the tower"
    below = FLOORS if room in WINGS else FLOORS[: FLOORS.index(room)]
    assert imported(path) - {room, "__version__"} <= set(below)
