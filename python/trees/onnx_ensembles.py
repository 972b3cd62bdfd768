"""ONNX models whose only node is an ensemble of random trees, in every form that its three operators have."""

import itertools

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ML = "ai.onnx.ml"
SPLITS = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT"]
NUMBERED = {mode: number for number, mode in enumerate([*SPLITS, "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER"])}
TRANSFORMS = {"NONE": 0, "SOFTMAX": 1, "LOGISTIC": 2, "SOFTMAX_ZERO": 3, "PROBIT": 4}


class Tree:
    """A random tree: nodes `(mode, feature, value, tracks, true, false)`, leaves `None`, the root first."""

    def __init__(self, rng, features, depth, modes=("BRANCH_LEQ",), tracks=0.0, members=1):
        self.nodes = []
        self._grow(rng, features, depth, modes, tracks, members)

    def _grow(self, rng, features, depth, modes, tracks, members):
        at = len(self.nodes)
        self.nodes.append(None)
        if depth == 0 or (at > 0 and rng.random() < 0.15):
            return at
        mode = modes[rng.integers(len(modes))]
        feature = int(rng.integers(features))
        if mode == "BRANCH_MEMBER":
            value = sorted({int(member) for member in rng.integers(0, 40, size=rng.integers(1, members + 1))})
        elif mode in ("BRANCH_EQ", "BRANCH_NEQ"):
            value = float(rng.integers(0, 6))
        else:
            value = float(rng.choice([np.float32(rng.normal()), 0.0, 0.5, 1.0, 2.0]))
        # Only the ordered modes say that a missing value passes.
        is_tracking = int(rng.random() < tracks and mode in SPLITS)
        below = [self._grow(rng, features, depth - 1, modes, tracks, members) for _ in range(2)]
        self.nodes[at] = (mode, feature, value, is_tracking, *below)
        return at

    def leaves(self):
        return [at for at, node in enumerate(self.nodes) if node is None]


def grow(rng, count, features, depth, **how):
    return [Tree(rng, features, depth, **how) for _ in range(count)]


def model(node, element, columns, outputs, ml=3):
    """A model of one node over a matrix `x`."""
    given = [helper.make_tensor_value_info("x", element, [None, columns])]
    graph = helper.make_graph([node], "trees", given, [helper.make_tensor_value_info(*output) for output in outputs])
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid(ML, ml)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8 if ml < 5 else 10)


def lists(trees, double):
    """Attributes of the nodes, as the first three versions of the operators have them."""
    names = ["treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids"]
    found = {f"nodes_{name}": [] for name in [*names, "missing_value_tracks_true"]}
    for tree, grown in enumerate(trees):
        for at, node in enumerate(grown.nodes):
            mode, feature, value, tracks, true, false = node or ("LEAF", 0, 0.0, 0, 0, 0)
            for name, entry in zip(found, [tree, at, feature, value, mode, true, false, tracks], strict=True):
                found[name].append(entry)
    if double:
        found["nodes_values_as_tensor"] = tensor(found.pop("nodes_values"), np.float64)
    return found


def tensor(numbers, dtype):
    return numpy_helper.from_array(np.array(numbers, dtype))


def weighted(trees, prefix, of_leaf, double):
    """Attributes of the weights; `of_leaf(tree)` gives a leaf's `(target, weight)`."""
    entries = [
        (tree, leaf, target, float(weight))
        for tree, grown in enumerate(trees)
        for leaf in grown.leaves()
        for target, weight in of_leaf(tree)
    ]
    ids = {f"{prefix}_{name}": list(column) for name, column in zip(["treeids", "nodeids", "ids"], zip(*entries))}
    weights = [entry[3] for entry in entries]
    if double:
        return ids | {f"{prefix}_weights_as_tensor": tensor(weights, np.float64)}
    return ids | {f"{prefix}_weights": weights}


def base(values, double):
    if not values:
        return {}
    return {"base_values_as_tensor": tensor(values, np.float64)} if double else {"base_values": values}


