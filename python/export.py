"""From a trained model to an ONNX file that gives the same answers, or an error.

Converters lag behind the libraries they convert from, so nothing here is believed: `save_checked` runs the file
through ONNX Runtime and compares it with what the library itself said.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as XgboostFloats
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType

# Errors come as exceptions; ONNX Runtime would print them besides.
FATAL = 4

OPSET = {"": 17, "ai.onnx.ml": 3}


def from_xgboost(model, features: int) -> onnx.ModelProto:
    """A classifier or regressor of xgboost, with one input `input` of shape [N, features]."""
    exported = convert_xgboost(model, initial_types=[("input", XgboostFloats([None, features]))])
    if not any(opset.domain == "" for opset in exported.opset_import):
        exported.opset_import.append(onnx.helper.make_opsetid("", OPSET[""]))
    return renamed(exported)


def renamed(model: onnx.ModelProto) -> onnx.ModelProto:
    """Converters name graphs by chance; the same training gives the same bytes under a constant name."""
    model.graph.name = "model"
    return model


def from_sklearn(model, features: int, zipmap: bool = False, inputs=None) -> onnx.ModelProto:
    """A scikit-learn estimator, with one input `input` of shape [N, features] unless `inputs` names others."""
    is_classifier = hasattr(model, "classes_")
    converted = convert_sklearn(
        model,
        initial_types=inputs or [("input", FloatTensorType([None, features]))],
        options={id(model): {"zipmap": zipmap}} if is_classifier else None,
        target_opset=OPSET,
    )
    return renamed(converted)


def describe(model: onnx.ModelProto, feature_names=None, classes=None) -> onnx.ModelProto:
    """Writes the names a person knows the columns and classes by into the file's metadata."""
    for key, names in (("feature_names", feature_names), ("classes", classes)):
        if names is not None:
            model.metadata_props.add(key=key, value=json.dumps([str(name) for name in names]))
    return model


def run(model_file: Path, inputs: dict) -> dict:
    """What ONNX Runtime answers, by output name, one thread, ZipMap's maps as an array in the order of their keys."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = FATAL
    session = onnxruntime.InferenceSession(model_file, options, providers=["CPUExecutionProvider"])
    answers = session.run(None, inputs)
    return {output.name: as_array(answer) for output, answer in zip(session.get_outputs(), answers)}


def as_array(answer) -> np.ndarray:
    if isinstance(answer, list) and answer and isinstance(answer[0], dict):
        return np.array([[row[key] for key in sorted(row)] for row in answer], dtype=np.float32)
    return np.asarray(answer)


def disagreement(got: np.ndarray, want: np.ndarray) -> float:
    """The largest difference, relative to values above 1. Infinite where shapes, labels or NaN differ."""
    if got.shape != want.shape:
        return float("inf")
    if want.dtype.kind not in "f":
        return 0.0 if np.array_equal(got, want) else float("inf")
    if not np.array_equal(np.isnan(got), np.isnan(want)):
        return float("inf")
    got, want = np.nan_to_num(got.astype(np.float64)), np.nan_to_num(want.astype(np.float64))
    return float(np.max(np.abs(got - want) / np.maximum(1.0, np.abs(want)), initial=0.0))


def check(model_file: Path, inputs: dict, outputs: dict, tolerance: float) -> None:
    """Fails unless the file answers `outputs` on `inputs` within `tolerance`."""
    answers = run(model_file, inputs)
    for name, want in outputs.items():
        if name not in answers:
            raise SystemExit(f"{model_file}: no output {name!r}; it has {sorted(answers)}")
        worst = disagreement(answers[name], want)
        if worst > tolerance:
            raise SystemExit(f"{model_file}: output {name!r} is off by {worst:g}, allowed is {tolerance:g}")


def save_checked(model: onnx.ModelProto, model_file: Path, inputs: dict, outputs: dict, tolerance: float) -> None:
    """Writes the model and proves that it answers what the original library answers."""
    model_file.parent.mkdir(parents=True, exist_ok=True)
    model_file.write_bytes(model.SerializeToString())
    check(model_file, inputs, outputs, tolerance)


def plain(values):
    """Plain lists and numbers for JSON: each float is the shortest decimal that reads back as the same value of its type, NaN is null."""
    values = np.asarray(values)
    if values.ndim:
        return [plain(value) for value in values]
    if values.dtype.kind == "f":
        return None if np.isnan(values) else float(str(values))
    return values.item()
