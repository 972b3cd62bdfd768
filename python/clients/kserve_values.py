"""What kserve's two clients send: every datatype that they know, as lists and as binary tensors."""

import numpy as np
import tensors
from kserve import InferInput, InferRequest
from kserve.protocol.infer_type import InferResponse

# kserve knows no BF16 at all.
DATATYPES = [datatype for datatype in tensors.DTYPES if datatype != "BF16"]


def forms(datatype: str) -> list:
    """Binary or not. kserve refuses to send FP16 as a list."""
    return [True] if datatype == "FP16" else [True, False]


def tensor(name: str, datatype: str, array: np.ndarray, binary: bool) -> InferInput:
    made = InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def echo_request(datatype: str, array: np.ndarray, binary: bool, **named) -> InferRequest:
    return InferRequest(f"echo_{datatype}", [tensor("input", datatype, array, binary)], **named)


def require_echo(answer: InferResponse, datatype: str, sent: np.ndarray, what: str) -> None:
    (output,) = answer.outputs
    assert (answer.model_name, output.name, output.datatype) == (f"echo_{datatype}", "output", datatype), what
    tensors.require_equal(output.as_numpy(), sent, what)