def classifier(trees, labels, of_leaf, transform="NONE", base_values=(), columns=5, element=TensorProto.FLOAT):
    double = element == TensorProto.DOUBLE
    text = isinstance(labels[0], str)
    attributes = lists(trees, double) | weighted(trees, "class", of_leaf, double) | base(base_values, double)
    attributes["classlabels_strings" if text else "classlabels_int64s"] = labels
    node = helper.make_node(
        "TreeEnsembleClassifier", ["x"], ["label", "scores"], domain=ML, post_transform=transform, **attributes
    )
    label = TensorProto.STRING if text else TensorProto.INT64
    outputs = [("label", label, [None]), ("scores", TensorProto.FLOAT, [None, len(labels)])]
    return model(node, element, columns, outputs, ml=3 if double else 1)


def regressor(trees, targets, of_leaf, transform="NONE", base_values=(), double=False, aggregate="SUM"):
    attributes = lists(trees, double) | weighted(trees, "target", of_leaf, double) | base(base_values, double)
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain=ML, post_transform=transform, n_targets=targets,
        aggregate_function=aggregate, **attributes,
    )  # fmt: skip
    element = TensorProto.DOUBLE if double else TensorProto.FLOAT
    return model(node, element, 5, [("y", TensorProto.FLOAT, [None, targets])])


def ensemble(rng, trees, targets, transform="NONE", double=False, aggregate=1):
    """Version 5's operator: branches and leaves in lists of their own."""
    dtype = np.float64 if double else np.float32
    found = {name: [] for name in ["featureids", "truenodeids", "trueleafs", "falsenodeids", "falseleafs"]}
    splits, modes, tracks, members, leaves, roots = [], [], [], [], [], []
    for grown in trees:
        # A tree that is a leaf is a branch with that leaf at both ends.
        nodes = grown.nodes if grown.nodes[0] else [("BRANCH_LEQ", 0, 0.0, 0, 1, 1), None]
        branches = [at for at, node in enumerate(nodes) if node]
        place = {at: len(splits) + index for index, at in enumerate(branches)}
        roots.append(len(splits))
        for at, node in enumerate(nodes):
            if not node:
                place[at] = len(leaves)
                leaves.append((int(rng.integers(targets)), float(rng.normal())))
        for at in branches:
            mode, feature, value, is_tracking, true, false = nodes[at]
            if mode == "BRANCH_MEMBER":
                members += [*value, float("nan")]
                value = 0.0
            splits.append(value)
            modes.append(NUMBERED[mode])
            tracks.append(is_tracking)
            entry = [feature, place[true], int(not nodes[true]), place[false], int(not nodes[false])]
            for name, number in zip(found, entry, strict=True):
                found[name].append(number)
    attributes = {f"nodes_{name}": numbers for name, numbers in found.items()}
    if members:
        attributes["membership_values"] = tensor(members, dtype)
    node = helper.make_node(
        "TreeEnsemble", ["x"], ["y"], domain=ML, n_targets=targets, aggregate_function=aggregate,
        post_transform=TRANSFORMS[transform], tree_roots=roots, nodes_splits=tensor(splits, dtype),
        nodes_modes=tensor(modes, np.uint8), nodes_missing_value_tracks_true=tracks,
        leaf_targetids=[target for target, _ in leaves], leaf_weights=tensor([weight for _, weight in leaves], dtype),
        **attributes,
    )  # fmt: skip
    element = TensorProto.DOUBLE if double else TensorProto.FLOAT
    return model(node, element, 5, [("y", element, [None, targets])], ml=5)


def models(rng):
    """Each name with its model and the type of its rows."""
    yield from of_every_mode(rng)
    yield from binary(rng)
    yield from classes(rng)
    yield from regressors(rng)
    yield from version_five(rng)


def one_class(rng, of, sign=None):
    """A leaf's weight for one class: of any sign, or of one."""
    return lambda _: [(of, rng.normal() if sign is None else sign * rng.random())]


def of_every_mode(rng):
    for mode in [*SPLITS, "BRANCH_EQ", "BRANCH_NEQ"]:
        trees = grow(rng, 9, 5, 5, modes=[mode])
        yield f"mode_{mode}", classifier(trees, [0, 1], one_class(rng, 0), "LOGISTIC", [0.1])
        if mode in SPLITS:
            trees = grow(rng, 9, 5, 5, modes=[mode], tracks=0.5)
            yield f"mode_{mode}_missing", classifier(trees, [0, 1], one_class(rng, 0), "LOGISTIC")
    trees = grow(rng, 40, 5, 6, modes=[*SPLITS, "BRANCH_EQ", "BRANCH_NEQ"], tracks=0.3)
    yield "mode_all", regressor(trees, 1, one_class(rng, 0), base_values=[12.0])


