"""perf_analyzer, which comes in tritonclient's wheel: blocks of requests over HTTP and gRPC, and what it says of them."""

import argparse
import json
import os
import re
import subprocess
import sys
import sysconfig
import urllib.request
from pathlib import Path

REQUESTS = 200

# What it is linked with and no system has, from another wheel.
LIBRARIES = Path(sysconfig.get_paths()["purelib"]) / "nvidia/cuda_runtime/lib"
PROGRAM = Path(sysconfig.get_paths()["scripts"]) / "perf_analyzer"


def started(arguments: list) -> subprocess.CompletedProcess:
    environment = os.environ | {"LD_LIBRARY_PATH": str(LIBRARIES)}
    return subprocess.run([PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=False)


def number(said: str, label: str) -> float:
    found = re.search(rf"{label}: ([0-9.]+)", said)
    assert found, f"no '{label}' in:\n{said}"
    return float(found.group(1))


def counted(address: str, key: str, model: str) -> tuple:
    """The requests of a model that the server answered and failed, and the rows that it ran."""
    asked = urllib.request.Request(f"http://{address}/v2/models/{model}/stats", headers={"x-api-key": key})
    with urllib.request.urlopen(asked) as answer:
        (stats,) = json.load(answer)["model_stats"]
    durations = stats["inference_stats"]
    return durations["success"]["count"], durations["fail"]["count"], stats["inference_count"]


def measured(address: str, key: str, protocol: str, model: str, batch: int, options: list) -> None:
    """A run ends well, and the server has counted as many requests and rows as were sent, none of them failed."""
    before = counted(address, key, model)
    header = f"x-api-key:{key}"
    arguments = ["-m", model, "-u", address, "-i", protocol, "-b", str(batch), "-H", header]
    arguments += ["--request-count", str(REQUESTS), *options]
    ended = started(arguments)
    said = ended.stdout + ended.stderr
    shown = " ".join(arguments).replace(key, "KEY")
    assert ended.returncode == 0, f"{shown} ended with {ended.returncode}:\n{said}"
    assert number(said, "Throughput") > 0, said
    assert number(said, "Request count") == REQUESTS, said
    # What it reports of the server are differences of two moments at which requests are under way; these are not.
    assert number(said, "Successful request count") > 0, said
    risen = [now - then for now, then in zip(counted(address, key, model), before)]
    assert risen == [REQUESTS, 0, REQUESTS * batch], f"answered, failed, rows: {risen}\n{said}"
    print(f"{shown}: {number(said, 'Throughput')} rows/s, {number(said, 'Avg latency')} us", flush=True)


def main() -> None:
    if "--version" in sys.argv:
        ended = started(["--version"])
        print(ended.stdout + ended.stderr)
        sys.exit(ended.returncode)
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--protocol", required=True, choices=("http", "grpc"))
    told = parser.parse_args()
    runs = [("classifier", 1, []), ("classifier", 8, ["--concurrency-range", "4"]), ("two_inputs_add", 8, [])]
    runs.append(("echo_BYTES", 2, ["--string-length", "16"]))
    if told.protocol == "http":
        runs.append(("classifier", 8, ["--input-tensor-format", "json", "--output-tensor-format", "json"]))
    else:
        runs.append(("classifier", 1, ["--streaming", "--concurrency-range", "4"]))
        runs.append(("classifier", 8, ["--grpc-compression-algorithm", "gzip"]))
    for run in runs:
        measured(told.address, told.key, told.protocol, *run)


if __name__ == "__main__":
    main()
