"""Neural networks with random weights, in the shapes of well-known ones."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
# MobileNetV1 at half width (Howard et al. 2017): channels and stride of each depthwise-separable block.
BLOCKS = ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (256, 1), (256, 1), (512, 2), (512, 1))
SIDE, CLASSES = 224, 1000
# Sentence encoders of MiniLM's depth (all-MiniLM-L6-v2), with a quarter of its vocabulary: what is looked up costs nothing.
LAYERS, TOKENS, VOCABULARY = 6, 64, 8192
# Width and heads: MiniLM's own, and half of them.
MINILM, HALF = (384, 12), (192, 6)


class Graph:
    """Nodes and weights as they are added; each method gives the name of what it added."""

    def __init__(self, seed: int):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights = [], []

    def constant(self, values) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def weight(self, *shape: int) -> str:
        fan_in = int(np.prod(shape[1:])) if len(shape) == 4 else shape[0]
        return self.constant((self.random.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32))

    def node(self, operator: str, *inputs: str, **attributes) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def dense(self, source: str, width_in: int, width_out: int) -> str:
        product = self.node("MatMul", source, self.weight(width_in, width_out))
        return self.node("Add", product, self.constant(np.zeros(width_out, np.float32)))

    def model(self, kind: int, shape: list, output: str, width: int) -> onnx.ModelProto:
        self.nodes.append(helper.make_node("Identity", [output], ["output"]))
        graph = helper.make_graph(
            self.nodes,
            "model",
            [helper.make_tensor_value_info("input", kind, ["N", *shape])],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", width])],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return model


def mlp(seed: int) -> onnx.ModelProto:
    graph, value = Graph(seed), "input"
    widths = (64, 256, 256, 10)
    for width_in, width_out in zip(widths, widths[1:]):
        value = graph.dense(value, width_in, width_out)
        if width_out != widths[-1]:
            value = graph.node("Relu", value)
    return graph.model(TensorProto.FLOAT, [widths[0]], graph.node("Softmax", value, axis=-1), widths[-1])


def mobilenet(seed: int) -> onnx.ModelProto:
    graph, channels = Graph(seed), 16

    def convolution(value: str, shape: tuple, **attributes) -> str:
        bias = graph.constant(np.zeros(shape[0], np.float32))
        return graph.node("Relu", graph.node("Conv", value, graph.weight(*shape), bias, **attributes))

    value = convolution("input", (channels, 3, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1])
    for wider, stride in BLOCKS:
        around = {"strides": [stride, stride], "pads": [1, 1, 1, 1], "group": channels}
        value = convolution(value, (channels, 1, 3, 3), **around)
        value = convolution(value, (wider, channels, 1, 1))
        channels = wider
    value = graph.node("Flatten", graph.node("GlobalAveragePool", value))
    value = graph.dense(value, channels, CLASSES)
    return graph.model(TensorProto.FLOAT, [3, SIDE, SIDE], value, CLASSES)


def encoder(seed: int, width: int, heads_count: int) -> onnx.ModelProto:
    graph = Graph(seed)
    ones, zeros = (graph.constant(np.full(width, number, np.float32)) for number in (1, 0))
    scale = graph.constant(np.float32((width / heads_count) ** -0.5))
    half, one, root = (graph.constant(np.float32(number)) for number in (0.5, 1.0, 2**-0.5))
    by_head = graph.constant(np.array([0, TOKENS, heads_count, width // heads_count], np.int64))
    together = graph.constant(np.array([0, TOKENS, width], np.int64))

    def heads(value: str, order: list) -> str:
        value = graph.node("Reshape", graph.dense(value, width, width), by_head)
        return graph.node("Transpose", value, perm=order)

    def normalized(value: str) -> str:
        return graph.node("LayerNormalization", value, ones, zeros, axis=-1)

    value = graph.node("Gather", graph.weight(VOCABULARY, width), "input")
    for _ in range(LAYERS):
        query, key, content = heads(value, [0, 2, 1, 3]), heads(value, [0, 2, 3, 1]), heads(value, [0, 2, 1, 3])
        scores = graph.node("Softmax", graph.node("Mul", graph.node("MatMul", query, key), scale), axis=-1)
        mixed = graph.node("Transpose", graph.node("MatMul", scores, content), perm=[0, 2, 1, 3])
        value = normalized(graph.node("Add", value, graph.dense(graph.node("Reshape", mixed, together), width, width)))
        inner = graph.dense(value, width, 4 * width)
        gate = graph.node("Add", graph.node("Erf", graph.node("Mul", inner, root)), one)
        gelu = graph.node("Mul", graph.node("Mul", inner, half), gate)
        value = normalized(graph.node("Add", value, graph.dense(gelu, 4 * width, width)))
    return graph.model(TensorProto.INT64, [TOKENS], graph.node("ReduceMean", value, axes=[1], keepdims=0), width)


def all_of_them(seed: int) -> list:
    encoders = [("transformer", encoder(seed, *HALF)), ("minilm", encoder(seed, *MINILM))]
    return [("mlp", mlp(seed)), ("mobilenet", mobilenet(seed)), *encoders]


def rows_for(model: onnx.ModelProto, rows: int) -> dict:
    """Random rows that fit the model's one input."""
    random = np.random.default_rng(0)
    tensor = model.graph.input[0].type.tensor_type
    shape = [rows, *(dimension.dim_value for dimension in tensor.shape.dim[1:])]
    if tensor.elem_type == TensorProto.INT64:
        return {"input": random.integers(0, 100, shape)}
    return {"input": random.standard_normal(shape).astype(np.float32)}
