"""Makes the models that the benchmarks run: OUT/NAME/model.onnx, and model.json of those that come from xgboost.

usage: python benches/models.py OUT

`churn` is the model of the tables in docs/performance.md: xgboost, two classes, 300 trees of depth 6, 30 features. The
neural networks have the shapes of well-known ones and random weights: what they answer means nothing, what they cost does.
"""

import sys
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import make_classification
from xgboost import XGBClassifier

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import export
from benches import networks

SEED = 17
TREES, DEPTH, FEATURES = 300, 6, 30
ROWS = 20_000
# Curves: how cost grows with the number of features. Smaller forests, so that training 10,000 columns takes seconds.
WIDTHS = (10, 100, 1_000, 10_000)
WIDE_TREES, WIDE_ROWS = 50, 500
# Curves: how cost grows with the number of models.
SMALL_TREES, SMALL_DEPTH = 20, 4


def forest(folder: Path, features: int, rows: int, trees: int, depth: int) -> None:
    """A classifier of two classes, equal in xgboost's format and in ONNX."""
    informative = min(features, 20)
    table, truth = make_classification(
        rows, features, n_informative=informative, n_redundant=0, flip_y=0.1, random_state=SEED
    )
    table = table.astype(np.float32)
    model = XGBClassifier(n_estimators=trees, max_depth=depth, learning_rate=0.1, random_state=SEED, n_jobs=1)
    model.fit(table, truth)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_model(folder / "model.json")
    exported = export.from_xgboost(model, features)
    label, probabilities = (output.name for output in exported.graph.output)
    shown = table[:16]
    wanted = {label: model.predict(shown).astype(np.int64), probabilities: model.predict_proba(shown)}
    export.save_checked(exported, folder / "model.onnx", {"input": shown}, wanted, 1e-5)


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    out, start = Path(sys.argv[1]), time.perf_counter()
    forest(out / "churn", FEATURES, ROWS, TREES, DEPTH)
    forest(out / "small", FEATURES, WIDE_ROWS, SMALL_TREES, SMALL_DEPTH)
    for features in WIDTHS:
        forest(out / f"features-{features}", features, WIDE_ROWS, WIDE_TREES, DEPTH)
    for name, model in networks.all_of_them(SEED):
        (out / name).mkdir(parents=True, exist_ok=True)
        (out / name / "model.onnx").write_bytes(model.SerializeToString())
        export.run(out / name / "model.onnx", networks.rows_for(model, 2))
    print(f"models made in {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
