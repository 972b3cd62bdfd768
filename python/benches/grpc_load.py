"""gRPC requests of one row, sent by h2load: what the load generator does for HTTP/1.1, as far as h2load tells it: latencies are counted from when a request was sent."""

import math
import os
import re
import statistics
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

METHOD = "/inference.GRPCInferenceService/ModelInfer"
# An error of gRPC has no message; an answer of churn has at least this many bytes of it.
ANSWER_BYTES_MIN = 20
WARM_UP_SECONDS = 2
# How much longer than asked h2load may take.
GRACE_SECONDS = 15
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass
class Target:
    """A server's gRPC, and the process whose processor time is measured."""

    url: str
    pid: int
    headers: tuple = ()
    model: str = "churn"
    features: int = 30


def field(number: int, value: bytes) -> bytes:
    """A field of protobuf of the length-delimited kind."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(number: int) -> bytes:
    written = b""
    while number > 0x7F:
        written += bytes([number & 0x7F | 0x80])
        number >>= 7
    return written + bytes([number])


def body(model: str, features: int) -> bytes:
    """A ModelInferRequest with one row in raw form, behind the five bytes that gRPC begins a message with."""
    row = np.random.default_rng(0).uniform(-3, 3, features).astype("<f4").tobytes()
    tensor = field(1, b"input") + field(2, b"FP32") + field(3, varint(1) + varint(features))
    message = field(1, model.encode()) + field(5, tensor) + field(7, row)
    return struct.pack(">BI", 0, len(message)) + message


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and its descendants."""
    total, family = 0, [pid]
    for process in family:
        stat = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(stat[11]) + int(stat[12])
        for task in Path(f"/proc/{process}/task").iterdir():
            family += map(int, (task / "children").read_text().split())
    return total / TICKS_PER_SECOND


def resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024 / 1e6


def h2load(command: list, seconds: float) -> str:
    """What it said. It has been seen to go on for ever after a run with many connections: that run is lost."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + GRACE_SECONDS).stdout
    except subprocess.TimeoutExpired:
        print(f"  h2load did not end: {command[1]}", flush=True)
        return ""


def run(target: Target, connections: int, seconds: float) -> dict:
    """One closed loop, one stream a connection, in the words of the load generator."""
    with tempfile.TemporaryDirectory() as scratch:
        request, log = Path(scratch) / "request", Path(scratch) / "log"
        request.write_bytes(body(target.model, target.features))
        command = ["h2load", f"--clients={connections}", "--max-concurrent-streams=1", f"--data={request}"]
        for header in ("content-type: application/grpc", "te: trailers", *target.headers):
            command += ["--header", header]
        url = target.url + METHOD
        h2load([*command, f"--duration={WARM_UP_SECONDS}", url], WARM_UP_SECONDS)
        before = cpu_seconds(target.pid)
        whole_seconds = max(1, round(seconds))
        timed = [*command, f"--duration={whole_seconds}", f"--log-file={log}", url]
        said = h2load(timed, whole_seconds)
        used = cpu_seconds(target.pid) - before
        # A line: when it was sent, the status, microseconds.
        lines = [line.split("\t") for line in log.read_text().splitlines()] if said else []
    micros = [int(took) for _, status, took in lines if status == "200"]
    data = re.search(r"\((\d+)\) data", said)
    if micros and (not data or int(data[1]) < ANSWER_BYTES_MIN * len(micros)):
        raise SystemExit(f"{url} did not answer with messages:\n{said}")
    cuts = statistics.quantiles(micros, n=100) if len(micros) > 1 else [math.nan] * 99
    return {
        "requestsPerSecond": len(micros) / whole_seconds,
        "p50Us": cuts[49],
        "p99Us": cuts[98],
        "serverCpuUsPerRequest": used * 1e6 / len(micros) if micros else math.nan,
        "residentMb": resident_megabytes(target.pid),
        "statuses": {"200": len(micros)} if micros else {},
        "broken": {},
    }
