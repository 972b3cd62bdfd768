"""What scikit-learn says of classifiers."""

import warnings

import numpy as np
from sklearn import metrics
from sklearn.calibration import calibration_curve

from evaluation import array, number
from evaluation.classifiers import all_answers

BINS = 10
GRID = np.linspace(0.0, 1.0, 1000)
MISCLASSIFIED_MAX = 5000


def cases() -> list[dict]:
    """One for each of the answers."""
    with warnings.catch_warnings():
        # What is not defined is a case here, not a slip.
        warnings.simplefilter("ignore")
        return [case(*answers) for answers in all_answers()]


def case(name: str, truth: np.ndarray, probabilities: np.ndarray) -> dict:
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    one_hot = (truth[:, None] == np.arange(classes)).astype(int)
    columns = [(one_hot[:, each], probabilities[:, each]) for each in range(classes)]
    rocs = [roc(*column) for column in columns]
    return {
        "name": name,
        "classes": classes,
        "truth": array(truth, "<u4"),
        "probabilities": array(probabilities),
        "summary": summary(truth, predicted, probabilities, one_hot),
        "report": report(truth, predicted, classes),
        "confusion": metrics.confusion_matrix(truth, predicted, labels=range(classes)).tolist(),
        "roc": rocs,
        "roc_mean": roc_mean(columns),
        "precision_recall": [precision_recall(*column) for column in columns],
        "precision_recall_mean": precision_recall_mean(columns),
        "calibration": [calibration(*column) for column in columns],
        "confidence": calibration((truth == predicted).astype(int), probabilities.max(axis=1)),
        "misclassified": misclassified(truth, predicted, probabilities),
    }


def summary(truth, predicted, probabilities, one_hot) -> dict:
    classes = probabilities.shape[1]
    found = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted),
        "log_loss": metrics.log_loss(truth, probabilities, labels=range(classes)),
        "mcc": metrics.matthews_corrcoef(truth, predicted),
    }
    for average in ("macro", "weighted", "micro"):
        scores = metrics.precision_recall_fscore_support(truth, predicted, average=average, zero_division=0)
        found |= {f"{name}_{average}": score for name, score in zip(("precision", "recall", "f1"), scores)}
    if classes == 2:
        second = probabilities[:, 1]
        found["brier"] = metrics.brier_score_loss(truth, second, pos_label=1)
        found["roc_auc"] = metrics.roc_auc_score(truth, second)
        found["average_precision"] = metrics.average_precision_score(truth, second)
    else:
        found["brier"] = metrics.brier_score_loss(truth, probabilities, labels=range(classes))
        found["roc_auc"] = macro_auc(truth, probabilities, one_hot)
        found["average_precision"] = metrics.average_precision_score(one_hot, probabilities)
    found["expected_calibration_error"] = calibration_error(
        (truth == predicted).astype(int), probabilities.max(axis=1), np.linspace(0.0, 1.0, BINS + 1)
    )[1]
    return {name: number(value) for name, value in found.items()}


def macro_auc(truth, probabilities, one_hot) -> float:
    """scikit-learn's where it has one; else the mean over the classes for which it has."""
    if one_hot.any(axis=0).all():
        return metrics.roc_auc_score(truth, probabilities, multi_class="ovr", average="macro")
    return np.nanmean([metrics.roc_auc_score(one_hot[:, each], probabilities[:, each]) for each in range(one_hot.shape[1])])


def report(truth, predicted, classes) -> dict:
    def rows(average, **more):
        found = metrics.precision_recall_fscore_support(truth, predicted, average=average, zero_division=0, **more)
        return np.column_stack([np.atleast_1d(score if score is not None else len(truth)) for score in found])

    written = metrics.classification_report(truth, predicted, output_dict=True, zero_division=0)
    averages = {
        "macro_average": [*written["macro avg"].values()],
        "weighted_average": [*written["weighted avg"].values()],
        "micro_average": rows("micro")[0].tolist(),
    }
    return {"classes": rows(None, labels=range(classes)).tolist(), **averages}


def roc(positive, scores) -> dict | None:
    if positive.all() or not positive.any():
        return None
    x, y, thresholds = metrics.roc_curve(positive, scores)
    return {"x": array(x), "y": array(y), "thresholds": array(thresholds), "area": metrics.roc_auc_score(positive, scores)}


def roc_mean(columns) -> dict | None:
    """The macro average of scikit-learn's gallery ("Multiclass Receiver Operating Characteristic")."""
    defined = [column for column in columns if column[0].any() and not column[0].all()]
    if not defined:
        return None
    heights = np.zeros_like(GRID)
    for column in defined:
        x, y, _ = metrics.roc_curve(*column)
        heights += np.interp(GRID, x, y)
    area = np.mean([metrics.roc_auc_score(*column) for column in defined])
    return {"y": array(heights / len(defined)), "area": area}


def precision_recall(positive, scores) -> dict:
    precision, recall, thresholds = metrics.precision_recall_curve(positive, scores)
    area = metrics.average_precision_score(positive, scores)
    return {"x": array(recall), "y": array(precision), "thresholds": array(thresholds), "area": area}


def precision_recall_mean(columns) -> dict:
    """At each recall the precision of the highest threshold that reaches it."""
    heights = np.zeros_like(GRID)
    for column in columns:
        precision, recall, _ = metrics.precision_recall_curve(*column)
        heights += precision[::-1][np.searchsorted(recall[::-1], GRID)]
    area = np.mean([metrics.average_precision_score(*column) for column in columns])
    return {"y": array(heights / len(columns)), "area": area}


def calibration(positive, scores) -> dict:
    return {strategy: reliability(positive, scores, strategy) for strategy in ("uniform", "quantile")}


def reliability(positive, scores, strategy) -> dict:
    observed, predicted = calibration_curve(positive, scores, n_bins=BINS, strategy=strategy)
    shares = np.linspace(0.0, 1.0, BINS + 1)
    edges = shares if strategy == "uniform" else np.percentile(scores, shares * 100)
    counts, error = calibration_error(positive, scores, edges)
    return {"observed": array(observed), "predicted": array(predicted), "counts": counts, "error": error}


def calibration_error(positive, scores, edges) -> tuple[list[int], float]:
    """The rows of each bin that has some, and the expected calibration error (Naeini, Cooper and Hauskrecht, 2015)."""
    bins = np.searchsorted(edges[1:-1], scores)
    counts = np.bincount(bins, minlength=BINS)
    gaps = np.abs(np.bincount(bins, weights=scores, minlength=BINS) - np.bincount(bins, weights=positive, minlength=BINS))
    return counts[counts > 0].tolist(), float(gaps.sum() / len(scores))


def misclassified(truth, predicted, probabilities) -> dict:
    wrong = np.flatnonzero(truth != predicted)
    confidence = probabilities[wrong, predicted[wrong]]
    order = np.lexsort([wrong, -confidence])[:MISCLASSIFIED_MAX]
    wrong = wrong[order]
    return {
        "rows": array(wrong, "<u4"),
        "truth": array(truth[wrong], "<u4"),
        "predicted": array(predicted[wrong], "<u4"),
        "confidence": array(confidence[order]),
    }
