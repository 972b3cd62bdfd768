"""The data: pairs of samples, a reference and what is compared with it."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEED = 20_261_122


@dataclass
class Numbers:
    name: str
    reference: np.ndarray
    current: np.ndarray


@dataclass
class Categories:
    name: str
    reference: list
    current: list


class Samples:
    """Raw doubles, a file to a sample."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, values) -> str:
        np.asarray(values, dtype="<f8").tofile(self.folder / f"{name}.f64")
        return name


def number(value) -> float | None:
    """A finite number, or None."""
    value = float(value)
    return value if math.isfinite(value) else None


def numbers() -> list[Numbers]:
    draw = np.random.default_rng(SEED)
    with_nan = draw.normal(size=3000)
    with_nan[::7] = np.nan
    with_infinite = draw.normal(0.3, 1.5, size=1000)
    with_infinite[::50] = np.inf
    with_infinite[1::50] = -np.inf
    with_infinite[2::50] = np.nan
    zero_inflated = draw.exponential(size=4000) * (draw.random(4000) < 0.3)
    return [
        Numbers("same_normal", draw.normal(size=2000), draw.normal(size=1500)),
        Numbers("shifted_normal", draw.normal(size=2000), draw.normal(0.5, 1.0, size=2000)),
        Numbers("narrower", draw.normal(size=900), draw.normal(0.0, 0.4, size=700)),
        Numbers("lognormal", draw.lognormal(size=5000), draw.lognormal(0.2, 1.1, size=1000)),
        Numbers("heavy_tails", draw.standard_t(1.5, size=3000), draw.standard_t(1.5, size=800)),
        Numbers("few_values", draw.integers(0, 6, size=2000).astype(float), draw.integers(1, 8, size=500).astype(float)),
        Numbers("twenty_values", np.arange(400.0) % 20, draw.integers(0, 25, size=300).astype(float)),
        Numbers("thirty_values", draw.integers(0, 30, size=2000).astype(float), draw.integers(3, 35, size=900).astype(float)),
        Numbers("with_missing", with_nan, with_infinite),
        Numbers("zero_inflated", zero_inflated, draw.exponential(1.3, size=700) * (draw.random(700) < 0.4)),
        Numbers("tiny", draw.normal(size=30), draw.normal(0.7, 1.0, size=41)),
        Numbers("two_and_three", np.array([1.0, 2.0]), np.array([1.5, 2.0, 9.0])),
        Numbers("equal_sizes", draw.normal(size=200), draw.normal(0.2, 1.0, size=200)),
        Numbers("far_outside", draw.normal(size=1000), draw.normal(30.0, 2.0, size=300)),
        Numbers("huge_offset", 1e9 + draw.normal(size=2000), 1e9 + draw.normal(0.2, 1.0, size=2000)),
        Numbers("tiny_scale", draw.normal(size=1500) * 1e-7, draw.normal(0.5, 1.0, size=1500) * 1e-7),
        Numbers("large", draw.normal(size=12_000), draw.normal(0.05, 1.0, size=3000)),
        Numbers("large_skewed", draw.lognormal(size=20_000), draw.lognormal(0.1, 1.0, size=15_000)),
        Numbers("large_against_few", draw.normal(size=30_000), draw.normal(0.4, 1.0, size=35)),
        Numbers("large_outside", draw.normal(size=11_000), draw.normal(1.0, 3.0, size=2000)),
        Numbers("rare_values", np.repeat(np.arange(15.0), [20_000, *[300] * 13, 1]), draw.integers(0, 15, size=4000).astype(float)),
    ]


def categories() -> list[Categories]:
    draw = np.random.default_rng(SEED + 1)

    def sample(size, **weights):
        total = sum(weights.values())
        return list(draw.choice(list(weights), size=size, p=[weight / total for weight in weights.values()]))

    return [
        Categories("same", sample(3000, a=5, b=3, c=2), sample(900, a=5, b=3, c=2)),
        Categories("moved", sample(3000, a=5, b=3, c=2), sample(900, a=2, b=3, c=5)),
        Categories("two", sample(500, yes=1, no=4), sample(400, yes=1, no=3)),
        Categories("gone", sample(800, a=5, b=3, c=2), sample(300, a=5, b=3)),
        Categories("new", sample(800, a=5, b=3), sample(300, a=5, b=3, c=1)),
        Categories("disjoint", sample(100, a=1, b=1), sample(100, c=1, d=2)),
        Categories("many", sample(5000, **{f"v{i}": 1 + i % 7 for i in range(60)}), sample(2000, **{f"v{i}": 1 + i % 5 for i in range(58)})),
    ]
