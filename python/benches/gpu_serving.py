"""What is left of an engine's speed on a GPU when it is asked over HTTP: throughput kept, time in the queue, batches formed.

usage: python gpu_serving.py SERVOIR LOAD ONNXRUNTIME MODEL... [--libraries FOLDERS] [--seconds N] [--device gpu|cpu]

SERVOIR and LOAD are built programs, ONNXRUNTIME the shared library of `pip install onnxruntime-gpu` (the package is also what is
called in process), each MODEL an ONNX file. `--libraries` are the folders of CUDA's and cuDNN's libraries, separated by commas. Of
each model in turn: rows a second of the engine called in this process, by rows of a run; then of the server, asked with one row
of binary tensors by more and more connections, with the mean time in the queue, in the engine, and the mean batch. `--device cpu`
is for trying this where there is no GPU.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from networks import rows_for
from own_server import OwnServer

BATCHES = (1, 8, 32, 128, 512, 1024)
CONNECTIONS = (1, 4, 16, 64, 256, 1024)


def in_process(model: Path, options: argparse.Namespace) -> float:
    """The most rows a second of the engine itself, inputs and outputs in the machine's memory."""
    provider = "CUDAExecutionProvider" if options.device == "gpu" else "CPUExecutionProvider"
    session = onnxruntime.InferenceSession(model, providers=[provider])
    if session.get_providers()[0] != provider:
        raise SystemExit(f"{provider} is not there: onnxruntime has {session.get_providers()}")
    best = 0.0
    for rows in BATCHES:
        inputs = rows_for(onnx.load(model), rows)
        for _ in range(3):
            session.run(None, inputs)
        runs, started = 0, time.perf_counter()
        while time.perf_counter() - started < min(options.seconds, 3.0):
            session.run(None, inputs)
            runs += 1
        rate = rows * runs / (time.perf_counter() - started)
        best = max(best, rate)
        print(f"  in process, {rows:>5} rows a run: {rate:>10.0f} rows/s", flush=True)
    return best


def totals(server: OwnServer, name: str) -> np.ndarray:
    """Of the model's statistics: requests, and nanoseconds in the queue and in the engine; runs of the model and their rows."""
    stats = server.call("GET", f"/v2/models/{name}/stats")["model_stats"][0]
    of = stats["inference_stats"]
    times = [of["success"]["count"], of["queue"]["ns"], of["compute_infer"]["ns"]]
    return np.array([*times, stats["execution_count"], stats["inference_count"]], float)


def served(server: OwnServer, model: Path, options: argparse.Namespace, best: float) -> None:
    name = model.parent.name
    push = [options.servoir, "push", model, "--name", name, "--wait", "--url", server.url]
    subprocess.run(push, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server.call("POST", f"/api/v1/model-registry/models/{name}/deploy", {"hardware": options.device})
    shown = server.call("GET", f"/v2/models/{name}/config")["servoir"]
    print(f"  served on {shown['device']}, {shown['device_bytes'] >> 20} MiB there: {shown['chosen_because']}", flush=True)
    for connections in CONNECTIONS:
        command = [options.load, "--url", server.url, "--model", name, "--form", "binary", "-c", str(connections)]
        command += ["--seconds", str(options.seconds), "--pid", str(server.process.pid)]
        before = totals(server, name)
        measured = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        requests, queued, computed, runs, rows = totals(server, name) - before
        rate = measured["statuses"].get("200", 0) / options.seconds
        print(
            f"  {connections:>5} connections: {rate:>10.0f} rows/s, {rate / best:.3f} of the engine's best; "
            f"p50 {measured['p50Us'] / 1e3:.2f} ms, p99 {measured['p99Us'] / 1e3:.2f} ms; "
            f"queue {queued / max(requests, 1) / 1e3:.0f} µs, engine {computed / max(requests, 1) / 1e3:.0f} µs, "
            f"{rows / max(runs, 1):.1f} rows a run",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("servoir", "load", "onnxruntime"):
        parser.add_argument(name, type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--libraries", default="")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu")
    options = parser.parse_args()
    settings = {"SERVOIR_CUDA__LIBRARIES": options.libraries} if options.libraries else {}
    with tempfile.TemporaryDirectory() as folder:
        server = OwnServer(options.servoir, options.onnxruntime, Path(folder), settings)
        try:
            hardware = server.call("GET", "/api/v1/model-registry/hardware")
            if options.device == "gpu" and hardware["gpuReason"] is not None:
                raise SystemExit(hardware["gpuReason"])
            for model in options.models:
                print(model.parent.name, flush=True)
                served(server, model, options, in_process(model, options))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
