"""The site: `make docs-build` has Sphinx read README.md, docs/ and notebooks/ where they lie."""

import re
from pathlib import Path

from docutils import nodes
from docutils.writers.html5_polyglot import HTMLTranslator
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.parsers import Parser

ROOT = Path(__file__).parents[1]
NAVIGATION = {
    "Start": ["self", "docs/coming_from"],
    "Learn": [
        "notebooks/building_micrograd",
        "notebooks/building_makemore*",
        "notebooks/*",
        "docs/lectures",
        "docs/backprop",
        "docs/results",
    ],
    "Use": ["docs/training", "docs/data", "docs/models", "docs/tensorboard", "docs/export"],
    "Research": [
        "docs/research",
        "docs/leaderboard",
        "docs/shakespeare",
        "docs/testing",
        "docs/cluster",
        "docs/scale",
    ],
    "Reference": [
        "docs/design",
        "docs/storage",
        "docs/performance",
        "docs/reliability",
        "CONTRIBUTING",
        "CHANGELOG",
    ],
}
"""A pattern is of those that stand nowhere before."""

PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md", "notebooks/*.ipynb"]
SOURCES = {
    linked
    for pattern in PAGES
    for page in ROOT.glob(pattern)
    for link in re.findall(r"\]\(([^)#:]+\.(?:py|yaml))\b", page.read_text("utf-8"))
    if (linked := (page.parent / link).resolve()).is_relative_to(ROOT) and linked.is_file()
}
"""The files of code that a page links to: the forge shows them, and so the site does."""

project = "litmore"
extensions = ["myst_nb"]
root_doc = "README"
include_patterns = [*PAGES, *(path.relative_to(ROOT).as_posix() for path in SOURCES)]
exclude_patterns = [".*", "build", "logs"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".py": "code", ".yaml": "code"}
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 6
nitpicky = True
nb_execution_mode = "off"  # a notebook is committed with what it gave
html_theme = "furo"
html_title = "litmore"
html_static_path = html_css_files = ["site.css"]
html_show_copyright = False
html_copy_source = False
html_use_index = False
smartquotes = False
highlight_language = "none"  # of a fence that names none
highlight_options = {name: {"stripnl": False} for name in ("py", "yaml")}  # lines stay numbered


class Code(Parser):
    """A file of code as a page, whose lines have the forge's anchors."""

    supported = ("code",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        env = document.settings.env
        path = Path(env.doc2path(env.docname)).relative_to(ROOT)
        heading = nodes.title(text=path.as_posix())
        code = nodes.literal_block(inputstring, inputstring, language=path.suffix[1:], linenos=True)
        code["highlight_args"] = {"lineanchors": "L"}
        document += nodes.section("", heading, code, ids=["file"])
        lines = range(1, len(inputstring.splitlines()) + 1)
        slugs = {f"L{line}": (line, f"L-{line}", f"line {line}") for line in lines}
        env.metadata[env.docname] |= {"myst_slugs": slugs, "orphan": True}


def navigate(app: Sphinx, name: str, text: list[str]) -> None:
    """The front page holds the navigation; on the forge it needs none."""
    if name == root_doc:
        for caption, pages in NAVIGATION.items():
            entries = "\n".join(page if page == "self" else f"/{page}" for page in pages)
            options = f":caption: {caption}\n:hidden:\n:glob:"
            text[0] += f"\n```{{toctree}}\n{options}\n\n{entries}\n```\n"


def land(app: Sphinx, page: nodes.document) -> None:
    """A link to a folder leads to what the front page says of it, one to lines to the first."""
    for link in page.findall(pending_xref):
        if link["refdomain"] == "doc":
            link["reftargetid"] = re.sub(r"^(L\d+)-L\d+$", r"\1", link["reftargetid"] or "") or None
        elif Path(ROOT, link["refdoc"]).parent.joinpath(link["reftarget"]).is_dir():
            front = {"refdomain": "doc", "reftarget": root_doc, "reftargetid": "what-is-where"}
            link.attributes.update(front)


def formula(html: HTMLTranslator, node: nodes.Element) -> None:
    """In MathML, which browsers know; Sphinx's way would load MathJax from the net."""
    html.math_output, html.math_options = "mathml", ""
    HTMLTranslator.visit_math(html, node)


def open_with(app: Sphinx, broken: Exception | None) -> None:
    """A server looks for index.html."""
    if broken is None:
        front = Path(app.outdir, f"{root_doc}.html")
        Path(app.outdir, "index.html").write_bytes(front.read_bytes())


def setup(app: Sphinx) -> None:
    """What Sphinx calls."""
    app.add_source_parser(Code)
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
    app.connect("source-read", navigate)
    app.connect("doctree-read", land)
    app.connect("build-finished", open_with)
