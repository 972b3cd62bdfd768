"""ONNX models of random trees with steps before and after them that exporters seldom write."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from trees import onnx_ensembles

ML = "ai.onnx.ml"
FLOAT, DOUBLE, INT64, INT32, STRING = (
    TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.INT32, TensorProto.STRING,
)  # fmt: skip


def ml(operator, given, made, **attributes):
    return helper.make_node(operator, given, [made], domain=ML, **attributes)


def node(operator, given, made, **attributes):
    return helper.make_node(operator, given, [made], **attributes)


def model(rng, inputs, before, columns, after=(), output=("y", FLOAT, [None, 2]), **constants):
    """Steps that make `m`, of so many columns, from the inputs; trees; steps that make the output from `s`."""
    grown = onnx_ensembles.grow(rng, 30, columns, 6, modes=onnx_ensembles.SPLITS)
    both = lambda _: [(0, rng.normal()), (1, rng.normal())]
    trees = onnx_ensembles.regressor(grown, 2, both, base_values=[0.5, -0.5]).graph.node[0]
    trees.input[0], trees.output[0] = "m", "s" if after else "y"
    given = [helper.make_tensor_value_info(name, element, [None, width]) for name, element, width in inputs]
    fixed = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    made = helper.make_tensor_value_info(*output)
    graph = helper.make_graph([*before, trees, *after], "pipeline", given, [made], fixed)
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid(ML, 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def models(rng):
    """Each name with its model."""
    yield from of_numbers(rng)
    yield from of_categories(rng)
    yield from of_scores(rng)


def of_numbers(rng):
    x = [("x", FLOAT, 3)]
    factors = rng.normal(size=(1, 3)).astype(np.float32)
    steps = [node("Sub", ["k", "x"], "a"), node("Div", ["a", "k"], "b"), node("Sub", ["b", "one"], "m")]
    yield "steps_arithmetic", model(rng, x, steps, 3, k=factors, one=np.float32(0.1))
    steps = [node("Div", ["one", "x"], "a"), node("Add", ["k", "a"], "m")]
    yield "steps_reciprocal", model(rng, x, steps, 3, k=factors, one=np.float32([1.0]))
    yield "steps_max", model(rng, x, [ml("Normalizer", ["x"], "m", norm="MAX")], 3)
    steps = [
        node("Unsqueeze", ["x", "two"], "a"), node("Squeeze", ["a", "two"], "b"), node("Flatten", ["b"], "c"),
        node("Reshape", ["c", "keep"], "d"), node("Identity", ["d"], "m"),
    ]  # fmt: skip
    two = np.array([2], np.int64)
    yield "steps_shapes", model(rng, x, steps, 3, two=two, keep=np.array([0, -1], np.int64))
    steps = [
        node("Gather", ["x", "last"], "a", axis=1), node("Unsqueeze", ["a", "at"], "b"),
        ml("ArrayFeatureExtractor", ["x", "some"], "c"), node("Slice", ["x", "at", "end", "at"], "d"),
        node("Concat", ["b", "c", "d", "b"], "m", axis=-1),
    ]  # fmt: skip
    constants = {"last": np.int64(-1), "some": np.array([2, 0], np.int64), "at": np.array([1], np.int64)}
    yield "steps_chosen", model(rng, x, steps, 6, **constants, end=np.array([2**31], np.int64))
    scale = {"offset": [0.1, 0.7, -3.3], "scale": [1.7, 0.3, 0.9]}
    for name, element in {"double": DOUBLE, "int64": INT64, "int32": INT32}.items():
        yield f"steps_scaled_{name}", model(rng, [("x", element, 3)], [ml("Scaler", ["x"], "m", **scale)], 3)
        yield f"steps_cast_{name}", model(rng, [("x", element, 3)], [node("Cast", ["x"], "m", to=FLOAT)], 3)
    steps = [ml("Imputer", ["x"], "a", imputed_value_int64s=[7, 8, 9], replaced_value_int64=-1),
             node("Cast", ["a"], "m", to=FLOAT)]  # fmt: skip
    yield "steps_imputed_int64", model(rng, [("x", INT64, 3)], steps, 3)
    steps = [ml("Imputer", ["x"], "m", imputed_value_floats=[0.25], replaced_value_float=0.5)]
    yield "steps_imputed_value", model(rng, x, steps, 3)


def of_categories(rng):
    flat = np.array([-1, 9], np.int64)
    for name, element in {"float": FLOAT, "double": DOUBLE}.items():
        steps = [ml("OneHotEncoder", ["x"], "a", cats_int64s=[0, 3, 1], zeros=1), node("Reshape", ["a", "flat"], "m")]
        yield f"steps_one_hot_{name}", model(rng, [("x", element, 3)], steps, 9, flat=flat)
    steps = [ml("LabelEncoder", ["t"], "a", keys_strings=["a", "b", "a"], values_floats=[0.5, -0.5, 9.0])]
    steps += [node("Concat", ["a", "x"], "m", axis=1)]
    yield "steps_labels_float", model(rng, [("x", FLOAT, 2), ("t", STRING, 2)], steps, 4)
    steps = [
        ml("LabelEncoder", ["w"], "a", keys_int64s=[0, 1, 2], values_strings=["a", "b", "c"], default_string="b"),
        ml("OneHotEncoder", ["a"], "b", cats_strings=["a", "b"], zeros=1), node("Flatten", ["b"], "m"),
    ]  # fmt: skip
    yield "steps_labels_text", model(rng, [("w", INT64, 3)], steps, 6)


def of_scores(rng):
    x = [("x", FLOAT, 3)]
    same = [node("Identity", ["x"], "m")]
    after = [node("Mul", ["s", "half"], "a"), node("Clip", ["a", "low"], "b"), node("Exp", ["b"], "y")]
    yield "steps_after", model(rng, x, same, 3, after, half=np.float32(0.5), low=np.float32(-1.0))
    after = [node("Cast", ["s"], "y", to=DOUBLE)]
    yield "steps_after_double", model(rng, x, same, 3, after, ("y", DOUBLE, [None, 2]))
    after = [ml("ArrayFeatureExtractor", ["s", "second"], "a"), node("Reshape", ["a", "line"], "y")]
    line = {"second": np.array([1], np.int64), "line": np.array([-1], np.int64)}
    yield "steps_after_column", model(rng, x, same, 3, after, ("y", FLOAT, [None]), **line)
    after = [ml("Normalizer", ["s"], "a", norm="L1"), node("Concat", ["a", "s", "a"], "y", axis=1)]
    yield "steps_after_beside", model(rng, x, same, 3, after, ("y", FLOAT, [None, 6]))
