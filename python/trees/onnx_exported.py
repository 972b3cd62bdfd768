"""ONNX models of trees as exporters write them: pipelines of scikit-learn, xgboost and lightgbm."""

import lightgbm
import numpy as np
import onnx
import onnx.helper
import xgboost
from onnxmltools.convert import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as Floats
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier, BaggingClassifier, ExtraTreesClassifier, ExtraTreesRegressor, GradientBoostingClassifier,
    GradientBoostingRegressor, HistGradientBoostingClassifier, HistGradientBoostingRegressor,
    RandomForestClassifier, RandomForestRegressor,
)  # fmt: skip
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer, KBinsDiscretizer, MaxAbsScaler, MinMaxScaler, Normalizer, OneHotEncoder, OrdinalEncoder, RobustScaler,
    StandardScaler,
)  # fmt: skip
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

ROWS = 300
COLUMNS = 5
SMALL = {"n_estimators": 12, "max_depth": 4, "random_state": 1}
OPSETS = {"": 18, "ai.onnx.ml": 3}


def table(rng):
    rows = rng.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    score = rows[:, 0] * 2 + rows[:, 1] * rows[:, 2] + rng.normal(size=ROWS) * 0.3
    return rows, score, np.digitize(score, [-1.0, 1.0])


def plain_attributes(make):
    """skl2onnx hands numpy's scalars to onnx, which takes Python's own alone."""

    def with_python_numbers(key, value, *arguments, **options):
        if isinstance(value, (list, tuple)) and value and all(isinstance(x, (np.generic, bool)) or x == 0 for x in value):
            value = [x.item() if isinstance(x, np.generic) else x for x in value]
            value = [int(x) if isinstance(x, bool) else x for x in value]
        return make(key, value, *arguments, **options)

    return with_python_numbers


onnx.helper.make_attribute = plain_attributes(onnx.helper.make_attribute)


def exported(fitted, types=None, **options):
    """A scikit-learn estimator or pipeline, its probabilities a matrix unless options say otherwise."""
    types = types or [("x", FloatTensorType([None, COLUMNS]))]
    last = fitted.steps[-1][1] if hasattr(fitted, "steps") else fitted
    if hasattr(last, "predict_proba"):
        options = {id(last): {"zipmap": False} | options}
    return convert_sklearn(fitted, initial_types=types, target_opset=OPSETS, options=options or None)


def models(rng):
    """Each name with its model."""
    yield from classifiers(rng)
    yield from regressors(rng)
    yield from pipelines(rng)
    yield from columns(rng)
    yield from boosters(rng)


def classifiers(rng):
    rows, score, classes = table(rng)
    two, names = (score > 0).astype(int), np.array(["low", "mid", "high"])[classes]
    for name, kind in {"forest": RandomForestClassifier, "extra": ExtraTreesClassifier}.items():
        yield f"sk_{name}_two", exported(kind(**SMALL).fit(rows, two))
        yield f"sk_{name}_names", exported(kind(**SMALL).fit(rows, names))
    yield "sk_forest_maps", exported(RandomForestClassifier(**SMALL).fit(rows, classes), zipmap=True)
    yield "sk_forest_text_maps", exported(RandomForestClassifier(**SMALL).fit(rows, names), zipmap=True)
    yield "sk_forest_columns", exported(RandomForestClassifier(**SMALL).fit(rows, classes), zipmap="columns")
    yield "sk_tree", exported(DecisionTreeClassifier(max_depth=5, random_state=1).fit(rows, classes))
    for target, labels in {"two": two, "three": classes}.items():
        yield f"sk_boosting_{target}", exported(GradientBoostingClassifier(**SMALL).fit(rows, labels))
        raw = exported(GradientBoostingClassifier(**SMALL).fit(rows, labels), raw_scores=True)
        yield f"sk_boosting_{target}_raw", raw
        hist = HistGradientBoostingClassifier(max_iter=10, random_state=1)
        holes = np.where(rng.random(rows.shape) < 0.1, np.nan, rows)
        yield f"sk_hist_{target}", exported(hist.fit(holes, labels))


