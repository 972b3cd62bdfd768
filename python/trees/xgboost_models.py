"""Random models of XGBoost's, each with rows and what `Booster.predict` answers on them, bit for bit.

usage: python -m trees.xgboost_models OUT

OUT gets a folder for each model: `case.json`, `model.json`, `model.ubj`, for some `old.json` (the same model as earlier
versions wrote it), rows and answers as raw little-endian numbers. The rows have missing values, infinities and values
that are a threshold, or the next number beside one.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import xgboost

from trees.xgboost_data import asked_rows, feature_types, training_data
from trees.xgboost_plans import Plan, chosen_plans, random_plans

SEED = 20
LARGEST = np.finfo(np.float32).max


def train(plan: Plan, random: np.random.Generator) -> xgboost.Booster:
    parameters = {"objective": plan.objective, "seed": SEED, "nthread": 1, "verbosity": 0} | plan.parameters
    if plan.objective == "reg:quantileerror":
        parameters["quantile_alpha"] = np.linspace(0.2, 0.8, plan.outputs).tolist() if plan.outputs > 1 else 0.4
    if plan.objective.startswith("multi:"):
        parameters["num_class"] = plan.outputs
    data = training_data(plan, random)
    if plan.name == "early_stopping":
        watched = [(training_data(plan, random), "held_out")]
        return xgboost.train(
            parameters, data, plan.trees, evals=watched, early_stopping_rounds=5, verbose_eval=False
        )
    return xgboost.train(parameters, data, plan.trees)


def predict(booster: xgboost.Booster, plan: Plan, rows: np.ndarray) -> np.ndarray:
    """What XGBoost answers. It refuses infinities in a DMatrix, and no threshold lies beyond the largest number."""
    data = xgboost.DMatrix(np.clip(rows, -LARGEST, LARGEST), feature_types=feature_types(plan), enable_categorical=True)
    answers = booster.predict(data)
    # In place it takes infinities, but computes a DART model in another order.
    if plan.parameters.get("booster", "gbtree") == "gbtree" and not plan.categorical:
        in_place = booster.inplace_predict(rows)
        np.testing.assert_array_equal(answers, in_place.reshape(answers.shape))
    return answers.astype(np.float32)


def outputs(booster: xgboost.Booster, plan: Plan, rows: np.ndarray) -> dict:
    """The answers under the names and in the forms that the signature has."""
    answers = predict(booster, plan, rows)
    if plan.objective == "binary:logistic" and plan.outputs == 1:
        probabilities = np.stack([np.float32(1) - answers, answers], axis=1)
        return {"label": (answers > 0.5).astype(np.int64), "probabilities": probabilities}
    if plan.objective == "binary:hinge" and plan.outputs == 1:
        return {"label": answers.astype(np.int64)}
    if plan.objective == "multi:softprob":
        return {"label": answers.argmax(axis=1).astype(np.int64), "probabilities": answers}
    if plan.objective == "multi:softmax":
        with_probabilities = booster.copy()
        with_probabilities.set_param({"objective": "multi:softprob"})
        return {"label": answers.astype(np.int64), "probabilities": predict(with_probabilities, plan, rows)}
    return {"variable": answers.reshape(len(rows), plan.outputs)}


def as_earlier_versions(model: dict) -> dict:
    """The model as versions before 1.3, or for vectors before 3.2, wrote it."""
    old = json.loads(json.dumps(model))
    learner = old["learner"]
    parameters = learner["learner_model_param"]
    parameters["base_score"] = parameters["base_score"].strip("[]")
    if parameters["num_target"] == "1":
        del parameters["num_target"]
    for key in ("attributes", "feature_names", "feature_types"):
        del learner[key]
    booster = learner["gradient_booster"]
    parts = booster.get("gbtree", booster)["model"]
    for key in ("cats", "iteration_indptr"):
        parts.pop(key, None)
    for tree in parts.get("trees", []):
        for key in [key for key in tree if key.startswith("categories") or key == "split_type"]:
            del tree[key]
        tree["default_left"] = [bool(left) for left in tree["default_left"]]
        if "leaf_weights" in tree:
            vectors_in_nodes(tree)
    return old


def vectors_in_nodes(tree: dict) -> None:
    width = int(tree["tree_param"]["size_leaf_vector"])
    weights, right = tree.pop("leaf_weights"), tree["right_children"]
    tree["base_weights"] = [0.0] * (width * len(right))
    for node, left in enumerate(tree["left_children"]):
        if left == -1:
            tree["base_weights"][node * width : (node + 1) * width] = weights[right[node] * width :][:width]
            right[node] = -1


def write_case(plan: Plan, out: Path, random: np.random.Generator) -> None:
    folder = out / plan.name
    folder.mkdir(parents=True)
    booster = train(plan, random)
    booster.save_model(folder / "model.json")
    booster.save_model(folder / "model.ubj")
    models = [{"format": "xgboost-json", "file": "model.json"}, {"format": "xgboost-ubj", "file": "model.ubj"}]
    model = json.loads((folder / "model.json").read_text())
    one_base = "," not in model["learner"]["learner_model_param"]["base_score"]
    if one_base and not plan.categorical and plan.trees <= 100:
        (folder / "old.json").write_text(json.dumps(as_earlier_versions(model)))
        models.append({"format": "xgboost-json", "file": "old.json"})
    rows = asked_rows(plan, model, random)
    answers = outputs(booster, plan, rows).items()
    exact = [written(folder, name, values) | {"tolerance": 0} for name, values in answers]
    case = {"models": models, "inputs": [written(folder, "input", rows)], "outputs": exact}
    (folder / "case.json").write_text(json.dumps(case, indent=1) + "\n")


def written(folder: Path, name: str, values: np.ndarray) -> dict:
    little_endian = values.dtype.newbyteorder("<")
    (folder / f"{name}.bin").write_bytes(values.astype(little_endian).tobytes())
    datatype = {"f": "FP32", "i": "INT64"}[values.dtype.kind]
    return {"name": name, "datatype": datatype, "shape": list(values.shape), "file": f"{name}.bin"}


def write(out: Path) -> None:
    start = time.perf_counter()
    random = np.random.default_rng(SEED)
    plans = random_plans(random) + chosen_plans()
    for plan in plans:
        write_case(plan, out, random)
    print(f"{len(plans)} models of XGBoost's in {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    write(Path(sys.argv[1]))
