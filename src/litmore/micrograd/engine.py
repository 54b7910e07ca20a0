"""A number that remembers how it was computed, and what its operands' changes do to it.

A node keeps its operands and, worked out on the way forward, the derivative by each of them. So the
chain rule is one line for every operation there is, and an operation on many operands (`dot`,
`total`) is a node like any other; an operation of one's own is a call of `node`.

Source: micrograd (Karpathy).
"""

import math
from array import array
from collections.abc import Iterable, Sequence
from numbers import Real
from operator import mul
from typing import Any, SupportsFloat, Union

Number = Union["Value", SupportsFloat]
"""What stands beside a `Value` in an expression: another, or any real number, numpy's among them.

A plain number is part of the operation. A numpy array takes the expression over, an element at a
time.
"""

_REAL = (int, float, Real)  # the first two are by far the fastest to tell
_SUM = (1.0, 1.0)
_DIFFERENCE = (1.0, -1.0)
_SAME = (1.0,)
_OPPOSITE = (-1.0,)


class Value:
    """A node of an expression graph: a leaf, or an operation on other nodes.

    `==` tells whether it is the same node; `<`, `<=`, `>` and `>=` compare the numbers.

    Args:
        data: the number.
        label: its name in a drawing.

    """

    __slots__ = ("data", "grad", "label", "op", "operands", "partials")

    def __init__(self, data: SupportsFloat, label: str = "") -> None:
        self.data = float(data)
        self.grad = 0.0  # d root ÷ d self, once `root.backward()` has been called
        self.label = label
        self.op = ""  # what computed it, with its plain number if there is one: +, *2, tanh
        self.operands: tuple[Value, ...] = ()
        # d self ÷ d operand, as things stood on the way forward
        self.partials: Sequence[float] = ()

    def __repr__(self) -> str:
        named = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self.data!r}, grad={self.grad!r}{named})"

    def __float__(self) -> float:
        return self.data

    # Operations

    def __add__(self, other: Number) -> "Value":
        if isinstance(other, Value):
            return node(self.data + other.data, "+", (self, other), _SUM)
        if isinstance(other, _REAL):
            number = float(other)
            return node(self.data + number, f"+{number:g}", (self,), _SAME)
        return NotImplemented

    def __radd__(self, other: SupportsFloat) -> "Value":
        return self + other

    def __sub__(self, other: Number) -> "Value":
        if isinstance(other, Value):
            return node(self.data - other.data, "-", (self, other), _DIFFERENCE)
        if isinstance(other, _REAL):
            number = float(other)
            return node(self.data - number, f"-{number:g}", (self,), _SAME)
        return NotImplemented

    def __rsub__(self, other: SupportsFloat) -> "Value":
        if isinstance(other, _REAL):
            number = float(other)
            return node(number - self.data, f"{number:g}-", (self,), _OPPOSITE)
        return NotImplemented

    def __mul__(self, other: Number) -> "Value":
        if isinstance(other, Value):
            a, b = self.data, other.data
            return node(a * b, "*", (self, other), (b, a))
        if isinstance(other, _REAL):
            factor = float(other)
            return node(self.data * factor, f"*{factor:g}", (self,), (factor,))
        return NotImplemented

    def __rmul__(self, other: SupportsFloat) -> "Value":
        return self * other

    def __truediv__(self, other: Number) -> "Value":
        if isinstance(other, Value):
            a, b = self.data, other.data
            ratio = a / b
            return node(ratio, "/", (self, other), (1 / b, -ratio / b))
        if isinstance(other, _REAL):
            divisor = float(other)
            return node(self.data / divisor, f"/{divisor:g}", (self,), (1 / divisor,))
        return NotImplemented

    def __rtruediv__(self, other: SupportsFloat) -> "Value":
        if isinstance(other, _REAL):
            number = float(other)
            ratio = number / self.data
            return node(ratio, f"{number:g}/", (self,), (-ratio / self.data,))
        return NotImplemented

    def __pow__(self, other: Number) -> "Value":
        """`self ** other`.

        Raises:
            ValueError: it is no real number, or has no derivative by its exponent: the base is
                negative or 0 and the exponent a `Value`.
            OverflowError: it is more than a float holds.

        """
        if isinstance(other, Value):
            a, b = self.data, other.data
            if a <= 0:
                raise ValueError(f"{a:g} ** Value: a variable exponent needs a positive base")
            power = _power(a, b)
            return node(power, "**", (self, other), (_slope(a, b), power * math.log(a)))
        if isinstance(other, _REAL):
            a, b = self.data, float(other)
            return node(_power(a, b), f"**{b:g}", (self,), (_slope(a, b),))
        return NotImplemented

    def __rpow__(self, other: SupportsFloat) -> "Value":
        if isinstance(other, _REAL):
            base = float(other)
            if base <= 0:
                raise ValueError(f"{base:g} ** Value: a variable exponent needs a positive base")
            power = _power(base, self.data)
            return node(power, f"{base:g}**", (self,), (power * math.log(base),))
        return NotImplemented

    def __neg__(self) -> "Value":
        return node(-self.data, "-", (self,), _OPPOSITE)

    def __abs__(self) -> "Value":
        """The number without its sign; the derivative at 0 is 0, as torch's."""
        sign = (self.data > 0) - (self.data < 0)
        return node(abs(self.data), "abs", (self,), (float(sign),))

    def exp(self) -> "Value":
        """e to this power.

        Raises:
            OverflowError: it is more than a float holds, from 710 on.

        """
        try:
            power = math.exp(self.data)
        except OverflowError:
            raise OverflowError(f"exp({self.data:g}) is more than a float holds") from None
        return node(power, "exp", (self,), (power,))

    def log(self) -> "Value":
        """The natural logarithm.

        Raises:
            ValueError: the number is not positive.

        """
        if self.data <= 0:
            raise ValueError(f"log({self.data:g}): the logarithm needs a positive number")
        return node(math.log(self.data), "log", (self,), (1 / self.data,))

    def sqrt(self) -> "Value":
        """The square root.

        Raises:
            ValueError: the number is negative.

        """
        if self.data < 0:
            raise ValueError(f"sqrt({self.data:g}): the root needs a number of at least 0")
        return node(math.sqrt(self.data), "sqrt", (self,), (_slope(self.data, 0.5),))

    def sin(self) -> "Value":
        return node(math.sin(self.data), "sin", (self,), (math.cos(self.data),))

    def cos(self) -> "Value":
        return node(math.cos(self.data), "cos", (self,), (-math.sin(self.data),))

    def tanh(self) -> "Value":
        data = math.tanh(self.data)
        return node(data, "tanh", (self,), (1 - data * data,))

    def relu(self) -> "Value":
        """The number if it is positive, else 0; so is the derivative at 0."""
        if self.data <= 0:
            return node(0.0, "relu", (self,), (0.0,))
        return node(self.data, "relu", (self,), _SAME)

    def sigmoid(self) -> "Value":
        """1 ÷ (1 + e to the minus this): from 0 to 1."""
        data = _sigmoid(self.data)
        return node(data, "sigmoid", (self,), (data * (1 - data),))

    def softplus(self) -> "Value":
        """log(1 + e to this power): `relu` with a round corner."""
        data = max(self.data, 0.0) + math.log1p(math.exp(-abs(self.data)))
        return node(data, "softplus", (self,), (_sigmoid(self.data),))

    # Comparison

    def __lt__(self, other: Number) -> bool:
        return self.data < _plain(other)

    def __le__(self, other: Number) -> bool:
        return self.data <= _plain(other)

    def __gt__(self, other: Number) -> bool:
        return self.data > _plain(other)

    def __ge__(self, other: Number) -> bool:
        return self.data >= _plain(other)

    # Backpropagation

    def backward(self) -> None:
        """Set `grad` to d self ÷ d node throughout the graph.

        Leaves add it to the `grad` they have, as torch's do: a second `backward()`, of this or
        another root, adds its own; reset it to 0 in between for the second's alone. All other
        nodes hold the latest root's. It tells of the numbers of the way forward: one changed
        since then counts from the next way forward on.
        """
        order = self.graph()
        for node in order:
            if node.operands:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            grad = node.grad
            for operand, partial in zip(node.operands, node.partials, strict=True):
                operand.grad += partial * grad

    def graph(self) -> list["Value"]:
        """All nodes that this one was computed from, each after its operands; itself the last."""
        order: list[Value] = []
        seen = {self}
        stack = [(self, iter(self.operands))]  # no recursion: a graph may be deep
        while stack:
            node, operands = stack[-1]
            for operand in operands:
                if operand not in seen:
                    seen.add(operand)
                    stack.append((operand, iter(operand.operands)))
                    break
            else:
                order.append(node)
                stack.pop()
        return order


