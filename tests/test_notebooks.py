"""The walkthroughs: run from top to bottom, and committed as a forge can show them."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LARGEST = 300_000
"""Bytes of a notebook with its pictures."""

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path, kind):
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == kind]


@pytest.mark.notebooks
@pytest.mark.filterwarnings("default")  # of Jupyter's own
@each
def test_it_runs(path):
    import nbclient
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}
    ).execute()


@each
def test_it_is_committed_as_run_from_top_to_bottom(path):
    code = cells(path, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert not [o for cell in code for o in cell["outputs"] if o["output_type"] == "error"]


@each
def test_its_pictures_are_there_and_small(path):
    outputs = [output.get("data", {}) for cell in cells(path, "code") for output in cell["outputs"]]
    assert sum("image/png" in data or "image/svg+xml" in data for data in outputs) >= 2
    assert path.stat().st_size < LARGEST


@each
def test_it_speaks_of_no_machine(path):
    assert not re.search(r"/(home|root|tmp|Users|usr)/", path.read_text())


@each
def test_cells_are_short(path):
    lengths = [len("".join(cell["source"]).splitlines()) for cell in cells(path, "code")]
    assert max(lengths) <= 35
    assert sum(lengths) / len(lengths) < 15


@each
def test_it_ends_on_the_command_line(path):
    commands = re.findall(
        r"^python main.py (.+)$", "".join(cells(path, "markdown")[-1]["source"]), re.M
    )
    assert commands
    for config in re.findall(r"configs/\S+?\.yaml", " ".join(commands)):
        assert (ROOT / config).is_file()
