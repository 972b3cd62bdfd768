"""Trains the demo's models and writes them, with what their own libraries predict, to a folder.

usage: python train_demo_models.py OUT

Data: scikit-learn's bundled tables, so nothing is downloaded. `churn` is a two-class, thirty-column table of numbers
(breast cancer), the shape of problem that churn prediction is; `digits` is a small neural network on 8x8 images.
"""

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from xgboost import XGBClassifier

import export

SEED = 7
SHOWN_ROWS = 5
TOLERANCE = 1e-6
CHURN_TREES = {"v1": 30, "v2": 100}


def split(table):
    rows = table.data.astype(np.float32)
    return train_test_split(rows, table.target, test_size=0.3, random_state=SEED, stratify=table.target)


def answers(model, rows) -> dict:
    """What the library that trained the model says, as it says it."""
    return {
        "labels": model.predict(rows).tolist(),
        "probabilities": export.plain(model.predict_proba(rows).astype(np.float32)),
    }


def metrics(model, rows, truth) -> dict:
    scores = model.predict_proba(rows)
    auc = roc_auc_score(truth, scores[:, 1] if scores.shape[1] == 2 else scores, multi_class="ovr")
    return {"auc": round(float(auc), 4), "accuracy": round(float(accuracy_score(truth, model.predict(rows))), 4)}


def save(model, exported, file: Path, rows) -> None:
    outputs = [output.name for output in exported.graph.output]
    wanted = {
        outputs[0]: model.predict(rows).astype(np.int64),
        outputs[1]: model.predict_proba(rows).astype(np.float32),
    }
    export.save_checked(exported, file, {"input": rows}, wanted, TOLERANCE)
    print(f"{file.name}: {file.stat().st_size} bytes, equal to its library's answers within {TOLERANCE:g}", flush=True)


def churn(out: Path) -> dict:
    table = load_breast_cancer()
    train_rows, held_out_rows, train_truth, held_out_truth = split(table)
    shown = held_out_rows[:SHOWN_ROWS]
    names, classes = table.feature_names.tolist(), table.target_names.tolist()
    told = {"rows": export.plain(shown), "training": export.plain(train_rows), "feature_names": names, "classes": classes, "metrics": {}}
    for version, trees in CHURN_TREES.items():
        model = XGBClassifier(n_estimators=trees, max_depth=4, learning_rate=0.1, random_state=SEED, n_jobs=1)
        model.fit(train_rows, train_truth)
        exported = export.describe(export.from_xgboost(model, len(names)), names, classes)
        save(model, exported, out / f"churn-{version}.onnx", held_out_rows)
        told[version] = answers(model, shown)
        told["metrics"][version] = metrics(model, held_out_rows, held_out_truth)
    return told


def digits(out: Path) -> dict:
    table = load_digits()
    train_rows, held_out_rows, train_truth, held_out_truth = split(table)
    network = MLPClassifier(hidden_layer_sizes=(64, 32), max_iter=60, early_stopping=True, random_state=SEED)
    model = make_pipeline(MinMaxScaler(), network).fit(train_rows, train_truth)
    shown = held_out_rows[:SHOWN_ROWS]
    names, classes = table.feature_names, table.target_names.tolist()
    exported = export.describe(export.from_sklearn(model, len(names)), names, classes)
    save(model, exported, out / "digits.onnx", held_out_rows)
    return {
        "rows": export.plain(shown),
        "feature_names": list(names),
        "classes": [str(name) for name in classes],
        "v1": answers(model, shown),
        "metrics": {"v1": metrics(model, held_out_rows, held_out_truth)},
    }


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    told = {"churn": churn(out), "digits": digits(out)}
    (out / "demo.json").write_text(json.dumps(told) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
