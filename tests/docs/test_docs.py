"""What the documents say is so."""

import re
from pathlib import Path

import pytest
import torch
import yaml

from litmore.data import NamesDataModule
from litmore.data.views import Windows

ROOT = Path(__file__).parents[2]
LECTURES = (ROOT / "docs" / "lectures.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ANCHORS = re.findall(r"- `([^`]+)`\s+\(\[(\S+):(\d+)\]\(\.\./(\S+)#L(\d+)\)\)", LECTURES)


def test_there_are_anchors():
    assert len(ANCHORS) >= 7


@pytest.mark.parametrize(("code", "path", "line", "link", "anchor"), ANCHORS)
def test_code_stands_where_the_lectures_page_says(code, path, line, link, anchor):
    assert (path, line) == (link, anchor)
    assert code in (ROOT / path).read_text().splitlines()[int(line) - 1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page):
    text = page.read_text()
    named = re.findall(
        r"\b((?:configs|benchmarks|scripts|docs|src)/[\w/.-]+\.(?:yaml|py|md))", text
    )
    own = {"configs/my_gru.yaml"}
    assert [path for path in named if path not in own and not (ROOT / path).is_file()] == []
    for link in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (page.parent / link).exists(), link


def test_the_readmes_tree_is_the_tree():
    tree = (ROOT / "README.md").read_text().split("## What is where")[1].split("## Dep")[0]
    for path in (ROOT / "src" / "litmore").rglob("*.py"):
        if path.name != "__init__.py" and "callbacks" not in path.parts:
            assert path.name in tree, path
    for folder in ("configs", "docs", "scripts", "benchmarks", "tests", "logs"):
        assert f"\n{folder}/" in tree


def test_every_dependency_has_its_line():
    readme = (ROOT / "README.md").read_text()
    for line in (ROOT / "pyproject.toml").read_text().split("[tool.setuptools")[0].splitlines():
        if requirement := re.match(r'    "([\w-]+).*[><=]', line):
            name = re.sub(r"^types-.*", r"types-\\*", requirement[1])
            assert name in readme, name


def test_the_readmes_model_is_a_model(tmp_path, monkeypatch, capsys):
    from litmore.cli import main

    readme = (ROOT / "README.md").read_text()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("my_gru.py").write_text(re.search(r"```python\n(from torch.*?)```", readme, re.S)[1])
    Path("my_gru.yaml").write_text(re.search(r"```yaml\n(model.*?)```", readme, re.S)[1])
    args = ["fit", "--config", "my_gru.yaml", "--trainer.max_steps", "3"]
    assert main([*args, "--trainer.accelerator", "cpu"]) == 0, capsys.readouterr().err


# The lectures page's figures


def test_view_and_storage():
    data = NamesDataModule()
    train = data.splits["train"]
    view = Windows(train, 3)
    storage = data.splits["val"].tokens.untyped_storage().data_ptr()
    assert train.tokens.untyped_storage().data_ptr() == storage
    assert view.windows.untyped_storage().data_ptr() == storage
    assert view.windows.data_ptr() == train.tokens.data_ptr() - 2  # two boundaries of context
    x, y = view[torch.arange(len(view))]
    assert f"{train.tokens.nbytes:,} bytes" in LECTURES
    assert f"int64, are {x.nbytes + y.nbytes:,}" in LECTURES
    embedded = torch.randn(32, 3, 10)
    assert embedded.view(32, -1).data_ptr() == embedded.data_ptr()


@pytest.mark.parametrize(("logit", "finite"), [(88.0, True), (89.0, False)])
def test_cross_entropy_by_hand_overflows(logit, finite):
    row = torch.zeros(1, 27)
    row[0, 0] = logit
    counts = row.exp()
    by_hand = -(counts / counts.sum()).log()[0, 0]
    assert bool(by_hand.isfinite()) == finite
    assert torch.nn.functional.cross_entropy(row, torch.tensor([0])).isfinite()
    assert "NaN from a logit of 89 on" in LECTURES


def test_overlays_hold_nothing_else():
    for path in (ROOT / "configs" / "trainer").glob("*.yaml"):
        assert set(yaml.safe_load(path.read_text())) == {"trainer"}
    for path in (ROOT / "configs" / "data").glob("*.yaml"):
        assert set(yaml.safe_load(path.read_text())) == {"data"}
