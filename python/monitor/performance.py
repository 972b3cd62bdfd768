"""What scikit-learn says of predictions with labels, and what NannyML's CBPE estimates of those without."""

import numpy as np
from cases import SEED, Samples, number
from sklearn import metrics


def all_cases(samples: Samples) -> dict:
    draw = np.random.default_rng(SEED + 3)
    return {
        "classes": [classes("two", 2, 4000, draw, samples), classes("five", 5, 3000, draw, samples)],
        "numbers": [regression(draw, samples)],
        "estimates": [estimate("two", 2, draw, samples), estimate("four", 4, draw, samples)],
    }


def classes(name: str, count: int, rows: int, draw, samples: Samples) -> dict:
    truth = draw.integers(0, count, size=rows)
    scores = draw.random((rows, count)) + 0.7 * np.eye(count)[truth]
    scores /= scores.sum(axis=1, keepdims=True)
    predicted = scores.argmax(axis=1)
    auc = metrics.roc_auc_score(truth, scores[:, 1]) if count == 2 else metrics.roc_auc_score(truth, scores, multi_class="ovr")
    return {
        "name": name,
        "classes": count,
        "truth": samples.write(f"{name}.truth", truth),
        "scores": samples.write(f"{name}.scores", scores.ravel()),
        "confusion": metrics.confusion_matrix(truth, predicted).tolist(),
        "accuracy": number(metrics.accuracy_score(truth, predicted)),
        "f1_macro": number(metrics.f1_score(truth, predicted, average="macro")),
        "f1_weighted": number(metrics.f1_score(truth, predicted, average="weighted")),
        "auc": number(auc),
    }


def regression(draw, samples: Samples) -> dict:
    truth = draw.normal(1000, 30, size=5000)
    predicted = truth + draw.normal(2, 10, size=5000)
    return {
        "name": "regression",
        "truth": samples.write("regression.truth", truth),
        "predicted": samples.write("regression.predicted", predicted),
        "mae": number(metrics.mean_absolute_error(truth, predicted)),
        "rmse": number(metrics.root_mean_squared_error(truth, predicted)),
        "r2": number(metrics.r2_score(truth, predicted)),
    }


def estimate(name: str, count: int, draw, samples: Samples) -> dict:
    """Scores that are calibrated, because the labels are drawn from them; the estimate is made without the labels."""
    rows = 20_000
    scores = draw.dirichlet(np.full(count, 0.6), size=rows)
    predicted = scores.argmax(axis=1)
    expected = np.array([[scores[predicted == p, t].sum() for p in range(count)] for t in range(count)])
    truth = (scores.cumsum(axis=1) < draw.random((rows, 1))).sum(axis=1)
    # Each row once with either class, as heavy as that class is probable.
    both, weights = np.repeat(np.arange(count), rows), scores.T.ravel()
    area = metrics.roc_auc_score(both, np.tile(scores[:, 1], 2), sample_weight=weights) if count == 2 else None
    f1 = metrics.f1_score(both, np.tile(predicted, count), sample_weight=weights, average="macro")
    return {
        "name": name,
        "classes": count,
        "scores": samples.write(f"estimate.{name}.scores", scores.ravel()),
        "expected": expected.tolist(),
        "accuracy": number(np.trace(expected) / rows),
        "expected_f1_macro": number(f1),
        "expected_auc": None if area is None else number(area),
        "auc": number(metrics.roc_auc_score(truth, scores[:, 1])) if count == 2 else None,
        "realized_accuracy": number(metrics.accuracy_score(truth, predicted)),
        "realized_f1_macro": number(metrics.f1_score(truth, predicted, average="macro")),
    }
