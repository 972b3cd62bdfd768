"""LightGBM models of every kind, each with rows and what `Booster.predict` answers on them, bit for bit.

usage: python -m trees.lightgbm_models OUT

OUT gets a folder for each model: `case.json`, `model.txt`, rows and answers as raw little-endian numbers. The rows have
missing values, infinities, values next to zero, unknown and broken categories, and thresholds with the numbers beside them.
"""

import json
import re
import sys
import time
from pathlib import Path

import lightgbm as lgb
import numpy as np

SEED = 17
ROWS_TRAINED = 400
ROWS_ASKED = 70  # more than a block of the kernels' 64
# What LightGBM takes for zero lies up to here: 1e-35 of 32 bits.
ZERO_MAX = float(np.float32(1e-35))

# Objective and parameters, and what the labels are like.
OBJECTIVES = {
    "regression": ({"objective": "regression"}, "real"),
    "regression_sqrt": ({"objective": "regression", "reg_sqrt": True}, "real"),
    "regression_l1": ({"objective": "regression_l1"}, "real"),
    "huber": ({"objective": "huber"}, "real"),
    "fair": ({"objective": "fair", "reg_sqrt": True}, "real"),
    "poisson": ({"objective": "poisson"}, "count"),
    "quantile": ({"objective": "quantile", "alpha": 0.3}, "real"),
    "mape": ({"objective": "mape"}, "positive"),
    "gamma": ({"objective": "gamma"}, "positive"),
    "tweedie": ({"objective": "tweedie"}, "count"),
    "binary": ({"objective": "binary"}, "binary"),
    "binary_scaled": ({"objective": "binary", "sigmoid": 0.7}, "binary"),
    "multiclass": ({"objective": "multiclass", "num_class": 3}, "class"),
    "multiclassova": ({"objective": "multiclassova", "num_class": 4, "sigmoid": 1.3}, "class"),
    "cross_entropy": ({"objective": "cross_entropy"}, "share"),
    "cross_entropy_lambda": ({"objective": "cross_entropy_lambda"}, "share"),
    "lambdarank": ({"objective": "lambdarank"}, "rank"),
    "rank_xendcg": ({"objective": "rank_xendcg"}, "rank"),
}

BOOSTINGS = {
    "gbdt": {},
    "dart": {"boosting": "dart", "drop_rate": 0.3},
    "rf": {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6, "feature_fraction": 0.8},
    "goss": {"data_sample_strategy": "goss"},
}

# How values may be missing, as training is told.
MISSING = {"nan": {}, "zero": {"zero_as_missing": True}, "none": {"use_missing": False}}

# Objectives whose leaves cannot be linear.
NEVER_LINEAR = {"regression_l1", "quantile", "mape"}


class Table:
    """Features with holes, zeros and categories, and labels that depend on them."""

    def __init__(self, random, kind, features, categorical):
        self.categorical = list(range(categorical))
        self.values = random.normal(size=(ROWS_TRAINED, features))
        sizes = [3, 40, 900]
        for column in self.categorical:
            self.values[:, column] = random.integers(0, sizes[column % 3], ROWS_TRAINED)
        for column in range(categorical, features, 3):
            self.values[:, column] = np.round(self.values[:, column] * 2)  # ties, and many zeros
        signal = self.values @ random.normal(size=features) / features
        signal += 0.5 * np.sin(3 * self.values[:, 0]) + (self.values[:, -1] > 0)
        self.values[random.random(self.values.shape) < 0.1] = 0.0
        self.values[random.random(self.values.shape) < 0.1] = np.nan
        self.labels, self.groups = labels(random, kind, signal)
        self.names = None

    def dataset(self, parameters):
        return lgb.Dataset(
            self.values,
            self.labels,
            group=self.groups,
            categorical_feature=[] if parameters.get("linear_tree") else self.categorical,
            feature_name=self.names or "auto",
            params=parameters,
            free_raw_data=False,
        )


