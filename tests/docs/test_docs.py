"""What the pages say is so."""

import ast
import json
import math
import re
import shlex
from collections import Counter
from pathlib import Path

import pytest
import torch

import litmore
from litmore.cli import commands
from litmore.data import NamesDataModule
from litmore.data.views import Windows

ROOT = Path(__file__).parents[2]
README, LECTURES, DESIGN = (
    (ROOT / page).read_text() for page in ("README.md", "docs/lectures.md", "docs/design.md")
)
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ANCHORS = re.findall(r"- `([^`]+)`\s+\(\[(\S+):(\d+)\]\(\.\./(\S+)#L(\d+)\)\)", LECTURES)
WINGS = {
    "micrograd": "src/litmore/micrograd",
    "building_gpt": "src/litmore/micrograd",
    "mixture": "src/litmore/mixture.py",
    "compare": "src/litmore/compare",
    "export": "src/litmore/export",
    "litmore/load": "src/litmore/export",
    "sweep": "src/litmore/sweep",
    "completion": "src/litmore/completion",
    "schema": "src/litmore/schema",
    "testing": "src/litmore/testing",
    "litmore/new": "src/litmore/new",
    "make upgrade": "src/litmore/new",
    "litmore/configs": "src/litmore/configs",
    "lecture": "configs/lecture",
    "notebooks": "notebooks",
    "benchmarks": "benchmarks",
    "scripts": "scripts",
    "cluster": "scripts/slurm",
    "slurm": "scripts/slurm",
    "heat_map": "src/litmore/watch/parts/heat_map.py",
}
"""A page may speak of a wing that was pulled down: the word in its files' paths, and its folder."""


def went_with_a_wing(path):
    return any(word in str(path) and not (ROOT / wing).exists() for word, wing in WINGS.items())


def is_there(path):
    return (ROOT / path).exists() or went_with_a_wing(path)


def block_of(page, heading):
    """The first code block under a heading."""
    return page.split(f"## {heading}\n")[1].split("```\n")[1]


def prose(page):
    """A page, or a notebook, as Markdown."""
    text = page.read_text()
    if page.suffix != ".ipynb":
        return text
    cells = (cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown")
    return "\n\n".join("".join(cell["source"]) for cell in cells)


def headings(text):
    """Their anchors on a forge."""
    times = Counter()
    for line in re.sub(r"^```.*?^```", "", text, flags=re.M | re.S).splitlines():
        if heading := re.match(r"#+ (.*)", line):
            anchor = re.sub(r"[^\w -]", "", heading[1]).lower().replace(" ", "-")
            yield f"{anchor}-{times[anchor]}" if times[anchor] else anchor
            times[anchor] += 1


def code(text):
    """The lines of its code, those that go on in the next as one."""
    for block in re.findall(r"^ *```.*?\n(.*?)^ *```", text, re.M | re.S):
        yield from block.replace("\\\n", " ").splitlines()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S))


