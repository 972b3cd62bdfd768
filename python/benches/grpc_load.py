"""gRPC requests, sent by h2load: what the load generator does for HTTP/1.1, as far as h2load tells it: latencies are counted from
when a request was sent, and answers are not compared."""

import contextlib
import math
import os
import re
import statistics
import struct
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

METHOD = "/inference.GRPCInferenceService/ModelInfer"
# An error of gRPC has no message; an answer of churn has at least this many bytes of it, and of each row.
ANSWER_BYTES_MIN = 20
ANSWER_BYTES_A_ROW_MIN = 4
WARM_UP_SECONDS = 2
# How much longer than asked h2load may take.
GRACE_SECONDS = 15
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """Why there are no figures."""


@dataclass
class Target:
    """A server's gRPC, and the process whose processor time and memory are measured, if there is one."""

    url: str
    pid: int | None
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


def body(model: str, features: int, rows: int = 1) -> bytes:
    """A ModelInferRequest with its rows in raw form, behind the five bytes that gRPC begins a message with."""
    numbers = np.random.default_rng(0).uniform(-3, 3, (rows, features)).astype("<f4").tobytes()
    tensor = field(1, b"input") + field(2, b"FP32") + field(3, varint(rows) + varint(features))
    message = field(1, model.encode()) + field(5, tensor) + field(7, numbers)
    return struct.pack(">BI", 0, len(message)) + message


def family(pid: int) -> list:
    """A process and its descendants."""
    members = [pid]
    for process in members:
        # Processes and threads end while this looks at them.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for task in Path(f"/proc/{process}/task").iterdir():
                members += map(int, (task / "children").read_text().split())
    return members


def of_family(pid: int | None, file: str, value) -> float:
    """The sum of what a file of /proc says of each member; not a number where nobody is looked at."""
    if pid is None:
        return math.nan
    if not Path(f"/proc/{pid}").exists():
        raise Failed(f"there is no process {pid}")
    total = 0.0
    for process in family(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += value(Path(f"/proc/{process}/{file}").read_text())
    return total


def cpu_seconds(pid: int | None) -> float:
    def seconds(stat: str) -> float:
        fields = stat.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    return of_family(pid, "stat", seconds)


def resident_megabytes(pid: int | None) -> float:
    def megabytes(status: str) -> float:
        # A process that has ended, and was not waited for, has no memory.
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) * 1024 / 1e6 if found else 0.0

    return of_family(pid, "status", megabytes)


def h2load(command: list, seconds: float) -> str:
    """What it said. It has been seen to go on for ever after a run with many connections: that run is lost."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + GRACE_SECONDS).stdout
    except subprocess.TimeoutExpired:
        print(f"  h2load did not end: {command[1]}", flush=True)
        return ""
    except FileNotFoundError as error:
        raise Failed("gRPC is loaded with h2load, which was not found (on Debian: apt-get install nghttp2-client)") from error
    except subprocess.CalledProcessError as error:
        raise Failed(f"h2load ended with status {error.returncode}: {(error.stderr or error.stdout).strip()}") from error


def run(target: Target, connections: int, seconds: float, rows: int) -> dict:
    """One closed loop, one stream a connection, in the words of the load generator."""
    with tempfile.TemporaryDirectory() as scratch:
        request, log = Path(scratch) / "request", Path(scratch) / "log"
        request.write_bytes(body(target.model, target.features, rows))
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
    if said and not micros:
        raise Failed(f"{url} answered nothing with status 200:\n{said}")
    data = re.search(r"\((\d+)\) data", said)
    bytes_min = ANSWER_BYTES_MIN + (rows - 1) * ANSWER_BYTES_A_ROW_MIN
    if micros and (not data or int(data[1]) < bytes_min * len(micros)):
        raise Failed(f"{url} did not answer with messages:\n{said}")
    cuts = statistics.quantiles(micros, n=100) if len(micros) > 1 else [math.nan] * 99
    return {
        "requestsPerSecond": len(micros) / whole_seconds,
        "p50Us": cuts[49],
        "p99Us": cuts[98],
        "serverCpuUsPerRequest": used * 1e6 / len(micros) if micros else math.nan,
        "residentMb": resident_megabytes(target.pid),
        "statuses": Counter(status for _, status, _ in lines),
        "broken": {} if said else {"h2load did not end": 1},
    }
