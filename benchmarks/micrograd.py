"""How long is a step of the moons classifier, and how large its graph, beside micrograd 0.1.0?

2-16-16-1 with ReLU on 100 points, hinge loss with L2: forward, backward, update, by three means.
`micrograd` is the package of that name (`pip install micrograd`), as its demo uses it. `one by one`
is litmore's engine on that same code: a node for each product and each sum. `litmore` is what
`configs/micrograd.yaml` trains with: a node for each neuron's weighted sum.
"""

import gc
import importlib
import sys
import tracemalloc
from collections.abc import Callable
from itertools import islice
from operator import mul
from types import ModuleType

from litmore.micrograd import MLP, Value, dot, total
from litmore.micrograd.moons import moons
from side_by_side import ratio, side_by_side, spread

SIZES = [16, 16, 1]
PENALTY = 1e-4


def by_the_book(value: Callable, points: list, labels: list, parameters: list) -> object:
    """The demo's objective, in the demo's operations."""
    layers, rest = [], iter(parameters)
    for reads, size in zip([2, *SIZES[:-1]], SIZES, strict=True):
        layers.append([list(islice(rest, reads + 1)) for _ in range(size)])
    scores = []
    for point in points:
        outputs = [value(x) for x in point]
        for number, rows in enumerate(layers):
            sums = [sum(map(mul, row[:-1], outputs), row[-1]) for row in rows]
            outputs = [s.relu() for s in sums] if number < len(layers) - 1 else sums
        scores.append(outputs[0])
    losses = [(1 + -label * score).relu() for label, score in zip(labels, scores, strict=True)]
    return sum(losses) * (1.0 / len(losses)) + PENALTY * sum(p * p for p in parameters)


def fused(network: MLP, points: list, labels: list) -> Value:
    """The same objective in litmore's parts."""
    scores = [network(point)[0] for point in points]
    losses = [(1 - label * score).relu() for label, score in zip(labels, scores, strict=True)]
    weights = network.parameters()
    return total(losses) / len(losses) + PENALTY * dot(weights, weights)


def step(objective: Callable, parameters: list) -> None:
    """Forward, backward, update, and the graph thrown away; its garbage collected, if any is."""
    value = objective()
    for parameter in parameters:
        parameter.grad = 0.0
    value.backward()
    for parameter in parameters:
        parameter.data -= 0.01 * parameter.grad
    del value
    if gc.isenabled():
        gc.collect()  # each pays for its own


def count(root: object) -> int:
    """Nodes of a graph, of either package."""
    seen, stack = {root}, [root]
    while stack:
        node = stack.pop()
        for operand in getattr(node, "operands", None) or getattr(node, "_prev", ()):
            if operand not in seen:
                seen.add(operand)
                stack.append(operand)
    return len(seen)


def graph_bytes(objective: Callable) -> tuple[int, int]:
    """What a graph takes in memory, and its nodes."""
    gc.collect()
    tracemalloc.start()
    root = objective()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return taken, count(root)


def reference() -> ModuleType:
    """The package to compare with."""
    folder = sys.path.pop(0)  # this script's, and the script has the package's name
    try:
        return importlib.import_module("micrograd.engine")
    except ImportError:
        sys.exit("pip install micrograd==0.1.0: the package to compare with")
    finally:
        sys.path.insert(0, folder)


def main() -> None:
    """Measure and print."""
    # Its `backward` recurses: a sum of 337 squares is as deep.
    sys.setrecursionlimit(10_000)
    theirs = reference().Value
    train = moons(100, 0.1, 1337)
    points, labels = train.x.tolist(), train.y.tolist()
    network = MLP(2, SIZES, activation="relu", seed=1337)
    start = [parameter.data for parameter in network.parameters()]
    parameters = {
        "micrograd": [theirs(data) for data in start],
        "one by one": [Value(data) for data in start],
        "litmore": network.parameters(),
    }
    objectives = {
        "micrograd": lambda: by_the_book(theirs, points, labels, parameters["micrograd"]),
        "one by one": lambda: by_the_book(Value, points, labels, parameters["one by one"]),
        "litmore": lambda: fused(network, points, labels),
    }
    for name, objective in objectives.items():
        taken, nodes = graph_bytes(objective)
        print(f"{name:<11} {nodes:>7,} nodes, {taken / nodes:>4,.0f} bytes a node,"
              f" {taken / 2**20:.1f} MiB")  # fmt: skip
    for name, objective in objectives.items():
        for _ in range(3):
            step(objective, parameters[name])
    gap = max(
        abs(a.data - b.data)
        for name in ("one by one", "litmore")
        for a, b in zip(parameters["micrograd"], parameters[name], strict=True)
    )
    print(f"after three steps each: largest difference of a weight {gap:.1e}")
    gc.collect()
    gc.freeze()  # what the imports left is nobody's garbage
    for garbage in ("collected", "left lying"):
        if garbage == "left lying":
            gc.disable()
        print(f"a step, garbage {garbage}")
        seconds = side_by_side(
            {name: lambda n=name: step(objectives[n], parameters[n]) for name in objectives}
        )
        for name in objectives:
            against = f"  micrograd ÷ it: {ratio(seconds['micrograd'], seconds[name])}"
            print(f"  {name:<11} {spread(seconds[name])}{against if name != 'micrograd' else ''}")


if __name__ == "__main__":
    main()
