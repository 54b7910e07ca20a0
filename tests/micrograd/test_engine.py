"""Values and gradients, against torch and against the lecture."""

import math
import operator
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from litmore.micrograd import Value, dot, engine, total

# Every operation, run on values and on torch's doubles alike, and the numbers it is tried on.
OPERATIONS = [
    (lambda a, b, k: a + b, lambda a, b: True),
    (lambda a, b, k: a - b, lambda a, b: True),
    (lambda a, b, k: a * b, lambda a, b: True),
    (lambda a, b, k: a / b, lambda a, b: abs(b) > 0.2),
    (lambda a, b, k: a**b, lambda a, b: a > 0.2 and abs(b) < 4),
    (lambda a, b, k: a + k, lambda a, b: True),
    (lambda a, b, k: k + a, lambda a, b: True),
    (lambda a, b, k: a - k, lambda a, b: True),
    (lambda a, b, k: k - a, lambda a, b: True),
    (lambda a, b, k: a * k, lambda a, b: True),
    (lambda a, b, k: k * a, lambda a, b: True),
    (lambda a, b, k: a / k, lambda a, b: True),
    (lambda a, b, k: k / a, lambda a, b: abs(a) > 0.2),
    (lambda a, b, k: a**k, lambda a, b: a > 0.2),
    (lambda a, b, k: a**3, lambda a, b: True),
    (lambda a, b, k: k**a, lambda a, b: abs(a) < 4),
    (lambda a, b, k: -a, lambda a, b: True),
    (lambda a, b, k: a.exp(), lambda a, b: a < 3),
    (lambda a, b, k: a.log(), lambda a, b: a > 0.2),
    (lambda a, b, k: a.tanh(), lambda a, b: True),
    (lambda a, b, k: a.relu(), lambda a, b: True),
    (lambda a, b, k: abs(a), lambda a, b: True),
    (lambda a, b, k: a.sqrt(), lambda a, b: a > 0.2),
    (lambda a, b, k: a.sin(), lambda a, b: True),
    (lambda a, b, k: a.cos(), lambda a, b: True),
    (lambda a, b, k: a.sigmoid(), lambda a, b: True),
    (lambda a, b, k: of_torch(a, F.softplus, Value.softplus), lambda a, b: True),
]


def of_torch(a, theirs, ours):
    """What torch's tensors have as a function alone."""
    return ours(a) if isinstance(a, Value) else theirs(a)


numbers = st.integers(-300, 300).map(lambda hundredths: hundredths / 100)
choices = st.integers(0, len(OPERATIONS) * 12 * 256 - 1)


def grow(leaves, choices):
    """The nodes of a random graph, and its steps: operation, operands' places, plain number."""
    nodes, steps = list(leaves), []
    for choice in choices:
        rest, which = divmod(choice, len(OPERATIONS))
        rest, quarters = divmod(rest, 12)
        k = (quarters + 1) / 4
        i, j = rest // 16 % len(nodes), rest % len(nodes)
        operation, possible = OPERATIONS[which]
        if possible(nodes[i].data, nodes[j].data):
            node = operation(nodes[i], nodes[j], k)
            if abs(node.data) < 50:
                steps.append((operation, i, j, k))
                nodes.append(node)
    return nodes, steps


@settings(max_examples=2000)
@given(st.lists(numbers, min_size=1, max_size=4), st.lists(choices, min_size=1, max_size=12))
def test_random_graphs_have_torchs_values_and_gradients(start, choices):
    nodes, steps = grow([Value(x) for x in start], choices)
    tensors = list(torch.tensor(start, dtype=torch.float64, requires_grad=True))
    leaves = tensors[:]
    for operation, i, j, k in steps:
        tensors.append(operation(tensors[i], tensors[j], k))
    expected = torch.autograd.grad(tensors[-1], leaves, allow_unused=True)
    nodes[-1].backward()
    ours = [node.data for node in nodes]
    assert ours == pytest.approx([t.item() for t in tensors], rel=1e-9, abs=1e-9)
    gradients = [0.0 if g is None else g.item() for g in expected]
    assert [n.grad for n in nodes[: len(start)]] == pytest.approx(gradients, rel=1e-9, abs=1e-9)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8), numbers)
def test_a_dot_product_is_its_products_summed(pairs, number):
    def leaves():
        return [Value(a) for a, _ in pairs], [Value(b) for _, b in pairs], Value(number)

    a, b, bias = leaves()
    dot(a, b, bias).backward()
    c, d, start = leaves()
    one_by_one = start
    for x, y in zip(c, d, strict=True):
        one_by_one = one_by_one + x * y
    one_by_one.backward()
    assert [v.grad for v in [*a, *b, bias]] == [v.grad for v in [*c, *d, start]]
    # Plain numbers on either side, and no bias, leave the other side's gradient as it was.
    plain = [y for _, y in pairs]
    half = dot(leaves()[0], plain)
    assert half.data == pytest.approx(sum(x * y for x, y in pairs))
    half.backward()
    assert [v.grad for v in half.operands] == plain
    mixed = dot([Value(2.0), 3.0], [5.0, Value(7.0)])
    mixed.backward()
    assert mixed.data == 31.0
    assert [v.grad for v in mixed.operands] == [5.0, 3.0]


