"""The servers that rivals.py measures: how each is started with the churn model, and how it is asked."""

import json
import sys
from pathlib import Path

import grpc_load
from server_process import SERVERS_FOLDER, WORKERS, Server, free_port

KEY = "the-key-of-the-benchmarks-0123456789"


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
    runtime = "on_mlserver.OnnxModel"

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
        model = {"name": "churn", "implementation": self.runtime, "inputs": inputs, "max_batch_size": 32}
        model |= {"max_batch_time": 0.001, "parameters": {"uri": str(self.model)}}
        (self.scratch / "settings.json").write_text(json.dumps(settings))
        (self.scratch / "model-settings.json").write_text(json.dumps(model))
        return [Path(sys.executable).parent / "mlserver", "start", self.scratch]

    def asked(self) -> dict:
        return {self.name: ["--url", self.url, "--model", "churn", "--form", "json"]}

    def asked_by_grpc(self) -> list:
        return [grpc_load.Target(f"http://127.0.0.1:{self.grpc_port}", self.process.pid)]


class MlServerXgboost(MlServer):
    """MLServer with its own runtime for xgboost, which is given the file that xgboost saved. It answers the class alone, where
    the other servers answer the probabilities, too."""

    name = "mlserver, xgboost"
    runtime = "mlserver_xgboost.XGBoostModel"

    def __init__(self, given, scratch: Path):
        super().__init__(given, scratch)
        self.model = self.model.with_name("model.json")

    def environment(self) -> dict:
        # One thread, as the others have in ONNX Runtime: on a busy machine a row takes xgboost several times as long with two.
        return super().environment() | {"OMP_NUM_THREADS": "1"}


# By what they are called on the command line.
SERVERS = {
    "servoir": Servoir,
    "mosec": Mosec,
    "fastapi": FastApi,
    "mlserver": MlServer,
    "mlserver-xgboost": MlServerXgboost,
}
