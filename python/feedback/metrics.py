"""What scikit-learn says of answers beside the truth: one JSON document in, one out."""

import json
import sys

from sklearn import metrics


def classification(said):
    truth, predicted = said["truth"], said["predicted"]
    found = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "f1Macro": metrics.f1_score(truth, predicted, average="macro"),
        "f1Weighted": metrics.f1_score(truth, predicted, average="weighted"),
    }
    if said.get("scores"):
        positive = [label == said["positive"] for label in truth]
        found["rocAuc"] = metrics.roc_auc_score(positive, said["scores"])
    labels = sorted(set(truth) | set(predicted))
    found["confusion"] = metrics.confusion_matrix(truth, predicted, labels=labels).tolist()
    return found


def regression(said):
    truth, predicted = said["truth"], said["predicted"]
    return {
        "mae": metrics.mean_absolute_error(truth, predicted),
        "rmse": metrics.root_mean_squared_error(truth, predicted),
        "r2": metrics.r2_score(truth, predicted),
    }


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    json.dump(classification(asked) if asked["task"] == "classification" else regression(asked), sys.stdout)