def regressors(rng):
    rows, score, _ = table(rng)
    several = np.stack([score, score**2], axis=1)
    yield "sk_forest_regressor", exported(RandomForestRegressor(**SMALL).fit(rows, score))
    yield "sk_extra_regressor_two", exported(ExtraTreesRegressor(**SMALL).fit(rows, several))
    yield "sk_boosting_regressor", exported(GradientBoostingRegressor(**SMALL).fit(rows, score + 100))
    yield "sk_hist_regressor", exported(HistGradientBoostingRegressor(max_iter=10, random_state=1).fit(rows, score))
    yield "sk_tree_regressor", exported(DecisionTreeRegressor(max_depth=6, random_state=1).fit(rows, score))


def pipelines(rng):
    rows, score, classes = table(rng)
    steps = {
        "standard": [SimpleImputer(), StandardScaler()],
        "ranges": [SimpleImputer(strategy="median"), MinMaxScaler(clip=True), RobustScaler(), MaxAbsScaler()],
        "l2": [Normalizer("l2")],
        "l1": [Normalizer("l1"), StandardScaler(with_mean=False)],
        "binary": [SimpleImputer(), Binarizer(threshold=0.2)],
        "chosen": [StandardScaler(), SelectKBest(k=3)],
    }
    for name, before in steps.items():
        forest = make_pipeline(*before, RandomForestClassifier(**SMALL)).fit(rows, classes)
        yield f"pipeline_{name}", exported(forest)
        boosting = make_pipeline(*before, GradientBoostingRegressor(**SMALL)).fit(rows, score)
        yield f"pipeline_{name}_regressor", exported(boosting)


def mixed(rng):
    """Rows of numbers, texts and whole numbers, and what is to be predicted of them."""
    numbers = rng.normal(size=(ROWS, 3)).astype(np.float32)
    texts = rng.choice(["a", "b", "c"], size=(ROWS, 2))
    whole = rng.integers(0, 4, size=(ROWS, 1))
    rows = np.concatenate([numbers.astype(object), texts.astype(object), whole.astype(object)], axis=1)
    return rows, (numbers[:, 0] + (texts[:, 0] == "a") + whole[:, 0] > 2).astype(int)


TYPES = [
    ("numbers", FloatTensorType([None, 3])),
    ("texts", StringTensorType([None, 2])),
    ("whole", Int64TensorType([None, 1])),
]


def columns(rng):
    rows, labels = mixed(rng)
    encoders = {
        "one_hot": OneHotEncoder(handle_unknown="ignore"),
        "one_hot_drop": OneHotEncoder(handle_unknown="ignore", drop="if_binary"),
        "ordinal": OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    }
    for name, encoder in encoders.items():
        numbers = make_pipeline(SimpleImputer(), StandardScaler())
        each = ColumnTransformer([("n", numbers, [0, 1, 2]), ("t", encoder, [3, 4]), ("w", encoder, [5])])
        fitted = make_pipeline(each, RandomForestClassifier(**SMALL)).fit(rows, labels)
        yield f"columns_{name}", exported(fitted, TYPES)
    rows, score, classes = table(rng)
    scalers = [("s", StandardScaler(), [0, 2]), ("m", MinMaxScaler(), [1])]
    each = ColumnTransformer(scalers, remainder="passthrough")
    yield "columns_rest", exported(make_pipeline(each, GradientBoostingRegressor(**SMALL)).fit(rows, score))
    double = [("x", DoubleTensorType([None, COLUMNS]))]
    fitted = make_pipeline(StandardScaler(), RandomForestClassifier(**SMALL)).fit(rows.astype(float), classes)
    yield "columns_double", exported(fitted, double)


