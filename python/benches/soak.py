"""Mixed traffic against one server for a long time: nothing may fail that was not asked to, and nothing may grow.

usage: python soak.py SERVOIR ONNXRUNTIME FIXTURES [--seconds N] [--sample-seconds N]

SERVOIR is the built program, ONNXRUNTIME the library, FIXTURES the folder of the test suites' models. All at once: predictions
in JSON and binary form, each answer compared with what its version answered at first, and over gRPC; swaps, canaries and rollbacks between
two versions; uploads that are deployed, taken down and deleted; clients that follow the model over WebSockets and vanish; and
requests of all kinds that are wrong or broken off. Every few seconds the server's memory, descriptors and threads are read. The
run fails on any answer of 500 or more, on any wrong or failed answer to a good request, and when the median of the last third of
the samples is further above that of the middle third than the bounds below.
"""

import argparse
import asyncio
import collections
import json
import os
import random
import statistics
import struct
import tempfile
import time
import urllib.parse
from pathlib import Path

import aiohttp
import grpc
import numpy as np
from grpc_load import METHOD, body
from own_server import OwnServer

REGISTRY = "/api/v1/model-registry"
FEATURES = 30
ROWS = 16
# How far the last third's median may lie above the middle third's: a share of it, and so much beside.
BOUNDS = {"resident MB": (0.05, 8.0), "descriptors": (0.0, 8), "threads": (0.0, 4)}
TOLERANCE = 1e-6
PAUSE_SECONDS = 0.002


class Failed(Exception):
    """A good request that was not answered as it must be."""


