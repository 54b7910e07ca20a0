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


def run(notebook, folder):
    """A notebook run from top to bottom by a kernel: what its cells have put out, as it is kept."""
    import nbclient

    where = {"metadata": {"path": str(folder)}}
    client = nbclient.NotebookClient(notebook, timeout=300, resources=where, coalesce_streams=True)
    return client.execute()


def on_red(cells):
    """What the cells have on stderr: a notebook shows it on red, as it does errors."""
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    return ["".join(output["text"]) for output in outputs if output.get("name") == "stderr"]


@pytest.mark.notebooks
@pytest.mark.filterwarnings("default")  # of Jupyter's own
@each
def test_it_runs(path):
    import nbformat

    done = run(nbformat.read(path, as_version=4), path.parent)
    assert on_red(done.cells) == []


@pytest.mark.notebooks
@pytest.mark.filterwarnings("default")
def test_of_what_litmore_says_in_a_notebook_errors_alone_are_on_red(tmp_path):
    from nbformat.v4 import new_code_cell, new_notebook

    cells = """
from litmore.cli import main
fit = ["fit", "--config", "mlp", "--trainer.max_steps", "30", "--trainer.accelerator", "cpu"]
assert main(fit) == 0

assert main(["sample", "--ckpt_path", "best", "--num_samples", "3"]) == 0

assert main(["fit", "--config", "no_such.yaml"]) == 2

from lightning.pytorch import Trainer
from litmore.callbacks import LRFinder, TimedProgressBar
from litmore.data import NamesDataModule
from litmore.models import MLP
data = NamesDataModule(max_words=500)
watched = [LRFinder(num_steps=20), TimedProgressBar()]
flags = {"logger": False, "enable_checkpointing": False, "enable_model_summary": False}
import logging
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
Trainer(max_steps=30, accelerator="cpu", callbacks=watched, **flags).fit(MLP(data.vocabulary), data)
""".strip().split("\n\n")
    done = run(new_notebook(cells=[new_code_cell(cell) for cell in cells]), tmp_path).cells
    shown = ["".join(o.get("text", "") for o in cell.outputs) for cell in done]
    assert " 30/30, 00:00 left" in shown[0]
    assert "The run is in logs" in shown[0]
    assert "names are new" in shown[1]
    assert "LRFinder trains with" in shown[3]
    assert " 30/30, 00:00 left" in shown[3]
    assert on_red(done) == ["error: --config no_such.yaml: no such file\n"]


@each
def test_it_is_committed_as_run_from_top_to_bottom(path):
    code = cells(path, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert on_red(code) == []
    for cell in code:  # what a cell prints stands in one piece
        kinds = [output.get("name") for output in cell["outputs"]]
        assert kinds.count("stdout") <= 1


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
