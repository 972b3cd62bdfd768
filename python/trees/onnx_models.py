"""Models of trees in ONNX, with what ONNX Runtime answers on random rows.

usage: python -m trees.onnx_models OUT

OUT gets a folder for each model, of the form that tests/src/trees.rs reads. Beside OUT, in `OUT_left`, lie models that are
left to ONNX Runtime, with `left.json`, which tells of each the operator that is not computed here.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

from trees import onnx_ensembles, onnx_exported, onnx_pipelines

SEED = 20
ROWS = 60
TOLERANCE = 1e-6
# Rows whose two largest scores are nearer than this say nothing: the order of sums decides their label.
TIE = 1e-5
DATATYPES = {"tensor(float)": "FP32", "tensor(double)": "FP64", "tensor(int64)": "INT64", "tensor(int32)": "INT32",
             "tensor(string)": "BYTES"}  # fmt: skip
DTYPES = {"FP32": np.float32, "FP64": np.float64, "INT64": np.int64, "INT32": np.int32}


def rows(rng, spec):
    """Random rows of an input: numbers near the thresholds and on them, missing and infinite ones."""
    datatype, columns = DATATYPES[spec.type], spec.shape[1]
    if datatype == "BYTES":
        return rng.choice(["a", "b", "c", "d", ""], size=(ROWS, columns)).astype(object)
    if datatype.startswith("INT"):
        return rng.integers(-2, 6, size=(ROWS, columns)).astype(DTYPES[datatype])
    numbers = rng.normal(size=(ROWS, columns))
    whole = rng.integers(-1, 40, size=(ROWS, columns)).astype(float)
    numbers = np.where(rng.random((ROWS, columns)) < 0.4, whole, numbers)
    special = rng.choice([np.nan, np.inf, -np.inf, -0.0, 0.5, 1e30], size=(ROWS, columns))
    numbers = np.where(rng.random((ROWS, columns)) < 0.1, special, numbers)
    return numbers.astype(DTYPES[datatype])


def answers(session, inputs):
    """Every output as an array; maps from class to probability as the matrix that they were made from."""
    found = session.run(None, inputs)
    return [np.array([list(row.values()) for row in output], np.float32) if isinstance(output, list) else output
            for output in found]  # fmt: skip


def without_ties(inputs, outputs):
    keep = np.ones(ROWS, bool)
    if any(output.dtype.kind not in "f" for output in outputs):
        for scores in (output for output in outputs if output.ndim == 2 and output.shape[1] > 1):
            largest = np.sort(np.nan_to_num(scores), axis=1)
            keep &= largest[:, -1] - largest[:, -2] > TIE
    return {name: rows[keep] for name, rows in inputs.items()}, [output[keep] for output in outputs]


def tensor(folder, name, array):
    kinds = {np.dtype(dtype): datatype for datatype, dtype in DTYPES.items()}
    datatype = "BYTES" if array.dtype.kind in "OU" else kinds[np.dtype(array.dtype.str)]
    if datatype == "BYTES":
        content = json.dumps(array.ravel().tolist()).encode()
    else:
        content = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
    (folder / f"{name}.bin").write_bytes(content)
    return {"name": name, "datatype": datatype, "shape": list(array.shape), "file": f"{name}.bin"}


def write_case(folder, model, rng):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    inputs = {spec.name: rows(rng, spec) for spec in session.get_inputs()}
    inputs, outputs = without_ties(inputs, answers(session, inputs))
    count = len(next(iter(inputs.values())))
    if count < ROWS // 4:
        raise SystemExit(f"{folder.name}: {count} rows are not ties")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    case = {
        "models": [{"format": "onnx", "file": "model.onnx"}],
        "inputs": [tensor(folder, name, array) for name, array in inputs.items()],
        "outputs": [
            tensor(folder, spec.name, array) | {"tolerance": TOLERANCE}
            for spec, array in zip(session.get_outputs(), outputs, strict=True)
        ],
    }
    (folder / "case.json").write_text(json.dumps(case) + "\n", encoding="utf-8")


def write(out: Path) -> None:
    start = time.perf_counter()
    random = np.random.default_rng(SEED)
    families = [onnx_ensembles, onnx_pipelines, onnx_exported]
    made = [model for family in families for model in family.models(random)]
    for name, model in made:
        write_case(out / name, model, random)
    left = out.with_name(f"{out.name}_left")
    left.mkdir(parents=True, exist_ok=True)
    operators = {}
    for name, model, operator in [*onnx_ensembles.left(random), *onnx_exported.left(random)]:
        (left / f"{name}.onnx").write_bytes(model.SerializeToString())
        operators[f"{name}.onnx"] = operator
    (left / "left.json").write_text(json.dumps(operators) + "\n", encoding="utf-8")
    print(f"{len(made)} ONNX models of trees in {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    write(Path(sys.argv[1]))
