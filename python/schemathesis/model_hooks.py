"""What JSON Schema cannot say of requests to a model: the number of rows is said in several places, and alike in each.

Generated bodies that are to be right are made to agree with themselves before they are sent; bodies that are to be wrong
stay as they are.
"""

import copy
import math

import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta.generation.mode.is_positive and isinstance(case.body, dict):
        case.body = copy.deepcopy(case.body)
        if case.operation.path.startswith("/v2/"):
            _tensors_agree(case.body)
        else:
            _rows_agree(case.body)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """A sum of large numbers is infinite, which shows when it is computed; then JSON over /v2 cannot express the answer."""
    inexpressible = b"which JSON cannot express" in response.content
    return not (isinstance(failure, RejectedPositiveData) and inexpressible)


def _tensors_agree(body):
    inputs = body["inputs"]
    rows = min(_rows(tensor) for tensor in inputs)
    for tensor in inputs:
        nested = isinstance(tensor["data"][0], list)
        tensor["data"] = tensor["data"][: rows if nested else rows * math.prod(tensor["shape"][1:])]
        tensor["shape"][0] = rows
    if body.get("outputs"):
        body["outputs"] = list({output["name"]: output for output in body["outputs"]}.values())


def _rows(tensor):
    data = tensor["data"]
    return len(data) if isinstance(data[0], list) else len(data) // math.prod(tensor["shape"][1:])


def _rows_agree(body):
    inputs = body.get("inputs")
    if isinstance(inputs, dict):
        rows = min(len(tensor) for tensor in inputs.values())
        body["inputs"] = {name: tensor[:rows] for name, tensor in inputs.items()}
    elif inputs is not None:
        rows = len(inputs)
    else:
        rows = len(body["instances"]) if "instances" in body else 1
    if body.get("entityIds") is not None:
        body["entityIds"] = (body["entityIds"] * rows)[:rows] or ["someone"] * rows
        body.pop("entityId", None)
    elif rows != 1:
        body.pop("entityId", None)