def binary(rng):
    transforms = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]
    for of, sign, transform in itertools.product([0, 1], [None, 1], transforms):
        name = f"binary_class{of}_{'positive' if sign else 'any'}_{transform}"
        trees = grow(rng, 6, 5, 3)
        yield name, classifier(trees, [7, -3], one_class(rng, of, sign), transform)
        yield f"{name}_base", classifier(trees, ["no", "yes"], one_class(rng, of, sign), transform, [0.2])


def classes(rng):
    transforms = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]
    for count, transform in itertools.product([3, 5], transforms):
        boosted = grow(rng, 4 * count, 5, 4, tracks=0.3)
        by_tree = lambda tree, count=count: [(tree % count, rng.normal())]
        labels = [f"class {number}" for number in range(count)]
        yield f"boosted_{count}_{transform}", classifier(boosted, labels, by_tree, transform, [0.1] * count)
        voting = grow(rng, 11, 5, 4)
        shares = lambda _, count=count: list(enumerate(rng.dirichlet(np.ones(count)) / 11))
        yield f"voting_{count}_{transform}", classifier(voting, list(range(10, 10 + count)), shares, transform)
    some = lambda _: [(int(rng.integers(4)), rng.random() + 0.1)]
    yield "leaves_of_one_class", classifier(grow(rng, 20, 5, 5), [1, 2, 3, 4], some)
    for element in (TensorProto.DOUBLE, TensorProto.INT64, TensorProto.INT32):
        trees = grow(rng, 9, 5, 5)
        name = TensorProto.DataType.Name(element)
        yield f"binary_{name}", classifier(trees, [0, 1], one_class(rng, 0), "LOGISTIC", [0.3], element=element)


def regressors(rng):
    transforms = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]
    for targets, transform in itertools.product([1, 3], transforms):
        trees = grow(rng, 8, 5, 4)
        share = lambda _, targets=targets: [(target, rng.random() / 8) for target in range(targets)]
        yield f"regressor_{targets}_{transform}", regressor(trees, targets, share, transform, [0.01] * targets)
    for targets, double in itertools.product([1, 2], [False, True]):
        trees = grow(rng, 7, 5, 5, modes=SPLITS, tracks=0.2)
        all_targets = lambda _, targets=targets: [(target, rng.normal()) for target in range(targets)]
        name = f"average_{targets}_{'double' if double else 'float'}"
        yield name, regressor(trees, targets, all_targets, "NONE", [3.5] * targets, double, "AVERAGE")
    yield "one_leaf", regressor(grow(rng, 3, 5, 0), 1, one_class(rng, 0))


def version_five(rng):
    for targets, double in itertools.product([1, 3], [False, True]):
        for kind, modes in {"ordered": SPLITS, "sets": ["BRANCH_MEMBER", "BRANCH_LEQ"], "all": list(NUMBERED)}.items():
            name = f"five_{kind}_{targets}_{'double' if double else 'float'}"
            yield name, ensemble(rng, grow(rng, 12, 5, 5, modes=modes, tracks=0.3), targets, double=double)
    yield "five_softmax_zero", ensemble(rng, grow(rng, 12, 5, 4), 3, "SOFTMAX_ZERO")
    yield "five_average", ensemble(rng, grow(rng, 12, 5, 4), 2, aggregate=0)


def left(rng):
    """Models that are left to ONNX Runtime, where it is odd; each with the operator."""
    trees = grow(rng, 4, 5, 4, modes=["BRANCH_MEMBER"], members=5)
    yield "sets", ensemble(rng, trees, 1), "TreeEnsemble"
    yield "disputed_transform", ensemble(rng, grow(rng, 4, 5, 4), 3, "SOFTMAX"), "TreeEnsemble"
    both = lambda _: [(0, rng.random()), (1, rng.random())]
    yield "both_classes", classifier(grow(rng, 4, 5, 4), [7, 8], both), "TreeEnsembleClassifier"
    base_of_two = classifier(grow(rng, 4, 5, 4), [7, 8], one_class(rng, 0), "NONE", [0.5, 0.5])
    yield "two_base_values", base_of_two, "TreeEnsembleClassifier"
    least = regressor(grow(rng, 4, 5, 4), 1, one_class(rng, 0), aggregate="MIN")
    yield "least", least, "TreeEnsembleRegressor"
