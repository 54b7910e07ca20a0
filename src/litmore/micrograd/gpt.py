"""A Transformer of single numbers: `litmore.models.Transformer`, token by token, with its weights.

Letters: T tokens so far, V vocabulary, C embedding, D a head's share of C.

Source: microgpt (Karpathy), for the idea that one page is enough.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import Any

from litmore.micrograd.engine import Value, dot, total
from litmore.micrograd.functional import cross_entropy, gelu, softmax
from litmore.micrograd.nn import Module

Vector = list[Value]
Matrix = list[Vector]
Past = list[tuple[Matrix, Matrix]]
"""Of each block, the keys and the values of the tokens so far: (T, C) both."""


class GPT(Module):
    """Which token comes next, from those so far.

    Its weights are called and drawn as `litmore.models.Transformer` calls and draws its own by
    `init="scaled"`: LayerNorm and linear maps without biases, the output tied to the embedding.

    Args:
        vocab_size: V.
        block_size: T at most.
        embedding_dim: C.
        num_layers: blocks.
        num_heads: of each block's attention; they share C.
        seed: of the weights.

    Raises:
        ValueError: a size is below 1, or the heads do not divide C.

    """

    def __init__(
        self,
        vocab_size: int,
        block_size: int = 16,
        embedding_dim: int = 16,
        num_layers: int = 1,
        num_heads: int = 4,
        seed: int = 0,
    ) -> None:
        if min(vocab_size, block_size, embedding_dim, num_layers, num_heads) < 1:
            raise ValueError("GPT: each size must be at least 1")
        if embedding_dim % num_heads:
            raise ValueError(f"num_heads {num_heads}: must divide embedding_dim, {embedding_dim}")
        self.block_size = block_size
        self.num_layers = num_layers
        self.num_heads = num_heads
        generator = Random(seed)

        def drawn(rows: int, columns: int, std: float = 0.02) -> Matrix:
            return [[Value(generator.gauss(0, std)) for _ in range(columns)] for _ in range(rows)]

        def ones() -> Matrix:
            return [[Value(1.0) for _ in range(embedding_dim)]]

        C = embedding_dim  # noqa: N806
        small = 0.02 / math.sqrt(2 * num_layers)  # for what adds up from block to block
        self.weights = {"embedding.weight": drawn(vocab_size, C)}
        self.weights["position.weight"] = drawn(block_size, C)
        for block in (f"blocks.{layer}." for layer in range(num_layers)):
            self.weights[block + "attention_norm.weight"] = ones()
            self.weights[block + "attend.weight"] = drawn(3 * C, C)
            self.weights[block + "project.weight"] = drawn(C, C, small)
            self.weights[block + "linear_norm.weight"] = ones()
            self.weights[block + "up.weight"] = drawn(4 * C, C)
            self.weights[block + "down.weight"] = drawn(C, 4 * C, small)
        self.weights["norm.weight"] = ones()

    def parameters(self) -> list[Value]:
        return [value for matrix in self.weights.values() for row in matrix for value in row]

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over a Transformer's numbers.

        Args:
            state: its `state_dict()`, or lists of numbers by the same names.

        Raises:
            ValueError: it is of another architecture.

        """
        given = {name: _rows(tensor) for name, tensor in state.items()}
        tied = given.get("embedding.weight", [])
        if given.pop("output.weight", tied) != tied:
            raise ValueError("output.weight: must be tied to embedding.weight")
        for name in {**given, **self.weights}:
            there, here = (list(map(len, w.get(name, []))) for w in (given, self.weights))
            if there != here:
                raise ValueError(f"{name}: is of another size there, or not in both")
        for name, matrix in self.weights.items():
            for values, numbers in zip(matrix, given[name], strict=True):
                for value, number in zip(values, numbers, strict=True):
                    value.data = number

    def begin(self) -> Past:
        """Nothing seen yet."""
        return [([], []) for _ in range(self.num_layers)]

    def __call__(self, token: int, past: Past) -> Vector:
        """The next token's logits, (V,), after one more token, which joins the past.

        Raises:
            IndexError: T is `block_size` already.

        """
        w = self.weights
        x = _add(w["embedding.weight"][token], w["position.weight"][len(past[0][0])])  # (C,)
        for layer, (keys, values) in enumerate(past):
            block = f"blocks.{layer}."
            normed = _norm(x, w[block + "attention_norm.weight"])
            query, key, value = _parts(_linear(w[block + "attend.weight"], normed), 3)  # (C,) each
            keys.append(key)
            values.append(value)
            attended: Vector = []
            for head, asked in enumerate(_parts(query, self.num_heads)):  # (D,)
                own = slice(head * len(asked), (head + 1) * len(asked))
                root = math.sqrt(len(asked))
                shares = softmax([dot(asked, key[own]) / root for key in keys])  # (T,)
                columns = zip(*(value[own] for value in values), strict=True)  # D of (T,)
                attended += [dot(shares, column) for column in columns]
            x = _add(x, _linear(w[block + "project.weight"], attended))
            normed = _norm(x, w[block + "linear_norm.weight"])
            hidden = [gelu(h) for h in _linear(w[block + "up.weight"], normed)]  # (4·C,)
            x = _add(x, _linear(w[block + "down.weight"], hidden))
        return _linear(w["embedding.weight"], _norm(x, w["norm.weight"]))

    def loss(self, tokens: Sequence[int]) -> Value:
        """The mean negative log-likelihood of each token after those before it."""
        past = self.begin()
        nll = [cross_entropy(self(token, past), after) for token, after in pairwise(tokens)]
        return total(nll) / len(nll)

    def sample(self, generator: Random, temperature: float = 1.0) -> list[int]:
        """Tokens drawn one by one behind token 0, until 0 is drawn again or T is `block_size`."""
        past, tokens = self.begin(), [0]
        while len(tokens) <= self.block_size:
            shares = softmax([logit / temperature for logit in self(tokens[-1], past)])
            weights = [share.data for share in shares]
            tokens += generator.choices(range(len(weights)), weights)
            if tokens[-1] == 0:
                return tokens[1:-1]
        return tokens[1:]


def _rows(tensor: Any) -> list[list[float]]:
    """Of a tensor or of lists; a vector is one row."""
    numbers = tensor.tolist() if hasattr(tensor, "tolist") else tensor
    return numbers if isinstance(numbers[0], list) else [numbers]


def _linear(matrix: Matrix, x: Vector) -> Vector:
    return [dot(row, x) for row in matrix]


def _norm(x: Vector, gain: Matrix) -> Vector:
    """Less its mean, ÷ its deviation, times the gain."""
    mean = total(x) / len(x)
    off = [value - mean for value in x]
    scale = (dot(off, off) / len(x) + 1e-5) ** -0.5
    return [value * scale * g for value, g in zip(off, gain[0], strict=True)]


def _add(left: Vector, right: Vector) -> Vector:
    return [a + b for a, b in zip(left, right, strict=True)]


def _parts(x: Vector, number: int) -> list[Vector]:
    """The vector cut into so many of one length."""
    size = len(x) // number
    return [x[start : start + size] for start in range(0, len(x), size)]
