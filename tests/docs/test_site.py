"""The site: each page has its place, and a build that says nothing left nothing out."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = ast.parse((ROOT / "docs" / "conf.py").read_text())
NAVIGATION = next(
    ast.literal_eval(node.value)
    for node in CONFIG.body
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "NAVIGATION"
)


def test_each_page_has_its_place():
    named = [page for pages in NAVIGATION.values() for page in pages if page != "self"]
    pages = [
        path.relative_to(ROOT).with_suffix("").as_posix()
        for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("notebooks/*.ipynb"))
        if path.name != "README.md"  # the front page
    ]
    assert [page for page in pages if not any(fnmatch(page, name) for name in named)] == []
    twice = [page for page in named if named.count(page) > 1]
    assert twice == []


# What Sphinx makes of it


@pytest.fixture
def copy(tmp_path):
    """A copy of the project, in a folder of another name, to be built by make's own command."""
    pytest.importorskip("sphinx", reason="make docs-build adds Sphinx to .venv")
    if os.name == "nt" or not shutil.which("make"):
        pytest.skip("needs make")
    copy = tmp_path / "a copy [1]"
    left_out = shutil.ignore_patterns(".*", "logs", "build", "shared", "*.egg-info", "tests")
    shutil.copytree(ROOT, copy, ignore=left_out)
    return copy


def build(copy):
    """The outcome, and the site."""
    programs = Path(sys.executable).parent
    installed = [f"--old-file=.venv/.installed{extra}" for extra in ("", "-docs")]
    done = subprocess.run(
        ["make", "docs-build", f"BIN={programs}", *installed],
        cwd=copy, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done, copy / "build" / "site"


@pytest.mark.torture
def test_the_site_is_whole(copy):
    done, site = build(copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert (site / "index.html").read_bytes() == (site / "README.html").read_bytes()
    for folder, pattern in ((".", "*.md"), ("docs", "*.md"), ("notebooks", "*.ipynb")):
        for page in (ROOT / folder).glob(pattern):
            assert (site / folder / f"{page.stem}.html").is_file(), page
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        pictures = notebook.read_text().count('"image/png"')
        text = (site / "notebooks" / f"{notebook.stem}.html").read_text()
        assert len(re.findall(r'<img[^>]*src="\.\./_images/\w+\.png"', text)) == pictures
    model = (site / "src/litmore/models/mlp.html").read_text()
    assert 'id="L-83"' in model
    assert "../src/litmore/models/mlp.html#L-83" in (site / "docs/lectures.html").read_text()


@pytest.mark.torture
def test_the_site_needs_no_net(copy):
    """Formulas, too, are shown by what lies there."""
    with (copy / "docs" / "data.md").open("a") as page:
        page.write("\nThe loss $-\\sum_i p_i \\ln q_i$.\n")
    done, site = build(copy)
    assert done.returncode == 0, done.stderr
    assert "<math" in (site / "docs/data.html").read_text()
    for page in site.rglob("*.html"):
        fetched = re.findall(r"<(?!a\b)\w+[^>]*?(?:src|href)=\"([^\"]*)\"", page.read_text())
        assert [address for address in fetched if "//" in address] == []
    for style in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*['\"]?(https?:)?//", style.read_text()), style


BROKEN = {
    "docs/data.md": {
        "[a](nothing.md)": "nothing.md",
        "[a](storage.md#nothing)": "nothing",
        "[a](../src/litmore/models/mlp.py#L9999)": "L9999",
        "![a](nothing.png)": "nothing.png",
    },
    "docs/unplaced.md": {"# A page": "unplaced.md"},
}


@pytest.mark.torture
def test_what_is_broken_fails_it_each_time(copy):
    for page, faults in BROKEN.items():
        with (copy / page).open("a") as file:
            file.write("".join(f"\n{fault}\n" for fault in faults))
    notebook = copy / "notebooks" / "building_gpt.ipynb"
    content = json.loads(notebook.read_text())
    content["cells"][0]["source"] += ["\n[a](../docs/gone.md)"]
    notebook.write_text(json.dumps(content))
    for _ in range(2):  # the second build knows the first one's pages
        done, _ = build(copy)
        assert done.returncode != 0
        for said in ("gone.md", *(said for faults in BROKEN.values() for said in faults.values())):
            assert said in done.stderr


@pytest.mark.torture
def test_links_to_what_is_no_page_lead_somewhere(copy):
    (copy / "main.py").write_text("\n\nprint()\n")  # lines that a highlighter would leave out
    with (copy / "docs" / "data.md").open("a") as page:
        page.write(
            "\n[a](../configs) [b](../configs/mlp.yaml#L2-L3) [c](../Makefile) [d](../main.py#L3)\n"
        )
    done, site = build(copy)
    assert (done.returncode, done.stderr) == (0, "")
    text = (site / "docs" / "data.html").read_text()
    assert "../README.html#what-is-where" in text
    assert "../configs/mlp.html#L-2" in text
    assert "../main.html#L-3" in text
    assert 'id="L-3"' in (site / "main.html").read_text()
    assert (site / "docs" / re.search(r'href="([^"]*/Makefile)"', text)[1]).is_file()
