"""Graphs as pictures and as text."""

import shutil

import graphviz
import pytest

from litmore.micrograd import Value, dot
from litmore.micrograd.draw import Tree, digraph, draw, tree


@pytest.fixture
def neuron():
    x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(7.0, "b")
    n = x * w + b
    n.label = "n"
    o = n.tanh()
    o.label = "o"
    o.backward()
    return o


def test_dot_has_labels_numbers_gradients_and_operations(neuron):
    source = digraph(neuron).source
    for cell in ("x | data 2.0000 | grad -1.2599", "n | data 1.0000 | grad 0.4200"):
        assert f'label="{cell}"' in source
    assert "rankdir=LR" in source
    assert "[label=tanh]" in source
    assert source.count("->") == 3 + 5  # each operation to its value, each operand to it


def test_each_use_has_its_arrow():
    a = Value(3.0, "a")
    assert digraph(a * a).source.count("v0 -> v1op") == 2
    assert digraph(dot([a, Value(1.0)], [2.0, a])).source.count("-> v2op") == 3


def test_a_tree_spells_out_a_value_once():
    a = Value(2.0, "a")
    b = a * 3
    assert tree(b + b.exp()).splitlines() == [
        "= +  data 409.4288  grad 0.0000",
        "├─ = *3  data 6.0000  grad 0.0000",
        "│  └─ a  data 2.0000  grad 0.0000",
        "└─ = exp  data 403.4288  grad 0.0000",
        "   └─ = *3  data 6.0000  grad 0.0000  …",
    ]


def test_without_graphviz_it_is_a_tree(neuron, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda program: None)
    drawn = draw(neuron)
    assert isinstance(drawn, Tree)
    assert repr(drawn).startswith("o  = tanh  data 0.7616")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_with_graphviz_it_is_a_picture(neuron):
    neuron.label = 'any {label} | <of> "signs" \\ é'
    drawn = draw(neuron)
    assert isinstance(drawn, graphviz.Digraph)
    svg = drawn.pipe("svg", encoding="utf-8")
    assert "any {label} | &lt;of&gt; &quot;signs&quot; \\ é" in svg
    assert "tanh" in svg


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_a_notebook_shows_it_to_those_who_do_not_trust_it_yet(neuron, rankdir):
    drawing = digraph(neuron, rankdir)
    assert list(drawing._repr_mimebundle_(include=None, exclude=None)) == ["image/png"]
    picture = drawing._repr_mimebundle_()["image/png"]
    assert picture.startswith(b"\x89PNG")
    width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
    assert (width > height) == (rankdir == "LR")
    assert width < 1000  # pixels: a page is about as wide, and letters stay as large
    assert set(drawing._repr_mimebundle_(include=["image/svg+xml"])) == {"image/svg+xml"}


def test_a_deep_graph_is_drawn():
    x = Value(1.0)
    y = x
    for _ in range(1500):
        y = y + 1
    assert digraph(y).source.count("->") == 3000
    assert len(tree(y).splitlines()) == 1501
