"""Time things fairly on a noisy machine: interleaved rounds, medians, spreads."""

import statistics
import time
from collections.abc import Callable, Mapping

ROUNDS = 7


def side_by_side(
    candidates: Mapping[str, Callable[[], object]], rounds: int = ROUNDS, at_least: float = 0.05
) -> dict[str, list[float]]:
    """Seconds a call of each candidate, one figure a round; the candidates take turns.

    Each figure is the mean over as many calls as fill `at_least` seconds.
    """
    calls = {}
    for name, call in candidates.items():
        call()  # warm up
        started = time.perf_counter()
        call()
        calls[name] = max(1, int(at_least / (time.perf_counter() - started)))
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, call in candidates.items():
            started = time.perf_counter()
            for _ in range(calls[name]):
                call()
            seconds[name].append((time.perf_counter() - started) / calls[name])
    return seconds


def spread(values: list[float]) -> str:
    """`median (lowest–highest)` in the unit that suits it."""
    unit, factor = next(
        (unit, factor)
        for unit, factor in (("s", 1), ("ms", 1e3), ("µs", 1e6), ("ns", 1e9))
        if statistics.median(values) * factor >= 1 or factor == 1e9
    )
    low, middle, high = (
        f"{value * factor:.3g}" for value in (min(values), statistics.median(values), max(values))
    )
    return f"{middle} {unit} ({low}–{high})"


def ratio(slower: list[float], faster: list[float]) -> str:
    """How many times as long, round by round: `median (lowest–highest)`."""
    ratios = sorted(a / b for a, b in zip(slower, faster, strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})"
