"""What Evidently and NannyML say of two samples, each by its own code."""

from collections import Counter

import numpy as np
import pandas as pd
from cases import Categories, Numbers, Samples, number
from evidently.legacy.calculations import stattests
from evidently.legacy.core import ColumnType
from nannyml.chunk import CountBasedChunker
from nannyml.drift.univariate import methods
from nannyml.thresholds import ConstantThreshold

EVIDENTLY = {
    "psi": stattests.psi_stat_test,
    "kolmogorov_smirnov": stattests.ks_stat_test,
    "chi_square": stattests.chi_stat_test,
    "jensen_shannon": stattests.jensenshannon_stat_test,
    "wasserstein": stattests.wasserstein_stat_test,
    "hellinger": stattests.hellinger_stat_test,
}
NANNYML_NUMBERS = {
    "kolmogorov_smirnov": methods.KolmogorovSmirnovStatistic,
    "jensen_shannon": methods.ContinuousJensenShannonDistance,
    "wasserstein": methods.WassersteinDistance,
    "hellinger": methods.ContinuousHellingerDistance,
}
NANNYML_CATEGORIES = {
    "chi_square": methods.Chi2Statistic,
    "jensen_shannon": methods.CategoricalJensenShannonDistance,
    "hellinger": methods.CategoricalHellingerDistance,
    "l_infinity": methods.LInfinityDistance,
}


def of_numbers(case: Numbers, samples: Samples) -> dict:
    reference, current = (pd.Series(values[np.isfinite(values)]) for values in (case.reference, case.current))
    tests = {name: test for name, test in EVIDENTLY.items() if name != "chi_square"}
    return {
        "name": case.name,
        "reference": samples.write(f"{case.name}.reference", case.reference),
        "current": samples.write(f"{case.name}.current", case.current),
        "evidently": evidently(tests, reference, current, ColumnType.Numerical),
        "nannyml": nannyml(NANNYML_NUMBERS, reference, current),
    }


def of_categories(case: Categories) -> dict:
    reference, current = pd.Series(case.reference), pd.Series(case.current)
    tests = {name: EVIDENTLY[name] for name in ("psi", "chi_square", "jensen_shannon", "hellinger")}
    return {
        "name": case.name,
        "reference": dict(Counter(map(str, case.reference))),
        "current": dict(Counter(map(str, case.current))),
        "evidently": evidently(tests, reference, current, ColumnType.Categorical),
        "nannyml": nannyml(NANNYML_CATEGORIES, reference, current),
    }


def evidently(tests: dict, reference: pd.Series, current: pd.Series, kind: ColumnType) -> dict:
    threshold = 0.1
    results = {}
    for name, test in tests.items():
        # Hellinger's changes what it is given.
        result = test(reference.copy(), current.copy(), kind, threshold)
        results[name] = number(result.drift_score)
    return results


def nannyml(classes: dict, reference: pd.Series, current: pd.Series) -> dict:
    results = {}
    for name, method in classes.items():
        fitted = method(chunker=CountBasedChunker(len(reference)), threshold=ConstantThreshold(upper=0.1))
        fitted._fit(reference)
        results[name] = number(fitted._calculate(current))
    return results