class Soak:
    def __init__(self, server: OwnServer, session: aiohttp.ClientSession, fixtures: Path, seconds: float):
        self.server, self.session, self.fixtures = server, session, fixtures
        self.end = time.monotonic() + seconds
        self.seen = collections.Counter()
        self.failures: list[str] = []
        self.random = random.Random(17)
        self.rows = np.random.default_rng(17).uniform(-3, 3, (ROWS, FEATURES)).astype("<f4")
        self.answers: dict[int, np.ndarray] = {}

    def goes_on(self) -> bool:
        return time.monotonic() < self.end

    async def call(self, kind: str, method: str, path: str, good: tuple = (200, 201, 204), **how: object) -> object:
        """Sends a request and gives the JSON of its answer; `good`: the statuses that it may be answered with."""
        async with self.session.request(method, self.server.url + path, **how) as answer:
            content = await answer.read()
            self.seen[f"{kind} {answer.status}"] += 1
            if answer.status >= 500 or answer.status not in good:
                raise Failed(f"{answer.status}: {content[:300]!r}")
            return json.loads(content) if answer.content_type.endswith("json") and content else content

    async def repeat(self, kind: str, once) -> None:
        while self.goes_on():
            try:
                await once()
            except Failed as failed:
                self.failures.append(f"{kind}: {failed}")
            except (aiohttp.ClientError, OSError, grpc.RpcError) as error:
                self.failures.append(f"{kind}: {type(error).__name__} {error}")
            await asyncio.sleep(PAUSE_SECONDS)

    def some_rows(self) -> slice:
        first = self.random.randrange(ROWS)
        return slice(first, self.random.randrange(first, ROWS) + 1)

    def check(self, version: int, rows: slice, got: np.ndarray) -> None:
        expected = self.answers[version][rows]
        if got.shape != expected.shape or not np.allclose(got, expected, rtol=0, atol=TOLERANCE):
            raise Failed(f"rows {rows} of version {version}: {got.tolist()}, expected {expected.tolist()}")

    async def json_prediction(self) -> None:
        rows = self.some_rows()
        asked = {"instances": self.rows[rows].tolist()}
        answer = await self.call("JSON", "POST", "/v1/predict/churn", json=asked)
        self.check(answer["version"], rows, np.array(answer["probabilities"]))

    async def binary_prediction(self) -> None:
        rows = self.some_rows()
        raw = self.rows[rows].tobytes()
        tensor = {"name": "input", "datatype": "FP32", "shape": list(self.rows[rows].shape)}
        head = {"inputs": [{**tensor, "parameters": {"binary_data_size": len(raw)}}], "outputs": [{"name": "probabilities"}]}
        text = json.dumps(head).encode()
        headers = {"Inference-Header-Content-Length": str(len(text)), "Content-Type": "application/octet-stream"}
        answer = await self.call("binary", "POST", "/v2/models/churn/infer", data=text + raw, headers=headers)
        self.check(int(answer["model_version"]), rows, np.reshape(answer["outputs"][0]["data"], answer["outputs"][0]["shape"]))

    async def grpc_prediction(self, infer) -> None:
        answer = await infer(self.grpc_body)
        self.seen["gRPC OK"] += 1
        if len(answer) < struct.calcsize("ff"):
            raise Failed(f"an answer of {len(answer)} bytes")

    async def swap(self) -> None:
        version = self.random.choice([1, 2])
        how = self.random.random()
        path = f"{REGISTRY}/models/churn"
        # A swap makes another deployment of the same version, so that none is answered by one that is still warm.
        deploy = {"version": version, "batching": {"maxBatchSize": self.random.randrange(8, 64)}}
        if how < 0.15:
            await self.call("rollback", "POST", f"{path}/rollback", good=(200, 409), json={})
            return
        if how < 0.3:
            deploy["strategy"] = {"canary": {"percent": 30}}
        await self.call("swap", "POST", f"{path}/deploy", json=deploy)
        await asyncio.sleep(0.1)

    async def upload(self) -> None:
        name = f"upload-{self.random.getrandbits(48):x}"
        artifact = (self.fixtures / "xgb_binary" / "model.onnx").read_bytes()
        # protobuf takes the last of a field that comes twice: a text of its own, and so a digest of its own.
        artifact += bytes([6 << 3 | 2, len(name)]) + name.encode()
        model = f"{REGISTRY}/models/{name}"
        created = await self.call("create", "POST", f"{REGISTRY}/models", json={"name": name, "framework": "onnx"})
        model = f"{REGISTRY}/models/{created['id']}"
        form = aiohttp.FormData()
        form.add_field("artifact", artifact, filename="model.onnx")
        await self.call("upload", "POST", f"{model}/versions", data=form)
        await self.call("deploy", "POST", f"{model}/deploy", json={})
        await self.call("new model", "POST", f"/v1/predict/{name}", json={"instances": self.rows[:1].tolist()})
        await self.call("undeploy", "POST", f"{model}/undeploy", json={})
        await self.call("delete", "DELETE", model)

    async def follow(self) -> None:
        churn = await self.call("show", "GET", f"{REGISTRY}/models/churn")
        url = f"{self.server.url}{REGISTRY}/models/{churn['id']}/live"
        socket = await self.session.ws_connect(url)
        for _ in range(self.random.randrange(3)):
            frame = await socket.receive(timeout=10)
            if frame.type is not aiohttp.WSMsgType.TEXT:
                raise Failed(f"{frame.type}")
            self.seen["frames"] += 1
        # Some say goodbye, some vanish.
        if self.random.random() < 0.5:
            await socket.close()
        elif (transport := socket._response.connection and socket._response.connection.transport) is not None:
            transport.abort()

    async def bad_request(self) -> None:
        junk = self.random.randbytes(self.random.randrange(1, 2000))
        refused = (400, 404, 405, 409, 411, 413, 415, 422)
        wrong = [
            ("POST", "/v1/predict/churn", {"data": b'{"instances": [[1, 2', "headers": {"Content-Type": "application/json"}}),
            ("POST", "/v1/predict/churn", {"json": {"instances": [[1.0]]}}),
            ("POST", "/v1/predict/nobody", {"json": {"instances": [[1.0]]}}),
            ("POST", "/v2/models/churn/infer", {"data": junk, "headers": {"Inference-Header-Content-Length": "99999999"}}),
            ("POST", "/v2/models/churn/versions/77/infer", {"json": {}}),
            ("POST", f"{REGISTRY}/models", {"data": junk, "headers": {"Content-Type": "application/json"}}),
            ("POST", f"{REGISTRY}/models/churn/deploy", {"json": {"version": 99}}),
            ("POST", f"{REGISTRY}/models/churn/versions", {"data": junk}),
            ("GET", "/" + urllib.parse.quote_from_bytes(junk[:50]), {}),
            ("PUT", "/v1/predict/churn", {"data": junk}),
        ]
        method, path, how = self.random.choice(wrong)
        await self.call("bad", method, path, good=refused, **how)

    async def hostile_upload(self) -> None:
        file = self.random.choice(self.hostile)
        form = aiohttp.FormData()
        form.add_field("artifact", file.read_bytes(), filename=file.name)
        path = f"{REGISTRY}/models/{self.hostile_model}"
        answer = await self.call("hostile", "POST", f"{path}/versions", good=(201, 400, 413, 422), data=form)
        if isinstance(answer, dict) and "version" in answer:
            deployed = await self.call("hostile deploy", "POST", f"{path}/deploy", good=(200, 409, 422), json={"version": answer["version"]})
            if isinstance(deployed, dict) and "code" not in deployed:
                await self.call("undeploy", "POST", f"{path}/undeploy", good=(200, 409), json={})
            await self.call("delete", "DELETE", f"{path}/versions/{answer['version']}", good=(200, 204, 409))
        await asyncio.sleep(0.5)

    async def broken_off(self) -> None:
        """Bytes that are no request, or the beginning of one, and then nothing."""
        place = urllib.parse.urlsplit(self.server.url)
        _, writer = await asyncio.open_connection(place.hostname, place.port)
        head = b"POST /v1/predict/churn HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"
        writer.write(self.random.choice([head, head[:40], self.random.randbytes(300), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.random.randbytes(90)]))
        await writer.drain()
        await asyncio.sleep(self.random.random() * 0.2)
        writer.transport.abort()

    async def prepare(self) -> None:
        await self.call("prepare", "POST", f"{REGISTRY}/models", json={"name": "churn", "framework": "onnx"})
        for version, fixture in enumerate(("xgb_binary", "xgb_binary_v2"), start=1):
            form = aiohttp.FormData()
            form.add_field("artifact", (self.fixtures / fixture / "model.onnx").read_bytes(), filename="model.onnx")
            await self.call("prepare", "POST", f"{REGISTRY}/models/churn/versions", data=form)
            await self.call("prepare", "POST", f"{REGISTRY}/models/churn/deploy", json={"version": version})
            answer = await self.call("prepare", "POST", "/v1/predict/churn", json={"instances": self.rows.tolist()})
            self.answers[version] = np.array(answer["probabilities"])
        hostile = await self.call("prepare", "POST", f"{REGISTRY}/models", json={"name": "hostile", "framework": "onnx"})
        self.hostile_model = hostile["id"]
        self.hostile = sorted(file for file in (self.fixtures / "hostile").iterdir() if file.is_file())
        # Without the five bytes that the channel puts before a message.
        self.grpc_body = body("churn", FEATURES)[5:]

    async def run(self) -> None:
        channel = grpc.aio.insecure_channel(urllib.parse.urlsplit(self.server.url).netloc)
        infer = channel.unary_unary(METHOD)
        kinds = [self.json_prediction] * 3 + [self.binary_prediction] * 3 + [lambda: self.grpc_prediction(infer)] * 2
        kinds += [self.swap, self.upload, self.follow, self.follow, self.bad_request, self.bad_request]
        kinds += [self.hostile_upload, self.broken_off]
        await asyncio.gather(*(self.repeat(getattr(kind, "__name__", "gRPC"), kind) for kind in kinds))
        await channel.close()


