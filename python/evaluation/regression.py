"""What scikit-learn and numpy say of regressions."""

import warnings
from collections.abc import Iterator

import numpy as np
from sklearn import metrics

from evaluation import array, number

QUANTILES = [0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0]
HISTOGRAM_BINS = 50


def cases() -> list[dict]:
    """One for each of the answers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [case(*answers) for answers in answers()]


def answers() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    random = np.random.default_rng(21)
    for place in range(160):
        rows = int(random.choice([1, 2, 3, 4, 9, 50, 700, 3000]))
        scale = 10.0 ** random.uniform(-6, 6)
        truth = random.normal(size=rows) * scale + random.choice([0.0, 1.0, 1000.0]) * scale
        predicted = truth + random.normal(size=rows) * scale * random.uniform(0.01, 2.0)
        if place % 4 == 1:
            truth, predicted = np.round(truth / scale), np.round(predicted / scale)
        elif place % 4 == 2:
            predicted = predicted.astype(np.float32).astype(np.float64)
        elif place % 4 == 3:
            truth = truth + scale * random.standard_t(1.5, size=rows)
        yield f"random {place}: {rows} rows, form {place % 4}", truth, predicted
    some = np.array([3.0, -0.5, 2.0, 7.0])
    yield "perfect", some, some
    yield "off by the same everywhere", some, some + 2.0
    yield "a constant truth that is met", np.full(4, 2.0), np.full(4, 2.0)
    yield "a constant truth that is missed", np.full(4, 2.0), np.array([2.0, 2.0, 2.5, 1.0])
    yield "always the mean", some, np.full(4, some.mean())
    yield "one row that is met", np.array([1.5]), np.array([1.5])
    yield "one row that is missed", np.array([1.5]), np.array([1.0])
    yield "truths of nothing", np.array([0.0, 0.0, 1e-300, 1.0]), np.array([1e-20, -1.0, 0.0, 1.0])
    yield "large numbers, close together", 1e9 + np.arange(50.0), 1e9 + np.arange(50.0)[::-1]
    yield "one far off", np.zeros(100), np.concatenate([np.zeros(99), [1e12]])
    truth = np.random.default_rng(22).lognormal(3.0, 1.0, size=1_000_000)
    yield "a million rows", truth, truth * np.random.default_rng(23).normal(1.0, 0.2, size=truth.size)


def case(name: str, truth: np.ndarray, predicted: np.ndarray) -> dict:
    residuals = truth - predicted
    counts, edges = np.histogram(residuals, bins=HISTOGRAM_BINS)
    found = {
        "mae": metrics.mean_absolute_error(truth, predicted),
        "mse": metrics.mean_squared_error(truth, predicted),
        "rmse": metrics.root_mean_squared_error(truth, predicted),
        "median_ae": metrics.median_absolute_error(truth, predicted),
        "max_error": metrics.max_error(truth, predicted),
        "mape": metrics.mean_absolute_percentage_error(truth, predicted),
        "r2": metrics.r2_score(truth, predicted),
        "explained_variance": metrics.explained_variance_score(truth, predicted),
    }
    return {
        "name": name,
        "truth": array(truth),
        "predicted": array(predicted),
        "summary": {metric: number(value) for metric, value in found.items()},
        "mean": number(residuals.mean()),
        "deviation": number(residuals.std()),
        "quantiles": array(np.quantile(residuals, QUANTILES)),
        "edges": array(edges),
        "counts": counts.tolist(),
    }
