"""The distributions behind p-values, over their whole range, by scipy."""

from cases import number
from scipy import stats

SIZES = [1, 2, 3, 10, 30, 140, 141, 500, 5000, 99_999, 250_000, 2_000_000]
SQUARES = [0.01, 0.1, 0.3, 0.6, 0.754, 0.8, 1.5, 2.1, 2.3, 3.9, 4.1, 9.0, 17.0, 19.0, 100.0, 371.0]


def kolmogorov() -> list[dict]:
    """The survival function of the statistic of one sample: `square` is n times the square of the statistic."""
    rows = []
    for n in SIZES:
        for d in sorted({min((square / n) ** 0.5, 1.0) for square in SQUARES} | {0.4 / n, 0.9 / n, 0.5, 0.51, 1 - 0.5 / n}):
            rows.append({"n": n, "d": d, "p": number(stats.kstwo.sf(d, n))})
    return rows


def two_samples() -> list[dict]:
    """Of two samples that are ranks, shifted: every size at which the computation goes another way."""
    rows = []
    for n, m in [(1, 1), (2, 3), (5, 5), (10, 20), (37, 41), (100, 100), (100, 150), (997, 1009), (5000, 300), (3000, 3000)]:
        for shift in [0.0, 0.01, 0.03, 0.1, 0.4]:
            a = [(i + 0.5) / n for i in range(n)]
            b = [(i + 0.5) / m + shift for i in range(m)]
            result = stats.ks_2samp(a, b)
            rows.append({"n": n, "m": m, "d": number(result.statistic), "p": number(result.pvalue)})
    return rows
