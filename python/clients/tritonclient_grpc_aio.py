"""tritonclient over gRPC, on asyncio, with its stream."""

import numpy as np
import tensors
import tritonclient.grpc.aio as module
from on_asyncio import Blocking, check_many_at_once
from triton_checks import CHECKS, Triton
from tritonclient_grpc import check_client_deadline, check_compression
from under_test import arguments, run


def check_stream(triton: Triton) -> None:
    good, wide = tensors.rows("FP32"), np.zeros((1, 4), dtype=np.float32)
    sent = {"first": good, "refused": wide, "last": good}

    async def requests():
        for request_id, array in sent.items():
            tensor = triton.input("input", array, "FP32")
            yield {"model_name": "echo_FP32", "inputs": [tensor], "request_id": request_id}

    async def talk():
        answered = set()
        async for result, error in triton.client.client.stream_infer(requests()):
            if error is not None:
                assert "'input'" in error.message(), error
                answered.add("refused")
            else:
                tensors.require_equal(result.as_numpy("output"), good, "on the stream")
                answered.add(result.get_response().id)
        assert answered == set(sent), answered

    triton.client.wait(talk)


def main() -> None:
    server = arguments()
    client = Blocking(lambda: module.InferenceServerClient(server.address))
    own = [check_compression, check_client_deadline, check_many_at_once, check_stream]
    run(CHECKS + own, Triton(module, client, server))
    client.close()


if __name__ == "__main__":
    main()
