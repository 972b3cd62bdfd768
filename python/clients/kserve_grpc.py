"""The client of kserve's SDK over gRPC."""

import asyncio

import grpc
import kserve_values
import numpy as np
import tensors
from kserve import InferenceGRPCClient, InferRequest
from kserve.protocol.infer_type import RequestedOutput
from under_test import WRONG_KEY, arguments, run_async


class Subject:
    def __init__(self, client, server):
        self.client = client
        self.key = server.key

    async def infer(self, request, key: str | None = None):
        return await self.client.infer(request, headers=[("x-api-key", key or self.key)])

    async def refused(self, code: grpc.StatusCode, words: list, request, key: str | None = None) -> None:
        try:
            given = await self.infer(request, key)
        except grpc.aio.AioRpcError as error:
            assert error.code() == code, error
            assert all(word in error.details() for word in words), f"{words}: {error}"
        else:
            raise AssertionError(f"was to be refused ({code}), but answered {given}")


async def check_health(subject: Subject) -> None:
    assert await subject.client.is_server_live() is True
    assert await subject.client.is_server_ready() is True
    headers = [("x-api-key", subject.key)]
    assert await subject.client.is_model_ready("echo_FP32", headers=headers) is True


async def check_every_datatype(subject: Subject) -> None:
    for datatype in kserve_values.DATATYPES:
        for count in (2, 1, 7):
            sent = tensors.rows(datatype, count)
            for binary in kserve_values.forms(datatype):
                what = f"{count} rows of {datatype}, binary {binary}"
                answer = await subject.infer(kserve_values.echo_request(datatype, sent, binary, request_id="7"))
                assert answer.id == "7", answer
                kserve_values.require_echo(answer, datatype, sent, what)


async def check_requested_outputs(subject: Subject) -> None:
    a, b = np.ones((2, 4), dtype=np.float32), np.full((2, 4), 0.5, dtype=np.float32)
    for binary in (True, False):
        inputs = [kserve_values.tensor("a", "FP32", a, binary), kserve_values.tensor("b", "FP32", b, binary)]
        request = InferRequest("two_inputs_add", inputs, request_id="", request_outputs=[RequestedOutput("sum")])
        answer = await subject.infer(request)
        tensors.require_equal(answer.outputs[0].as_numpy(), a + b, f"binary {binary}")


async def check_refusals(subject: Subject) -> None:
    good = kserve_values.echo_request("FP32", tensors.rows("FP32"), binary=False)
    unknown = InferRequest("nobody", good.inputs)
    await subject.refused(grpc.StatusCode.NOT_FOUND, ["nobody"], unknown)
    wide = kserve_values.echo_request("FP32", np.zeros((2, 4), dtype=np.float32), binary=True)
    await subject.refused(grpc.StatusCode.INVALID_ARGUMENT, ["'input'", "[2, 4]"], wide)
    await subject.refused(grpc.StatusCode.UNAUTHENTICATED, ["key"], good, key=WRONG_KEY)


async def main() -> None:
    server = arguments()
    async with InferenceGRPCClient(server.address) as client:
        checks = [check_health, check_every_datatype, check_requested_outputs, check_refusals]
        await run_async(checks, Subject(client, server))


if __name__ == "__main__":
    asyncio.run(main())