def dot(left: Iterable[Number], right: Iterable[Number], start: Number = 0.0) -> Value:
    """start + Σ leftᵢ · rightᵢ as one node: a neuron's weights on its inputs, and its bias.

    Raises:
        ValueError: the two are not of one length.

    """
    left, right = tuple(left), tuple(right)
    if len(left) != len(right):
        raise ValueError(f"dot: {len(left)} numbers on the left and {len(right)} on the right")
    (a, values_left), (b, values_right) = _parts(left), _parts(right)
    operands = values_left + values_right
    partials = _beside(left, values_left, b) + _beside(right, values_right, a)
    if isinstance(start, Value):
        operands += (start,)
        partials.append(1.0)
    return node(float(sum(map(mul, a, b), _plain(start))), "dot", operands, partials)


def total(values: Iterable[Value]) -> Value:
    """Σ valuesᵢ as one node."""
    operands = tuple(values)
    return node(float(sum([x.data for x in operands])), "sum", operands, (1.0,) * len(operands))


def node(data: float, op: str, operands: tuple[Value, ...], partials: Sequence[float]) -> Value:
    """An operation's result: what computed it, from what, and the derivative by each operand.

    It is of its first operand's class.
    """
    kind = type(operands[0]) if operands else Value
    result = kind.__new__(kind)  # a leaf's __init__ has nothing to say to it
    result.data = data
    result.grad = 0.0
    result.label = ""
    result.op = op
    result.operands = operands
    result.partials = partials
    return result