def words(line):
    """As a shell sees them, up to what would be another command's."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    for word in lexer:
        if word[0] in "();<>|&":
            return
        yield word


def entries(tree):
    """The paths of a tree drawn by indentation."""
    above = []
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        above = [*above[:depth], line.split()[0]]
        yield "".join(above)


# Files and folders


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page):
    text = page.read_text()
    named = re.findall(
        r"\b((?:configs|benchmarks|scripts|docs|src|tests)/[\w/.-]+\.(?:yaml|py|md))", text
    )
    own = {"configs/my_gru.yaml"}
    assert [path for path in named if path not in own and not is_there(path)] == []
    modules = re.findall(r"`((?!tests|scripts|benchmarks|docs)\w+/\w+\.py)`", text)
    assert [path for path in modules if not is_there(f"src/litmore/{path}")] == []
    for link in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert is_there((page.parent / link).resolve().relative_to(ROOT)), link


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=lambda page: page.name)
def test_links_lead_to_headings_and_lines(page):
    for path, anchor in re.findall(r"\]\((?!http)([^)#]*)#([^)]*)\)", prose(page)):
        target = (page.parent / path).resolve() if path else page
        if went_with_a_wing(path) and not target.exists():
            continue
        if target.suffix in (".md", ".ipynb"):
            assert anchor in set(headings(prose(target))), f"{path}#{anchor}"
        else:
            first, last = re.fullmatch(r"L(\d+)(?:-L(\d+))?", anchor).groups()
            lines = len(target.read_text().splitlines())
            assert 0 < int(first) <= int(last or first) <= lines, f"{path}#{anchor}"


def test_the_readmes_rooms_are_the_rooms():
    named = [path for path in entries(block_of(README, "What is where")) if "logs" not in path]
    package = ROOT / "src" / "litmore"
    rooms = [path for path in package.iterdir() if any(path.glob("*.py")) or path.suffix == ".py"]
    beside = [path for path in ROOT.iterdir() if any(path.glob("*.*")) and path.name != "src"]
    others = {"logs", "shared", "build", "dist", "__pycache__"}
    there = {
        f"{path.relative_to(ROOT)}{'/' * path.is_dir()}"
        for path in [package, *rooms, *beside, ROOT / "main.py", ROOT / "Makefile"]
        if not path.name.startswith(("__", ".")) and path.name not in others
    }
    assert there - set(named) == set()
    assert [path for path in named if path not in there and not is_there(path)] == []


def test_the_designs_files_are_the_files():
    named = {path for path in entries(block_of(DESIGN, "File by file")) if path[-1] != "/"}
    package = ROOT / "src" / "litmore"
    there = {
        str(path.relative_to(ROOT))
        for path in package.rglob("*.py")
        if path.name != "__init__.py" and "templates" not in path.parts  # of other projects
    }
    assert there - named == set()
    assert {path for path in named if not is_there(path)} == set()


def test_the_designs_floors_are_the_floors():
    tree = ast.parse((ROOT / "tests" / "test_floors.py").read_text())
    floors = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FLOORS"
    )
    table = DESIGN.split("| floor, from the top")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.M) == list(floors)[::-1]


def test_every_dependency_has_its_line():
    for line in (ROOT / "pyproject.toml").read_text().split("[tool.setuptools")[0].splitlines():
        if requirement := re.match(r'    "([\w-]+).*[><=]', line):
            name = re.sub(r"^types-.*", r"types-\\*", requirement[1])
            assert name in README, name


@pytest.mark.parametrize("page", [README, LECTURES], ids=["README.md", "lectures.md"])
def test_pages_point_to_the_notebooks(page):
    named = set(re.findall(r"notebooks/(\w+\.ipynb)", page))
    assert len(named) == 7
    assert {path.name for path in (ROOT / "notebooks").glob("*.ipynb")} <= named
    assert all(is_there(f"notebooks/{name}") for name in named)


# Code


def test_there_are_anchors():
    assert len(ANCHORS) >= 7


@pytest.mark.parametrize(("code", "path", "line", "link", "anchor"), ANCHORS)
def test_code_stands_where_the_lectures_page_says(code, path, line, link, anchor):
    assert (path, line) == (link, anchor)
    if not went_with_a_wing(path):
        assert code in (ROOT / path).read_text().splitlines()[int(line) - 1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_are_called_by_their_names(page):
    for name in re.findall(r"\blitmore((?:\.[a-z_]+)+)", page.read_text()):
        path = "src/litmore" + name.replace(".", "/")
        assert is_there(path) or is_there(path + ".py") or hasattr(litmore, name[1:]), name


def test_the_readmes_model_is_a_model(tmp_path, monkeypatch, capsys):
    from litmore.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("my_gru.py").write_text(re.search(r"```python\n(from torch.*?)```", README, re.S)[1])
    Path("my_gru.yaml").write_text(re.search(r"```yaml\n(model.*?)```", README, re.S)[1])
    args = ["fit", "--config", "my_gru.yaml", "--trainer.max_steps", "3"]
    assert main([*args, "--trainer.accelerator", "cpu"]) == 0, capsys.readouterr().err


OWN = commands.more_commands()
CODE = [line for page in (*PAGES, *NOTEBOOKS) for line in code(prose(page))]
RUN = rf"(?:\bmain\.py|^\$? ?litmore) +((?:fit|validate|test|predict|{'|'.join(OWN)})\b.*)"
COMMANDS = {
    command[1]
    for line in CODE
    if (command := re.search(RUN, line)) and not went_with_a_wing(command[1])
}
NAMED = {"new", "fit"}
"""Commands that the pages speak of, with nothing that they need."""


@pytest.mark.parametrize("command", sorted(COMMANDS - NAMED))
def test_a_command_has_such_flags_and_values(command, monkeypatch, capsys):
    from litmore.cli import main

    monkeypatch.chdir(ROOT)
    args = list(words(command))
    if args[0] in OWN:
        parsed = commands.command(args[0]).parser().parse_args(args[1:])
        args = ["fit", *parsed.get("fit", [])]  # what a sweep leaves to it
    while "--ckpt_path" in args:  # no run is there that it could be the last of
        del args[(place := args.index("--ckpt_path")) : place + 2]
    with pytest.raises(SystemExit, match="0"):
        main([*args, "--print_config"])


def test_make_has_such_targets():
    makefiles = [ROOT / "Makefile", *(ROOT / "src").rglob("templates/all/Makefile")]
    targets = {
        target
        for file in makefiles
        for target in re.findall(r"^([a-z-]+):.*##", file.read_text(), re.M)
    }
    named = {
        word
        for line in CODE
        if re.match(r"\$? ?make ", line) and not went_with_a_wing(line)
        for word in words(line.removeprefix("$ ").removeprefix("make "))
        if "=" not in word
    }
    assert len(named) > 10
    assert named - targets == set()


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
    exec(re.search(r"```python\n(import torch\n.*?)```", LECTURES, re.S)[1], {})
    embedded = torch.randn(32, 3, 10)
    assert embedded.view(32, -1).data_ptr() == embedded.data_ptr()


def test_the_units_of_a_loss():
    assert "2.0966 nats are a perplexity of 8.14 and 3.02 bits" in LECTURES
    assert (round(math.exp(2.0966), 2), round(2.0966 / math.log(2), 2)) == (8.14, 3.02)
    assert "ln 27 = 3.296" in LECTURES
    assert round(math.log(27), 3) == 3.296


@pytest.mark.parametrize(("logit", "finite"), [(88.0, True), (89.0, False)])
def test_cross_entropy_by_hand_overflows(logit, finite):
    row = torch.zeros(1, 27)
    row[0, 0] = logit
    counts = row.exp()
    by_hand = -(counts / counts.sum()).log()[0, 0]
    assert bool(by_hand.isfinite()) == finite
    assert torch.nn.functional.cross_entropy(row, torch.tensor([0])).isfinite()
    assert "NaN from a logit of 89 on" in LECTURES
