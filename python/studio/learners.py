"""What scikit-learn and xgboost make of a matrix with the same settings, and what xgboost makes of a model file.

usage: python learners.py ALGORITHM SETTINGS FOLDER

FOLDER holds train.csv and validation.csv, without a header: numbers, an empty field for what is missing, and last the
class or the number. SETTINGS is JSON. Writes oracle.csv, the answers of a model that is trained here to the validation
rows; and where FOLDER has model.ubj, native.csv, what xgboost says of it (of classes of a forest: their sums).
"""

import json
import sys
from pathlib import Path

import numpy as np
import xgboost
from sklearn.linear_model import LogisticRegression, Ridge


def main() -> None:
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    algorithm, settings, folder = sys.argv[1], json.loads(sys.argv[2]), Path(sys.argv[3])
    (rows, targets), (asked, truth) = (read(folder / f"{part}.csv") for part in ("train", "validation"))
    if algorithm.endswith("_regression"):
        # Given 32 bits, scikit-learn computes with 32 bits.
        rows, asked = rows.astype(np.float64), asked.astype(np.float64)
    if algorithm == "linear_regression":
        answers = Ridge(alpha=settings["l2"]).fit(rows, targets).predict(asked)
    elif algorithm == "logistic_regression":
        model = LogisticRegression(C=settings["C"], max_iter=10_000, tol=1e-8).fit(rows, targets)
        answers = model.predict_proba(asked)
    elif algorithm == "gradient_boosting":
        answers = boosted(settings, rows, targets, asked, truth)
    else:
        answers = None
    if answers is not None:
        np.savetxt(folder / "oracle.csv", answers.reshape(len(asked), -1), delimiter=",")
    if (folder / "model.ubj").exists():
        booster = xgboost.Booster(model_file=folder / "model.ubj")
        answers = booster.predict(xgboost.DMatrix(asked))
        np.savetxt(folder / "native.csv", answers.reshape(len(asked), -1), delimiter=",")


def boosted(settings: dict, rows, targets, asked, truth) -> np.ndarray:
    classes = len(np.unique(targets)) if settings.pop("is_classes") else 0
    objective = "reg:squarederror" if classes == 0 else "binary:logistic" if classes == 2 else "multi:softprob"
    parameters = {"objective": objective, "tree_method": "hist", "nthread": 1, "seed": 0}
    parameters |= {"num_class": classes} if classes > 2 else {}
    rounds, patience = settings.pop("n_estimators"), settings.pop("early_stopping_rounds")
    validation = xgboost.DMatrix(asked, truth)
    model = xgboost.train(
        parameters | settings,
        xgboost.DMatrix(rows, targets),
        rounds,
        evals=[(validation, "validation")],
        early_stopping_rounds=patience,
        verbose_eval=False,
    )
    answers = model.predict(validation, iteration_range=(0, model.best_iteration + 1))
    return np.column_stack([1 - answers, answers]) if classes == 2 else answers


def read(path: Path) -> tuple:
    table = np.genfromtxt(path, delimiter=",", dtype=np.float64)
    return table[:, :-1].astype(np.float32), table[:, -1]


if __name__ == "__main__":
    main()