def _parts(numbers: tuple[Number, ...]) -> tuple[list[float], tuple[Value, ...]]:
    """The plain numbers of all of them, and those that are values."""
    kinds = set(map(type, numbers))
    if len(kinds) == 1:  # by far the most frequent, and by far the fastest
        if issubclass(kind := kinds.pop(), Value):
            return [x.data for x in numbers], numbers  # type: ignore[union-attr, return-value]
        if kind is float:
            return list(numbers), ()  # type: ignore[arg-type]
    values = tuple(x for x in numbers if isinstance(x, Value))
    return array("d", numbers).tolist(), values  # type: ignore[type-var, return-value]


def _beside(
    numbers: tuple[Number, ...], values: tuple[Value, ...], others: list[float]
) -> list[float]:
    """Of the others, those that stand beside a value."""
    if len(values) == len(numbers):
        return others[:]
    return [other for x, other in zip(numbers, others, strict=True) if isinstance(x, Value)]


def _plain(number: Number) -> Any:
    """To compare with; what is no real number, such as an array, says itself how."""
    if isinstance(number, Value):
        return number.data
    return float(number) if isinstance(number, _REAL) else number


def _sigmoid(x: float) -> float:
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    power = math.exp(x)  # below 0, where that of −x may be more than a float holds
    return power / (1 + power)


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except ValueError:
        raise ValueError(f"{base:g} ** {exponent:g} is not a real number") from None
    except OverflowError:
        raise OverflowError(f"{base:g} ** {exponent:g} is more than a float holds") from None


def _slope(base: float, exponent: float) -> float:
    """d base**exponent ÷ d base."""
    if exponent == 0:
        return 0.0
    if base == 0 and exponent < 1:
        return math.inf  # a root's tangent at 0 is vertical
    return exponent * _power(base, exponent - 1)
