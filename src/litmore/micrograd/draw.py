"""A graph of `Value`s as a picture, or as a tree of text where Graphviz is not installed."""

import shutil
from collections.abc import Iterable
from typing import Any

import graphviz

from litmore.micrograd.engine import Value


class Tree(str):
    """Text that a notebook or a prompt shows as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def draw(root: Value) -> graphviz.Digraph | Tree:
    """The graph under a value, as a notebook shows it.

    Returns:
        `dot`'s picture where that program is installed (`apt-get install graphviz`), else a tree.

    """
    return digraph(root) if shutil.which("dot") else tree(root)


class Picture(graphviz.Digraph):
    """A graph that a notebook shows as a PNG: no wider than the page, and before it is trusted."""

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None, **_: Any
    ) -> dict[str, bytes | str]:
        return super()._repr_mimebundle_(include or ["image/png"], exclude)


def digraph(root: Value, rankdir: str = "LR") -> Picture:
    """The graph in DOT, from left to right, as in the lecture.

    A box is a value with its label, number and gradient, an ellipse the operation that made it.
    `.source` is the text; `.render("name")` writes a picture.

    Args:
        root: the graph under it.
        rankdir: `LR` from left to right, `TB` from top to bottom.

    """
    nodes = root.graph()
    names = {node: f"v{number}" for number, node in enumerate(nodes)}
    drawing = Picture(
        graph_attr={"rankdir": rankdir, "ranksep": "0.25", "nodesep": "0.15"},
        node_attr={"fontname": "sans-serif", "fontsize": "11", "margin": "0.06,0.03"},
    )
    # The cells of a box below each other: beside each other they make a long graph twice as long.
    around = "{}" if rankdir == "LR" else "{{ {} }}"
    for node, name in names.items():
        cells = [node.label] if node.label else []
        cells += [f"data {node.data:.4f}", f"grad {node.grad:.4f}"]
        label = around.format(" | ".join(_escaped(cell) for cell in cells))
        drawing.node(name, label, shape="record")
        if node.op:
            drawing.node(name + "op", graphviz.escape(node.op))
            drawing.edge(name + "op", name)
        for operand in node.operands:
            drawing.edge(names[operand], name + "op")
    return drawing


def tree(root: Value) -> Tree:
    """The graph as indented lines, each value above its operands.

    A value that is used more than once is spelt out the first time; later its line ends in `…`.
    """
    lines: list[str] = []
    seen: set[Value] = set()
    stack = [(root, "", "")]  # a value, what stands before it, what stands before its operands
    while stack:
        node, before, below = stack.pop()
        again = node in seen and bool(node.operands)
        seen.add(node)
        words = [node.label, f"= {node.op}" if node.op else ""]
        words += [f"data {node.data:.4f}", f"grad {node.grad:.4f}", "…" if again else ""]
        lines.append(before + "  ".join(word for word in words if word))
        operands = () if again else node.operands
        for number, operand in enumerate(reversed(operands)):
            branch, stem = ("└─ ", "   ") if number == 0 else ("├─ ", "│  ")
            stack.append((operand, below + branch, below + stem))
    return Tree("\n".join(lines))


def _escaped(text: str) -> str:
    """As a cell of a record, where braces, bars and angles have a meaning."""
    return "".join("\\" + character if character in r'\{}|<>"' else character for character in text)
