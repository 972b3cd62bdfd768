"""What xgboost and scikit-learn say of the importance of features, some of which are several columns of the matrix."""

import numpy as np
import xgboost
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression

from evaluation import array

# By encoded column: the feature that it comes from.
SOURCES = [0, 1, 1, 1, 2, 3, 3]
FEATURES = ["size", "colour", "weight", "shape"]
REPEATS = 300


def cases() -> list[dict]:
    random = np.random.default_rng(26)
    return [*(trees(random, classes) for classes in (1, 2, 4)), permutation(random)]


def matrix(random: np.random.Generator, rows: int) -> np.ndarray:
    return np.column_stack(
        [
            random.normal(size=rows),
            np.eye(3)[random.integers(0, 3, size=rows)],
            random.exponential(size=rows),
            np.eye(2)[random.integers(0, 2, size=rows)],
        ]
    ).astype(np.float32)


def by_feature(by_column: np.ndarray) -> np.ndarray:
    """Columns (the last axis) added up by feature."""
    return np.stack([by_column[..., np.equal(SOURCES, each)].sum(axis=-1) for each in range(len(FEATURES))], axis=-1)


def trees(random: np.random.Generator, classes: int) -> dict:
    """One class stands for a regression."""
    data = matrix(random, 500)
    signal = 2.0 * data[:, 0] + data[:, 1] - data[:, 4] + 0.1 * random.normal(size=len(data))
    objective = {1: {"objective": "reg:squarederror"}, 2: {"objective": "binary:logistic"}}.get(
        classes, {"objective": "multi:softprob", "num_class": classes}
    )
    target = signal if classes == 1 else np.digitize(signal, np.quantile(signal, np.arange(1, classes) / classes))
    booster = xgboost.train(
        objective | {"max_depth": 4, "seed": 1, "nthread": 1}, xgboost.DMatrix(data, target), num_boost_round=12
    )
    contributions = booster.predict(xgboost.DMatrix(data), pred_contribs=True).reshape(len(data), -1, data.shape[1] + 1)
    sizes = np.abs(by_feature(contributions[:, :, :-1].astype(np.float64))).sum(axis=1).mean(axis=0)

    def scores(kind: str) -> np.ndarray:
        found = booster.get_score(importance_type=kind)
        return np.array([found.get(f"f{column}", 0.0) for column in range(data.shape[1])])

    return {
        "kind": "trees",
        "features": FEATURES,
        "sources": SOURCES,
        "model": bytes(booster.save_raw("json")).decode(),
        "matrix": array(data, "<f4"),
        "gain": by_feature(scores("total_gain")).tolist(),
        "split": by_feature(scores("weight")).tolist(),
        "shap": sizes.tolist(),
    }


def permutation(random: np.random.Generator) -> dict:
    """Every feature is a column, as scikit-learn shuffles columns."""
    data = random.normal(size=(300, 4)).astype(np.float32)
    target = data @ np.array([3.0, 0.0, -1.0, 0.5]) + 0.2 * random.normal(size=len(data))
    model = LinearRegression().fit(data, target)
    found = permutation_importance(
        model, data, target, scoring="neg_mean_squared_error", n_repeats=REPEATS, random_state=0
    )
    return {
        "kind": "permutation",
        "features": FEATURES,
        "coefficients": model.coef_.tolist(),
        "intercept": float(model.intercept_),
        "matrix": array(data, "<f4"),
        "target": array(target),
        "repeats": REPEATS,
        "means": found.importances_mean.tolist(),
        "deviations": found.importances_std.tolist(),
    }
