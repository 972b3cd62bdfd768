"""tritonclient over HTTP, blocking."""

import numpy as np
import tensors
import tritonclient.http as module
from triton_checks import CHECKS, Triton
from under_test import arguments, run


def check_compression(triton: Triton) -> None:
    sent = tensors.rows("FP32", 3000)
    for request in (None, "gzip", "deflate"):
        for response in (None, "gzip", "deflate"):
            for binary in (True, False):
                given = triton.client.infer(
                    "echo_FP32",
                    [triton.input("input", sent, "FP32", binary)],
                    outputs=[triton.output("output", binary)],
                    request_compression_algorithm=request,
                    response_compression_algorithm=response,
                )
                what = f"request {request}, response {response}, binary {binary}"
                tensors.require_equal(given.as_numpy("output"), sent, what)


def check_refusals_stay_readable_when_compression_is_asked_for(triton: Triton) -> None:
    wide = triton.input("input", np.zeros((500, 4), dtype=np.float32), "FP32")
    asked = {"request_compression_algorithm": "gzip", "response_compression_algorithm": "gzip"}
    triton.refused("invalid", ["'input'"], triton.client.infer, "echo_FP32", [wide], **asked)


def check_many_at_once(triton: Triton) -> None:
    sent = [tensors.rows("INT64") + number for number in range(64)]
    requests = [triton.client.async_infer("echo_INT64", [triton.input("input", one, "INT64")]) for one in sent]
    for one, request in zip(sent, requests):
        tensors.require_equal(request.get_result().as_numpy("output"), one, "one of many")


def main() -> None:
    server = arguments()
    with module.InferenceServerClient(server.address, concurrency=8) as client:
        triton = Triton(module, client, server)
        own = [
            check_compression,
            check_refusals_stay_readable_when_compression_is_asked_for,
            check_many_at_once,
        ]
        run(CHECKS + own, triton)


if __name__ == "__main__":
    main()