def test_a_total_is_a_sum():
    values = [Value(1.5), Value(-2.0), Value(4.0)]
    summed = total([*values, values[0]])
    summed.backward()
    assert summed.data == 5.0
    assert [v.grad for v in values] == [2.0, 1.0, 1.0]


# The lecture's figures


def test_the_lectures_neuron():
    x1, x2, w1, w2 = Value(2.0), Value(0.0), Value(-3.0), Value(1.0)
    b = Value(6.8813735870195432)
    n = x1 * w1 + x2 * w2 + b
    o = n.tanh()
    o.backward()
    assert o.data == pytest.approx(0.7071, abs=5e-5)
    assert n.grad == pytest.approx(0.5)
    assert [v.grad for v in (x1, w1, x2, w2)] == pytest.approx([-1.5, 1.0, 0.5, 0.0])


def test_tanh_taken_apart_has_the_same_gradients():
    def neuron(squash):
        leaves = [Value(x) for x in (2.0, 0.0, -3.0, 1.0, 6.8813735870195432)]
        x1, x2, w1, w2, b = leaves
        o = squash(x1 * w1 + x2 * w2 + b)
        o.backward()
        return [o.data, *(leaf.grad for leaf in leaves)]

    apart = neuron(lambda n: ((2 * n).exp() - 1) / ((2 * n).exp() + 1))
    assert apart == pytest.approx(neuron(Value.tanh))


def test_the_repositorys_sanity_check():
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert [g.data, a.grad, b.grad] == pytest.approx([24.70408163, 138.83381924, 645.57725948])


# Backward


def test_a_second_backward_adds_its_own_and_no_more():
    a, b = Value(3.0), Value(-2.0)
    square = a * a
    loss = square * b + a
    loss.backward()
    first = [a.grad, b.grad, square.grad, loss.grad]
    assert first == [2 * 3 * -2 + 1, 9.0, -2.0, 1.0]
    loss.backward()
    assert [a.grad, b.grad] == [2 * first[0], 2 * first[1]]  # as torch's leaves do
    assert [square.grad, loss.grad] == [-2.0, 1.0]
    other = square + b  # another root on the same nodes
    other.backward()
    assert [a.grad, b.grad, square.grad] == [2 * first[0] + 6, 2 * first[1] + 1, 1.0]


def test_a_leaf_is_its_own_derivative():
    a = Value(5.0)
    a.backward()
    assert a.grad == 1.0


def test_a_chain_of_100_000_nodes():
    x = Value(1.0)
    y = x
    for _ in range(100_000):
        y = -y
    y.backward()
    assert len(y.graph()) == 100_001
    assert x.grad == 1.0


def test_a_graph_holds_each_node_once_after_its_operands():
    a, b = Value(1.0), Value(2.0)
    c = a * b
    d = c + a
    e = d * c
    order = e.graph()
    assert len(order) == 5
    assert order[-1] is e
    for node in order:
        assert all(order.index(operand) < order.index(node) for operand in node.operands)


# What surrounds the numbers


def test_comparison_is_of_numbers_and_equality_of_nodes():
    a, b = Value(1.0), Value(2.0)
    assert a < b
    assert b > 1
    assert a <= 1.0
    assert a < 2
    assert a != Value(1.0)
    assert len({a, b, a}) == 2


REALS = [
    np.int64(2), np.float32(2), np.float64(2), np.float16(2), np.int8(2), np.uint8(2),
    np.bool_(True), np.array(2), np.array(2.0), Fraction(1, 2), True,
]  # fmt: skip
ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


@pytest.mark.parametrize("number", REALS, ids=lambda number: f"{type(number).__name__}-{number}")
@pytest.mark.parametrize("operation", ARITHMETIC)
def test_any_real_number_stands_on_either_side(operation, number):
    for turned in (False, True):

        def expression(a, k, turned=turned):
            return operation(k, a) if turned else operation(a, k)

        a = Value(3.0)
        t = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
        ours, theirs = expression(a, number), expression(t, float(number))
        ours.backward()
        theirs.backward()
        assert (type(ours), type(ours.data), type(a.grad)) == (Value, float, float)
        assert [ours.data, a.grad] == pytest.approx([theirs.item(), t.grad.item()], abs=1e-9)


@pytest.mark.parametrize("kind", [np.int64, np.float32, np.float16])
def test_dot_takes_any_real_numbers_and_computes_in_double(kind):
    product = dot([Value(0.1), Value(0.2)], np.array([3, 7], dtype=kind), kind(2))
    product.backward()
    assert product.data == 0.1 * 3 + 0.2 * 7 + 2
    assert [(type(v.grad), v.grad) for v in product.operands] == [(float, 3.0), (float, 7.0)]