def labels(random, kind, signal):
    if kind == "real":
        return signal, None
    if kind == "positive":
        return np.exp(signal) + 0.1, None
    if kind == "count":
        return random.poisson(np.exp(np.clip(signal, -3, 3))).astype(float), None
    if kind == "binary":
        return (signal > np.median(signal)).astype(float), None
    if kind == "share":
        return 1 / (1 + np.exp(-signal)), None
    ranks = np.argsort(np.argsort(signal)) * 3 // ROWS_TRAINED
    if kind == "class":
        return ranks.astype(float), None  # a fourth class, where there is one, never comes
    return ranks.astype(float), [20] * (ROWS_TRAINED // 20)


def train(table, parameters, rounds, before=None):
    parameters = {
        "verbose": -1, "num_threads": 1, "seed": SEED, "deterministic": True, "force_row_wise": True,
        "min_data_in_leaf": 2, "min_sum_hessian_in_leaf": 1e-6, "min_data_per_group": 2, "cat_smooth": 1.0,
        "max_cat_to_onehot": 2, **parameters,
    }  # fmt: skip
    return lgb.train(parameters, table.dataset(parameters), rounds, init_model=before)


def asked(random, table, text):
    """Rows like those trained on, with every value that is easily taken for another one."""
    rows = table.values[random.integers(0, ROWS_TRAINED, ROWS_ASKED)].copy()
    lists = re.findall(r"^threshold=(.+)$", text, re.MULTILINE)
    thresholds = np.array([float(number) for numbers in lists[:50] for number in numbers.split()] or [0.0])
    near = np.concatenate([thresholds, np.nextafter(thresholds, np.inf), np.nextafter(thresholds, -np.inf)])
    special = np.array([
        np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-36, -1e-36, ZERO_MAX, -ZERO_MAX, np.nextafter(ZERO_MAX, 1),
        np.nextafter(-ZERO_MAX, -1), -0.5, -1.0, 0.5, 2.9, 31.0, 32.0, 1e9, 2.0**31, 1e300, 5e-324,
    ])  # fmt: skip
    for values, share in ((near, 0.2), (special, 0.25)):
        chosen = random.random(rows.shape) < share
        rows[chosen] = random.choice(values, chosen.sum())
    rows[1], rows[2] = np.nan, 0.0
    return rows


def tensor(folder, name, values):
    datatype, kind = ("INT64", "<i8") if values.dtype == np.int64 else ("FP64", "<f8")
    file = f"{name}.bin"
    (folder / file).write_bytes(np.ascontiguousarray(values, dtype=kind).tobytes())
    return {"name": name, "datatype": datatype, "shape": list(values.shape), "file": file}


def outputs(objective, answer):
    if objective.startswith("binary"):
        probabilities = np.vstack([1.0 - answer, answer]).T
        return {"label": (answer > 0.5).astype(np.int64), "probabilities": probabilities}
    if objective.startswith("multiclass"):
        return {"label": answer.argmax(axis=1), "probabilities": answer}
    return {"variable": answer.reshape(len(answer), -1)}


def write_case(folder, random, table, text, objective):
    folder.mkdir(parents=True)
    (folder / "model.txt").write_text(text, encoding="utf-8", newline="\n")
    rows = asked(random, table, text)
    with np.errstate(all="ignore"):
        answer = lgb.Booster(model_str=text).predict(rows, num_threads=1)
    case = {
        "models": [{"format": "lightgbm-text", "file": "model.txt"}],
        "inputs": [tensor(folder, "input", rows)],
        "outputs": [
            {**tensor(folder, name, values), "tolerance": 0.0} for name, values in outputs(objective, answer).items()
        ],
    }
    (folder / "case.json").write_text(json.dumps(case, indent=1) + "\n", encoding="utf-8")


def random_models(random):
    """Every objective with every way of boosting, and the rest as it falls."""
    for name, (parameters, kind) in OBJECTIVES.items():
        for boosting in random.choice(list(BOOSTINGS), 2, replace=False):
            missing = random.choice(list(MISSING))
            depth = int(random.integers(1, 17))
            table = Table(random, kind, int(random.integers(2, 15)), int(random.integers(0, 3)))
            chosen = {
                **parameters, **BOOSTINGS[boosting], **MISSING[missing],
                "max_depth": depth, "num_leaves": min(2**depth, int(random.choice([7, 31, 200]))),
            }  # fmt: skip
            yield f"{name}_{boosting}_{missing}", name, table, train(table, chosen, int(random.choice([1, 9, 40])))


def linear_models(random):
    for name in [name for name in OBJECTIVES if name not in NEVER_LINEAR]:
        parameters, kind = OBJECTIVES[name]
        table = Table(random, kind, 6, 0)
        yield f"{name}_linear", name, table, train(table, {**parameters, "linear_tree": True, "num_leaves": 12}, 15)


def chosen_models(random):
    regression, table = OBJECTIVES["regression"][0], Table(random, "real", 8, 3)
    yield "one_leaf", "regression", table, train(table, {**regression, "min_data_in_leaf": ROWS_TRAINED}, 3)
    yield "no_trees", "regression", table, lgb.Booster(regression, table.dataset({"verbose": -1}))
    named = Table(random, "real", 3, 1)
    named.names = ["age", "net income", "größe"]
    yield "named", "regression", named, train(named, regression, 5)
    yield "thousand", "regression", table, train(table, {**regression, "num_leaves": 15}, 1000)
    deep = {**regression, "num_leaves": 350, "min_data_in_leaf": 1, "max_depth": -1, "zero_as_missing": True}
    yield "deep", "regression", table, train(table, deep, 20)
    before = train(table, {**regression, "zero_as_missing": True}, 5)
    yield "two_senses", "regression", table, train(table, {**regression, "use_missing": False}, 5, before)
    # Not on top of one another, which LightGBM does not allow: merged as it merges models that are trained further.
    merged = lgb.Booster(model_str=spliced(train(table, {**regression, "linear_tree": True}, 5), before))
    yield "two_senses_linear", "regression", table, merged
    three = Table(random, "class", 5, 1)
    many = {"objective": "multiclass", "num_class": 3, "num_leaves": 8}
    yield "thousand_multiclass", "multiclass", three, train(three, many, 334)

    def own(scores, dataset):
        return (scores - dataset.get_label()).ravel(), np.ones_like(scores).ravel()

    yield "own_objective", "none", table, train(table, {"objective": own}, 10)

    def own_of_two(scores, dataset):
        wanted = np.stack([dataset.get_label(), -dataset.get_label()], axis=1)
        return scores - wanted, np.ones_like(scores)

    yield "own_of_two", "none", table, train(table, {"objective": own_of_two, "num_class": 2}, 10)


def spliced(first, second):
    """The trees of two models as one model."""
    first, second = (re.sub(r"tree_sizes=.*\n", "", booster.model_to_string()) for booster in (first, second))
    return first.replace("end of trees", second[second.index("Tree=0") : second.index("end of trees")] + "end of trees")


def write(out):
    start = time.perf_counter()
    random = np.random.default_rng(SEED)
    made = 0
    for models in (random_models, linear_models, chosen_models):
        for name, objective, table, booster in models(random):
            text = booster.model_to_string(num_iteration=-1)
            if made % 2:
                # Version 3 differs in nothing that predictions depend on.
                text = text.replace("version=v4", "version=v3")
            write_case(out / name, random, table, text, objective)
            made += 1
    print(f"{made} models of LightGBM's in {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    write(Path(sys.argv[1]))
