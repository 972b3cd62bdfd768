"""The client of kserve's SDK over REST, by the v2 protocol."""

import asyncio

import httpx
import kserve_values
import numpy as np
import tensors
from kserve import InferenceRESTClient, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput
from under_test import WRONG_KEY, arguments, run_async


class Subject:
    def __init__(self, client, server):
        self.client = client
        self.url = f"http://{server.address}"
        self.key = server.key

    def headers(self, key: str | None = None) -> dict:
        return {"X-API-Key": key or self.key}

    async def infer(self, request, model: str, key: str | None = None):
        return await self.client.infer(self.url, request, model_name=model, headers=self.headers(key))

    async def refused(self, status: int, words: list, request, model: str, key: str | None = None) -> None:
        try:
            given = await self.infer(request, model, key)
        except httpx.HTTPStatusError as error:
            assert error.response.status_code == status, error
            assert all(word in str(error) for word in words), f"{words}: {error}"
        else:
            raise AssertionError(f"was to be refused ({status}), but answered {given}")


async def check_health(subject: Subject) -> None:
    assert await subject.client.is_server_live(subject.url) is True
    assert await subject.client.is_server_ready(subject.url) is True
    assert await subject.client.is_model_ready(subject.url, "echo_FP32", headers=subject.headers()) is True
    assert await subject.client.is_model_ready(subject.url, "nobody", headers=subject.headers()) is False


async def check_every_datatype(subject: Subject) -> None:
    for datatype in kserve_values.DATATYPES:
        for count in (2, 1, 7):
            sent = tensors.rows(datatype, count)
            for binary in kserve_values.forms(datatype):
                for binary_output in (True, False):
                    request = kserve_values.echo_request(
                        datatype, sent, binary, request_id="7", parameters={"binary_data_output": binary_output}
                    )
                    what = f"{count} rows of {datatype}, binary in {binary}, out {binary_output}"
                    answer = await subject.infer(request, f"echo_{datatype}")
                    assert answer.id == "7", answer
                    kserve_values.require_echo(answer, datatype, sent, what)


async def check_requested_outputs(subject: Subject) -> None:
    a, b = np.ones((2, 4), dtype=np.float32), np.full((2, 4), 0.5, dtype=np.float32)
    for binary in (True, False):
        inputs = [kserve_values.tensor("a", "FP32", a, True), kserve_values.tensor("b", "FP32", b, False)]
        asked = [RequestedOutput("sum", {"binary_data": binary})]
        answer = await subject.infer(InferRequest("two_inputs_add", inputs, request_outputs=asked), "two_inputs_add")
        tensors.require_equal(answer.outputs[0].as_numpy(), a + b, f"binary output {binary}")


async def check_plain_dictionary(subject: Subject) -> None:
    nested = {"inputs": [{"name": "input", "shape": [2, 3], "datatype": "FP32", "data": [[1, 2, 3], [4, 5, 6]]}]}
    answer = await subject.infer(nested, "echo_FP32")
    expected = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float32)
    tensors.require_equal(answer.outputs[0].as_numpy(), expected, "nested data")


async def check_refusals(subject: Subject) -> None:
    good = kserve_values.echo_request("FP32", tensors.rows("FP32"), binary=False)
    await subject.refused(404, ["nobody"], good, "nobody")
    wide = kserve_values.echo_request("FP32", np.zeros((2, 4), dtype=np.float32), binary=True)
    await subject.refused(400, ["'input'", "[2, 4]"], wide, "echo_FP32")
    other = kserve_values.echo_request("INT32", tensors.rows("INT32"), binary=True)
    await subject.refused(400, ["'input'", "INT32", "FP32"], other, "echo_FP32")
    await subject.refused(401, ["key"], good, "echo_FP32", key=WRONG_KEY)


async def main() -> None:
    server = arguments()
    async with InferenceRESTClient(RESTConfig(protocol="v2", retries=0)) as client:
        checks = [check_health, check_every_datatype, check_requested_outputs, check_plain_dictionary, check_refusals]
        await run_async(checks, Subject(client, server))


if __name__ == "__main__":
    asyncio.run(main())
