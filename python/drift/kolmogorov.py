"""Two-sided Kolmogorov-Smirnov tests of columns by SciPy: reads {"reference": rows, "current": rows}, writes a p-value a column."""

import json
import sys

import numpy as np
from scipy.stats import ks_2samp

asked = json.load(sys.stdin)
# Features are of single precision.
reference, current = (np.array(asked[name], dtype=np.float32).astype(np.float64) for name in ("reference", "current"))
json.dump([float(ks_2samp(a, b).pvalue) for a, b in zip(reference.T, current.T, strict=True)], sys.stdout)
