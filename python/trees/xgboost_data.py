"""Rows and labels: what the random models of XGBoost's are trained on, and what they are asked."""

import numpy as np
import xgboost

from trees.xgboost_plans import Plan

ROWS = 130  # two blocks of 64 and a rest
TRAINING_ROWS = 300


def training_data(plan: Plan, random: np.random.Generator) -> xgboost.DMatrix:
    rows = some_rows(plan, random, TRAINING_ROWS)
    signal = np.nan_to_num(rows[:, :3]).sum(axis=1) + random.normal(size=len(rows))
    data = xgboost.DMatrix(rows, feature_types=feature_types(plan), enable_categorical=True)
    kind = plan.objective
    if kind == "survival:aft":
        lower = np.exp(signal / 3)
        data.set_float_info("label_lower_bound", lower)
        data.set_float_info("label_upper_bound", np.where(random.random(len(rows)) < 0.3, np.inf, lower))
        return data
    if kind.startswith("rank:"):
        data.set_group(np.full(len(rows) // 10, 10))
    data.set_label(labels(plan, signal, random))
    return data


def labels(plan: Plan, signal: np.ndarray, random: np.random.Generator) -> np.ndarray:
    kind, outputs = plan.objective, plan.outputs
    if kind.startswith("multi:"):
        return np.argsort(np.argsort(signal)) * outputs // len(signal)
    if outputs > 1 and kind != "reg:quantileerror":
        signal = signal[:, None] * random.normal(size=outputs) + random.normal(size=(len(signal), outputs))
    if kind.startswith("binary:") or kind in ("rank:map", "reg:logistic"):
        return (signal > 0).astype(np.float32)
    if kind.startswith("rank:"):
        return np.clip(np.round(signal), 0, 4)
    if kind in ("reg:gamma", "reg:tweedie", "reg:squaredlogerror"):
        return np.exp(signal / 3)
    if kind == "count:poisson":
        return random.poisson(np.exp(signal / 4))
    if kind == "survival:cox":
        return np.exp(signal / 3) * random.choice([1, -1], len(signal), p=[0.7, 0.3])
    return signal


def feature_types(plan: Plan) -> list:
    return ["c"] * plan.categorical + ["q"] * (plan.features - plan.categorical)


def some_rows(plan: Plan, random: np.random.Generator, count: int) -> np.ndarray:
    rows = random.normal(size=(count, plan.features)).astype(np.float32)
    rows[:, : plan.categorical] = random.integers(0, 40, size=(count, plan.categorical))
    rows[random.random(rows.shape) < plan.missing] = np.nan
    return rows


def asked_rows(plan: Plan, model: dict, random: np.random.Generator) -> np.ndarray:
    """Rows with values that training did not see."""
    rows = some_rows(plan, random, ROWS)
    if plan.is_linear:
        return rows
    chance = random.random(rows.shape)
    numbers = np.arange(plan.features) >= plan.categorical
    for column, thresholds in thresholds_by_feature(model).items():
        if numbers[column]:
            beside = np.nextafter(thresholds, random.choice([-np.inf, np.inf], len(thresholds)).astype(np.float32))
            hits = chance[:, column] < 0.25
            rows[hits, column] = random.choice(np.concatenate([thresholds, beside]), hits.sum())
    odd = np.array([-0.5, -1, 0.9, 39.5, 45, 1e6, 16777216, 3e9, -0.0], dtype=np.float32)
    rows = np.where((chance < 0.15) & ~numbers, random.choice(odd, rows.shape), rows)
    rows[(chance >= 0.25) & (chance < 0.27)] = np.inf
    rows[(chance >= 0.27) & (chance < 0.29)] = -np.inf
    rows[chance >= 0.92] = np.nan
    rows[-1] = np.nan
    return rows.astype(np.float32)


def thresholds_by_feature(model: dict) -> dict:
    found = {}
    booster = model["learner"]["gradient_booster"]
    for tree in booster.get("gbtree", booster)["model"]["trees"]:
        for left, column, threshold in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"]):
            if left != -1:
                found.setdefault(column, []).append(threshold)
    return {column: np.array(thresholds, dtype=np.float32) for column, thresholds in found.items()}