@pytest.mark.parametrize("number", REALS[:3])
def test_any_real_number_compares(number):
    assert (Value(3.0) > number, Value(1.0) > number) == (True, False)
    assert (number < Value(3.0), number < Value(1.0)) == (True, False)


def test_numpys_arrays_hold_values():
    values, numbers, a = np.array([Value(1.0), Value(2.0)]), np.array([3.0, 4.0]), Value(5.0)
    t, n = torch.tensor([1.0, 2.0], dtype=torch.float64), torch.from_numpy(numbers)
    for ours, theirs in [
        (values * a, t * 5), (a * values, 5 * t), (values + values, t + t), (2**values, 2**t),
        (numbers / a, n / 5), (a - numbers, 5 - n), (a**numbers, 5**n), (-values, -t),
        (np.exp(values), t.exp()), (np.tanh(values), t.tanh()), (np.sqrt(values), t.sqrt()),
        ([values @ numbers], [t @ n]), ([np.dot(values, values)], [t @ t]),
        ([values.sum()], [t.sum()]), ([values.mean()], [t.mean()]),
        ([np.exp(a)], [n.new([5]).exp()]),
    ]:  # fmt: skip
        assert all(type(value) is Value for value in ours)
        assert [v.data for v in ours] == pytest.approx([float(x) for x in theirs], abs=1e-9)
    (values @ values).backward()
    assert [v.grad for v in values] == [2.0, 4.0]
    assert values.astype(float).tolist() == [1.0, 2.0]


def test_a_value_is_a_float_where_one_is_asked_for():
    assert float(Value(2.5)) == 2.5
    assert math.floor(float(Value(2.5))) == 2


def test_what_is_no_number_is_refused():
    a = Value(1.0)
    for expression in (lambda: a + "1", lambda: [1] * a, lambda: a / None, lambda: a ** "2",
                       lambda: a * 1j, lambda: a * [1.0], lambda: dot([a], ["2"])):  # fmt: skip
        with pytest.raises(TypeError):
            expression()


@pytest.mark.parametrize(
    ("expression", "error", "message"),
    [
        (lambda: Value(0.0).log(), ValueError, r"log\(0\).*positive"),
        (lambda: Value(-1.0).log(), ValueError, r"log\(-1\).*positive"),
        (lambda: Value(-1.0).sqrt(), ValueError, r"sqrt\(-1\).*at least 0"),
        (lambda: Value(-2.0) ** 0.5, ValueError, r"-2 \*\* 0.5 is not a real number"),
        (lambda: Value(0.0) ** -1, ValueError, r"0 \*\* -1 is not a real number"),
        (lambda: Value(-2.0) ** Value(2.0), ValueError, "positive base"),
        (lambda: (-2.0) ** Value(2.0), ValueError, "positive base"),
        (lambda: Value(1000.0).exp(), OverflowError, r"exp\(1000\)"),
        (lambda: Value(1e200) ** 2, OverflowError, r"1e\+200 \*\* 2"),
        (lambda: Value(1.0) / Value(0.0), ZeroDivisionError, "zero"),
        (lambda: dot([Value(1.0)], [1.0, 2.0]), ValueError, "1 numbers on the left and 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_says_so(expression, error, message):
    with pytest.raises(error, match=message):
        expression()


def test_powers_at_their_edges():
    x = Value(0.0)
    assert [(x**0).partials, (x**1).partials, (x**2).partials] == [(0.0,), (1.0,), (0.0,)]
    assert (x**0.5).partials == (math.inf,)  # as torch's
    assert (Value(-3.0) ** 3).partials == (27.0,)
    assert Value(-1.0).relu().partials == (0.0,)
    assert math.isnan(Value(math.nan).relu().data)
    assert [x.sqrt().partials, abs(x).partials] == [(math.inf,), (0.0,)]


def test_what_saturates_does_not_overflow():
    far = [Value(x) for x in (-1000.0, 1000.0)]
    assert [v.sigmoid().data for v in far] == [0.0, 1.0]
    assert [v.softplus().data for v in far] == [0.0, 1000.0]
    assert [v.softplus().partials for v in far] == [(0.0,), (1.0,)]


# More than the engine has


def test_an_operation_of_ones_own():
    x, y = Value(3.0), Value(4.0)
    length = math.hypot(x.data, y.data)
    hypot = engine.node(length, "hypot", (x, y), (x.data / length, y.data / length))
    (hypot * 10).backward()
    assert [hypot.data, x.grad, y.grad] == [5.0, 6.0, 8.0]


def test_a_subclass_stays_what_it_is():
    class Named(Value):
        __slots__ = ()

    a, b = Named(2.0), Named(3.0)
    for result in (a + b, 2 * a, a.tanh(), dot([a, b], [b, 1.0]), total([a, b]), dot([1.0], [a])):
        assert type(result) is Named
    assert dot([a, b], [b, a]).data == 12.0