def sample(pid: int) -> dict:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {
        "resident MB": int(status["VmRSS"].split()[0]) * 1024 / 1e6,
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": int(status["Threads"]),
    }


async def keep_sampling(soak: Soak, every: float) -> list[dict]:
    samples = []
    while soak.goes_on():
        samples.append(sample(soak.server.process.pid))
        await asyncio.sleep(every)
    return samples


def grown(samples: list[dict]) -> list[str]:
    """What has grown beyond its bound; prints the medians of the thirds."""
    third = len(samples) // 3
    parts = [samples[:third], samples[third : 2 * third], samples[2 * third :]]
    found = []
    for name, (share, more) in BOUNDS.items():
        first, middle, last = (statistics.median(one[name] for one in part) for part in parts)
        print(f"  {name:12} {first:9.1f} {middle:9.1f} {last:9.1f}   at most {middle * (1 + share) + more:.1f}")
        if last > middle * (1 + share) + more:
            found.append(f"{name}: {middle:.1f} in the middle third, {last:.1f} in the last")
    return found


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("servoir", "onnxruntime", "fixtures"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--seconds", type=float, default=1800.0)
    parser.add_argument("--sample-seconds", type=float, default=10.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = OwnServer(options.servoir, options.onnxruntime, Path(folder))
        try:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
                soak = Soak(server, session, options.fixtures, options.seconds)
                await soak.prepare()
                samples, _ = await asyncio.gather(keep_sampling(soak, options.sample_seconds), soak.run())
            ended = server.process.poll()
        finally:
            server.stop()
    print(f"{sum(soak.seen.values())} answers in {options.seconds:.0f} s:")
    for kind, count in sorted(soak.seen.items()):
        print(f"  {kind:24} {count}")
    print("medians of the first, middle and last third of the samples:")
    failures = soak.failures + grown(samples)
    if ended is not None:
        failures.append(f"the server ended with {ended}")
    if failures:
        raise SystemExit("\n".join([f"{len(failures)} failures", *failures[:20]]))


if __name__ == "__main__":
    asyncio.run(main())
