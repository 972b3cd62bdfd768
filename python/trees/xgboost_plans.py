"""What the random models of XGBoost's are made of."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Plan:
    """What a model is made of; the parameters are XGBoost's."""

    name: str
    objective: str
    trees: int = 20
    features: int = 7
    outputs: int = 1
    missing: float = 0.1
    categorical: int = 0  # how many of the features
    parameters: dict = field(default_factory=dict)

    @property
    def is_linear(self) -> bool:
        return self.parameters.get("booster") == "gblinear"


OBJECTIVES = (
    "reg:squarederror",
    "reg:squaredlogerror",
    "reg:logistic",
    "reg:pseudohubererror",
    "reg:absoluteerror",
    "reg:quantileerror",
    "reg:gamma",
    "reg:tweedie",
    "binary:logistic",
    "binary:logitraw",
    "binary:hinge",
    "count:poisson",
    "survival:cox",
    "survival:aft",
    "multi:softmax",
    "multi:softprob",
    "rank:pairwise",
    "rank:ndcg",
    "rank:map",
)


def random_plans(random: np.random.Generator) -> list:
    """Every objective, with whatever chance brings."""
    plans = []
    for objective in OBJECTIVES:
        for turn in range(3):
            depth = int(random.integers(1, 10))
            features = int(random.integers(1, 13))
            plan = Plan(
                f"{objective.replace(':', '_')}_{turn}",
                objective,
                trees=int(random.choice([1, 3, 10, 40, 120])),
                features=features,
                outputs=int(random.integers(2, 6)) if objective.startswith("multi:") else 1,
                missing=float(random.choice([0, 0.1, 0.4])),
                categorical=int(random.integers(0, features + 1)) if turn == 2 else 0,
                parameters={"max_depth": depth, "eta": float(random.choice([0.05, 0.3, 1.0]))},
            )
            if turn == 1 and objective != "reg:absoluteerror":
                plan.parameters |= {"booster": "dart", "rate_drop": 0.3, "one_drop": 1}
            if turn == 2 and plan.categorical == 0:
                plan.parameters |= {"tree_method": "exact"}
            plans.append(plan)
    return plans


def chosen_plans() -> list:
    """What chance would hardly bring."""
    forest = {"num_parallel_tree": 8, "subsample": 0.7, "colsample_bynode": 0.6}
    vectors = {"multi_strategy": "multi_output_tree", "tree_method": "hist"}
    return [
        Plan("depth_16", "reg:squarederror", trees=3, parameters={"max_depth": 16, "min_child_weight": 0, "lambda": 0}),
        Plan("leafwise", "reg:squarederror", parameters={"grow_policy": "lossguide", "max_leaves": 40, "max_depth": 0}),
        Plan("trees_3000", "binary:logistic", trees=3000, parameters={"max_depth": 3, "eta": 0.01}),
        Plan("trees_600_of_6", "reg:squarederror", trees=600, features=30, parameters={"max_depth": 6, "max_bin": 64}),
        Plan("stumps", "binary:logistic", trees=200, parameters={"max_depth": 1}),
        Plan("leaves_alone", "reg:squarederror", trees=5, parameters={"gamma": 1e9}),
        Plan("pruned", "reg:squarederror", parameters={"tree_method": "exact", "gamma": 0.5, "max_depth": 8}),
        Plan("random_forest", "reg:squarederror", trees=1, parameters=forest | {"eta": 1}),
        Plan("boosted_forests", "binary:logistic", trees=6, parameters=forest),
        Plan("forests_of_classes", "multi:softprob", trees=4, outputs=3, parameters=forest),
        Plan("many_classes", "multi:softprob", trees=6, outputs=20, parameters={"max_depth": 4}),
        Plan("targets", "reg:squarederror", outputs=3),
        Plan("targets_of_labels", "binary:logistic", outputs=4),
        Plan("vectors", "reg:squarederror", outputs=3, parameters=vectors),
        Plan("vectors_deep", "reg:squarederror", outputs=5, trees=40, parameters=vectors | {"max_depth": 9}),
        Plan("vectors_of_labels", "binary:logistic", outputs=2, parameters=vectors),
        Plan("vectors_of_classes", "multi:softprob", outputs=4, parameters=vectors),
        Plan("quantiles", "reg:quantileerror", outputs=3),
        Plan("one_hot", "binary:logistic", features=4, categorical=4, parameters={"max_cat_to_onehot": 50}),
        Plan("partitions", "multi:softprob", outputs=3, features=5, categorical=3, parameters={"max_cat_to_onehot": 1}),
        Plan("base_given", "binary:logistic", parameters={"base_score": 0.2}),
        Plan("base_given_for_counts", "count:poisson", parameters={"base_score": 3.0}),
        Plan("early_stopping", "binary:logistic", trees=60, parameters={"eta": 1.0}),
        Plan("linear", "reg:squarederror", parameters={"booster": "gblinear"}),
        Plan("linear_binary", "binary:logistic", parameters={"booster": "gblinear"}),
        Plan("linear_classes", "multi:softprob", outputs=4, parameters={"booster": "gblinear"}),
        Plan("wide", "reg:squarederror", features=2000, trees=10, parameters={"max_bin": 8}),
    ]
