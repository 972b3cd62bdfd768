"""What scikit-learn, scipy and xgboost say of predictions: what the Studio's evaluation is compared with.

Every file is JSON. An array is {"dtype", "shape", "data"}: base64 of its numbers, low byte first, row after row, so that not
one bit is lost. A number that is not defined is null.
"""

import base64
import json
import math
from pathlib import Path

import numpy as np


def array(values, dtype="<f8") -> dict:
    """An array with all its bits."""
    values = np.ascontiguousarray(values, dtype=dtype)
    return {
        "dtype": np.dtype(dtype).str[1:],
        "shape": list(values.shape),
        "data": base64.b64encode(values.tobytes()).decode(),
    }


def number(value) -> float | None:
    """A number, or null."""
    return float(value) if math.isfinite(value) else None


def write(out: Path) -> None:
    """Writes all cases into an empty folder."""
    from evaluation import classification, comparison, importance, regression

    out.mkdir(parents=True)
    for name, cases in [
        ("classification", classification.cases()),
        ("regression", regression.cases()),
        ("comparison", comparison.cases()),
        ("importance", importance.cases()),
    ]:
        (out / f"{name}.json").write_text(json.dumps(cases, allow_nan=False) + "\n", encoding="utf-8")
        print(f"{len(cases)} cases of {name}", flush=True)
