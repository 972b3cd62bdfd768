"""What scipy says of two models on the same rows."""

from collections.abc import Iterator

import numpy as np
from scipy import stats

from evaluation import array, number

EXACT_BELOW = 25


def cases() -> list[dict]:
    """Classifiers by McNemar's test, regressions by a paired t test on squared errors."""
    return [*map(mcnemar, right_answers()), *map(paired_t, errors())]


def right_answers() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(24)
    for rows in (1, 2, 7, 20, 60, 61, 100, 333, 1000, 20_000):
        for _ in range(12):
            a = random.uniform(size=rows) < random.uniform(0.3, 1.0)
            changed = random.uniform(size=rows) < random.uniform(0.0, 0.4)
            yield a, a ^ changed
    a = np.arange(100) < 80
    yield a, a
    # Exactly at the border between the exact test and its approximation.
    for differing in (24, 25, 26):
        yield a, a ^ (np.arange(100) >= 100 - differing)
    yield np.zeros(5000, bool), np.ones(5000, bool)


def mcnemar(answers: tuple[np.ndarray, np.ndarray]) -> dict:
    a, b = answers
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    differing = only_a + only_b
    if differing < EXACT_BELOW:
        method, statistic = "mcnemar_exact", min(only_a, only_b)
        p_value = stats.binomtest(statistic, differing, 0.5).pvalue if differing else 1.0
    else:
        method, statistic = "mcnemar_chi_squared", (abs(only_a - only_b) - 1) ** 2 / differing
        p_value = stats.chi2.sf(statistic, 1)
    return {
        "right": [array(a, "|u1"), array(b, "|u1")],
        "method": method,
        "statistic": float(statistic),
        "p_value": float(p_value),
        "of": {"discordant": {"only_a": only_a, "only_b": only_b}},
    }


def errors() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    random = np.random.default_rng(25)
    for rows in (2, 3, 5, 10, 30, 200, 5000, 40_000):
        for closeness in (0.0, 0.01, 0.1, 1.0):
            truth = random.normal(size=rows)
            a = truth + random.normal(size=rows)
            yield truth, a, truth + (a - truth) * (1.0 + closeness * random.normal(size=rows)) + closeness * 0.1
    yield np.arange(4.0), np.arange(4.0), np.arange(4.0)


def paired_t(answers: tuple[np.ndarray, np.ndarray, np.ndarray]) -> dict:
    truth, a, b = answers
    squares = [(truth - each).astype(np.float32).astype(np.float64) ** 2 for each in (a, b)]
    differences = squares[1] - squares[0]
    if differences.any():
        found = stats.ttest_rel(squares[1], squares[0])
        statistic, p_value = found.statistic, found.pvalue
    else:
        statistic, p_value = 0.0, 1.0
    return {
        "truth": array(truth),
        "predicted": [array(a), array(b)],
        "method": "paired_t",
        "statistic": number(statistic),
        "p_value": float(p_value),
        "of": {"squared_errors": {"difference": float(differences.mean())}},
    }