def boosters(rng):
    rows, score, classes = table(rng)
    holes = np.where(rng.random(rows.shape) < 0.1, np.float32(np.nan), rows)
    small = {"n_estimators": 15, "max_depth": 4, "random_state": 1, "n_jobs": 1}
    kinds = {
        "two": (xgboost.XGBClassifier(**small), (score > 0).astype(int)),
        "three": (xgboost.XGBClassifier(**small), classes),
        "forest": (xgboost.XGBRFClassifier(**small), (score > 0).astype(int)),
        "regressor": (xgboost.XGBRegressor(**small), score),
        "poisson": (xgboost.XGBRegressor(**small, objective="count:poisson"), np.abs(score)),
    }
    for name, (kind, target) in kinds.items():
        fitted = kind.fit(holes, target)
        yield f"xgb_{name}", convert_xgboost(fitted, initial_types=[("x", Floats([None, COLUMNS]))])
    small = {"n_estimators": 12, "num_leaves": 9, "random_state": 1, "n_jobs": 1, "verbose": -1}
    bagged = {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}
    kinds = {
        "two": (lightgbm.LGBMClassifier(**small), (score > 0).astype(int)),
        "names": (lightgbm.LGBMClassifier(**small), np.array(["low", "mid", "high"])[classes]),
        "one_against_all": (lightgbm.LGBMClassifier(**small, objective="multiclassova"), classes),
        "regressor": (lightgbm.LGBMRegressor(**small), score),
        "poisson": (lightgbm.LGBMRegressor(**small, objective="poisson"), np.abs(score)),
        "dart": (lightgbm.LGBMRegressor(**small, boosting_type="dart"), score),
        "forest_regressor": (lightgbm.LGBMRegressor(**small, **bagged), score),
    }
    for name, (kind, target) in kinds.items():
        fitted = kind.fit(holes, target)
        types = [("x", Floats([None, COLUMNS]))]
        yield f"lgb_{name}", convert_lightgbm(fitted, initial_types=types, target_opset=15, zipmap=name == "two")


def left(rng):
    """Models that are left to ONNX Runtime: each with its name and the operator that is not computed here."""
    rows, score, classes = table(rng)
    yield "ada", exported(AdaBoostClassifier(n_estimators=3, random_state=1).fit(rows, classes)), "TreeEnsembleClassifier"
    bagging = BaggingClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=3, random_state=1)
    bagged = {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.5, "n_estimators": 3, "verbose": -1}
    forest = lightgbm.LGBMClassifier(**bagged).fit(rows, (score > 0).astype(int))
    types = [("x", Floats([None, COLUMNS]))]
    yield "average", convert_lightgbm(forest, initial_types=types, target_opset=15, zipmap=False), "ArgMax"
    # A set of categories becomes a chain of branches that lead to one node.
    numbered = np.concatenate([rows[:, :4], rng.integers(0, 8, size=(ROWS, 1))], axis=1)
    sets = lightgbm.LGBMRegressor(n_estimators=3, min_data_per_group=1, cat_smooth=0, min_child_samples=5, verbose=-1)
    sets.fit(numbered, score + numbered[:, 4] % 3, categorical_feature=[4])
    yield "categories", convert_lightgbm(sets, initial_types=types, target_opset=15), "TreeEnsembleRegressor"
    yield "bagging", exported(bagging.fit(rows, classes)), "TreeEnsembleClassifier"
    bins = make_pipeline(KBinsDiscretizer(3, encode="ordinal"), RandomForestClassifier(**SMALL)).fit(rows, classes)
    yield "bins", exported(bins), "Less"
    # The exporter gives all weights to the first of two targets.
    both = xgboost.XGBRegressor(n_estimators=3).fit(rows, np.stack([score, score + 9], axis=1))
    yield "two_targets", convert_xgboost(both, initial_types=[("x", Floats([None, COLUMNS]))]), "TreeEnsembleRegressor"
    hinge = xgboost.XGBClassifier(n_estimators=3, objective="binary:hinge").fit(rows, (score > 0).astype(int))
    yield "hinge", convert_xgboost(hinge, initial_types=[("x", Floats([None, COLUMNS]))]), "Greater"
