"""Computes with scipy, Evidently, NannyML, river and scikit-learn what the crate monitor is compared with.

usage: python goldens.py OUT

OUT gets goldens.json, and samples/NAME.f64: the raw doubles, little-endian, that it names. Numbers of libraries are written
as they came; where a library gives no finite number there is null.
"""

import json
import sys
import warnings
from pathlib import Path

import cases
import changes
import drift
import performance
import probabilities


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    warnings.simplefilter("ignore")
    out = Path(sys.argv[1])
    samples = cases.Samples(out / "samples")
    goldens = {
        "numbers": [drift.of_numbers(case, samples) for case in cases.numbers()],
        "categories": [drift.of_categories(case) for case in cases.categories()],
        "kolmogorov": probabilities.kolmogorov(),
        "two_samples": probabilities.two_samples(),
        "changes": [changes.detected(case, samples) for case in changes.streams()],
        "performance": performance.all_cases(samples),
    }
    (out / "goldens.json").write_text(json.dumps(goldens, allow_nan=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
