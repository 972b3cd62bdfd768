"""The servers that rivals.py measures: how each is started with the churn model, and how it is asked."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import grpc_load

SERVERS_FOLDER = Path(__file__).resolve().parent / "rival_servers"
READY_SECONDS_MAX = 90
KEY = "the-key-of-the-benchmarks-0123456789"
# Two workers for two cores: more than that only share them.
WORKERS = max(1, min(2, os.cpu_count() or 1))


@dataclass
class Running:
    """One form of asking a server: the load generator's arguments, or what h2load needs for gRPC."""

    name: str
    load_arguments: list
    grpc: grpc_load.Target | None = None


class Server:
    """A process that is started on entering and ended, with its children, on leaving."""

    name = ""

    def __init__(self, given, scratch: Path):
        self.given, self.scratch, self.port = given, scratch, free_port()
        self.model = given.models.absolute() / "churn" / "model.onnx"
        scratch.mkdir()

    def command(self) -> list:
        raise NotImplementedError

    def environment(self) -> dict:
        return {"MODEL": str(self.model), "WORKERS": str(WORKERS), "PYTHONPATH": str(SERVERS_FOLDER)}

    def ready_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v2/health/ready"

    def asked(self) -> dict:
        """How it is asked: the load generator's arguments by the name in the table."""
        raise NotImplementedError

    def asked_by_grpc(self) -> list:
        """Where its gRPC is, if it has one that is measured."""
        return []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def forms(self) -> list:
        forms = [Running(name, [*words, "--pid", self.process.pid]) for name, words in self.asked().items()]
        return [*forms, *(Running(f"{self.name}, gRPC", [], target) for target in self.asked_by_grpc())]

    def __enter__(self) -> "Server":
        self.log = open(self.scratch / "log", "w+b")
        environment = {**os.environ, **self.environment(), "PYTHONDONTWRITEBYTECODE": "1"}
        # A session of its own, so that ending it ends its workers.
        self.process = subprocess.Popen(
            [str(word) for word in self.command()],
            cwd=self.scratch,
            env=environment,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        until = time.monotonic() + READY_SECONDS_MAX
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                raise SystemExit(f"{self.name} did not start:\n{(self.scratch / 'log').read_text()[-3000:]}")
            time.sleep(0.1)
        return self

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(self.ready_url(), timeout=1) as answer:
                return answer.status == 200
        except urllib.error.HTTPError as error:
            # Servers without a probe of their own answer 404 or 405 when they are up.
            return error.code in (404, 405)
        except OSError:
            return False

    def __exit__(self, *_) -> None:
        try:
            os.killpg(self.process.pid, 15)
            self.process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(self.process.pid, 9)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.log.close()


class Servoir(Server):
    """This project's."""

    name = "servoir"

    def command(self) -> list:
        models = self.scratch / "models" / "churn"
        models.mkdir(parents=True)
        (models / "model.onnx").write_bytes(self.model.read_bytes())
        words = ["serve", "--listen", f"127.0.0.1:{self.port}", "--models", models.parent]
        return [self.given.servoir.absolute(), *words, "--data-dir", self.scratch / "data"]

    def environment(self) -> dict:
        return {"SERVOIR_BOOTSTRAP_KEY": KEY, "SERVOIR_ONNXRUNTIME": str(self.given.onnxruntime.absolute())}

    def asked(self) -> dict:
        ours = ["--url", self.url, "--header", f"x-api-key: {KEY}", "--model", "churn"]
        return {"servoir": [*ours, "--form", "json"], "servoir, binary": [*ours, "--form", "binary"]}

    def asked_by_grpc(self) -> list:
        return [grpc_load.Target(self.url, self.process.pid, headers=(f"x-api-key: {KEY}",))]


class Mosec(Server):
    """mosec with ONNX Runtime."""

    name = "mosec"

    def command(self) -> list:
        program = SERVERS_FOLDER / "on_mosec.py"
        return [sys.executable, program, "--address", "127.0.0.1", "--port", self.port, "--log-level", "warning"]

    def ready_url(self) -> str:
        return f"{self.url}/metrics"

    def asked(self) -> dict:
        return {self.name: ["--url", f"{self.url}/inference", "--form", "instances"]}


class FastApi(Server):
    """FastAPI with ONNX Runtime."""

    name = "fastapi"

    def command(self) -> list:
        words = ["--port", self.port, "--log-level", "error", "--no-access-log", "--loop", "uvloop", "--http", "httptools"]
        return [sys.executable, "-m", "uvicorn", "on_fastapi:app", *words, "--workers", WORKERS]

    def asked(self) -> dict:
        return {self.name: ["--url", f"{self.url}/predict", "--form", "instances"]}


class MlServer(Server):
    """MLServer with ONNX Runtime and adaptive batching."""

    name = "mlserver"
    implementation = "on_mlserver.OnnxModel"

    def command(self) -> list:
        self.grpc_port = free_port()
        settings = {
            "http_port": self.port,
            "grpc_port": self.grpc_port,
            "metrics_port": free_port(),
            "host": "127.0.0.1",
            "debug": False,
            "parallel_workers": 0,
        }
        # Batching gathers for a millisecond, up to 32 requests.
        inputs = [{"name": "input", "datatype": "FP32", "shape": [-1, 30]}]
        model = {"name": "churn", "implementation": self.implementation, "inputs": inputs, "max_batch_size": 32}
        model |= {"max_batch_time": 0.001, "parameters": {"uri": str(self.uri())}}
        (self.scratch / "settings.json").write_text(json.dumps(settings))
        (self.scratch / "model-settings.json").write_text(json.dumps(model))
        return [Path(sys.executable).parent / "mlserver", "start", self.scratch]

    def uri(self) -> Path:
        return self.model

    def asked(self) -> dict:
        return {self.name: ["--url", self.url, "--model", "churn", "--form", "json"]}

    def asked_by_grpc(self) -> list:
        return [grpc_load.Target(f"http://127.0.0.1:{self.grpc_port}", self.process.pid)]


SERVERS = {server.name: server for server in (Servoir, Mosec, FastApi, MlServer)}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
