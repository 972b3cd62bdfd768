"""tritonclient over gRPC, blocking, with its stream."""

import queue

import numpy as np
import tensors
import tritonclient.grpc as module
from triton_checks import CHECKS, Triton
from under_test import arguments, run

# How long an answer on a stream may take, in seconds.
PATIENCE = 30


def check_compression(triton: Triton) -> None:
    sent = tensors.rows("FP32", 3000)
    for algorithm in ("gzip", "deflate"):
        tensors.require_equal(triton.echo("FP32", sent, compression_algorithm=algorithm), sent, algorithm)


def check_client_deadline(triton: Triton) -> None:
    slow = triton.input("x", np.ones((1, 1), dtype=np.float32), "FP32")
    triton.refused("deadline", [], triton.client.infer, "slow", [slow], client_timeout=0.001)


def check_many_at_once(triton: Triton) -> None:
    answers = queue.Queue()
    sent = [tensors.rows("INT64") + number for number in range(64)]
    for number, one in enumerate(sent):
        tensor = triton.input("input", one, "INT64")

        def answered(result, error, number=number):
            answers.put((number, result, error))

        triton.client.async_infer("echo_INT64", [tensor], callback=answered)
    for _ in sent:
        number, result, error = answers.get(timeout=PATIENCE)
        assert error is None, error
        tensors.require_equal(result.as_numpy("output"), sent[number], "one of many")


def check_cancellation(triton: Triton) -> None:
    answers = queue.Queue()
    slow = triton.input("x", np.ones((1, 1), dtype=np.float32), "FP32")
    call = triton.client.async_infer("slow", [slow], callback=lambda result, error: answers.put(error))
    call.cancel()
    error = answers.get(timeout=PATIENCE)
    assert error is not None and error.status() == "StatusCode.CANCELLED", error
    tensors.require_equal(triton.echo("FP32", tensors.rows("FP32")), tensors.rows("FP32"), "after a cancellation")


def check_stream(triton: Triton) -> None:
    answers = queue.Queue()
    triton.client.start_stream(callback=lambda result, error: answers.put((result, error)))
    sent = {str(number): tensors.rows("FP32", 1 + number % 3) for number in range(32)}
    for number, one in sent.items():
        triton.client.async_stream_infer("echo_FP32", [triton.input("input", one, "FP32")], request_id=number)
    while sent:
        result, error = answers.get(timeout=PATIENCE)
        assert error is None, error
        number = result.get_response().id
        tensors.require_equal(result.as_numpy("output"), sent.pop(number), f"request {number} of the stream")
    triton.client.stop_stream()


def check_a_refusal_does_not_end_the_stream(triton: Triton) -> None:
    answers = queue.Queue()
    triton.client.start_stream(callback=lambda result, error: answers.put((result, error)))
    good, wide = tensors.rows("FP32"), np.zeros((1, 4), dtype=np.float32)
    for array in (good, wide, good):
        triton.client.async_stream_infer("echo_FP32", [triton.input("input", array, "FP32")])
        result, error = answers.get(timeout=PATIENCE)
        if array is wide:
            assert error is not None and "'input'" in error.message(), error
        else:
            assert error is None, error
            tensors.require_equal(result.as_numpy("output"), good, "on the stream")
    triton.client.async_stream_infer("nobody", [triton.input("input", good, "FP32")])
    result, error = answers.get(timeout=PATIENCE)
    assert error is not None and "nobody" in error.message(), error
    triton.client.stop_stream()


def check_final_response_is_marked(triton: Triton) -> None:
    answers = queue.Queue()
    triton.client.start_stream(callback=lambda result, error: answers.put((result, error)))
    tensor = triton.input("input", tensors.rows("FP32"), "FP32")
    triton.client.async_stream_infer("echo_FP32", [tensor], enable_empty_final_response=True)
    result, error = answers.get(timeout=PATIENCE)
    assert error is None, error
    assert result.get_response().parameters["triton_final_response"].bool_param, result.get_response()
    triton.client.stop_stream()


def main() -> None:
    server = arguments()
    with module.InferenceServerClient(server.address) as client:
        own = [
            check_compression,
            check_client_deadline,
            check_many_at_once,
            check_cancellation,
            check_stream,
            check_a_refusal_does_not_end_the_stream,
            check_final_response_is_marked,
        ]
        run(CHECKS + own, Triton(module, client, server))


if __name__ == "__main__":
    main()
