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
# An error of gRPC has no message and the status 200 of HTTP: what is left of the bytes that answers should have. The same request
# is sent each time, and its answer is as long as the first. With more errors than this there are no latencies.
ANSWERS_SHARE_MIN = 0.98
WARM_UP_SECONDS = 2
# How much longer than asked h2load may take.
GRACE_SECONDS = 10
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


def h2load(command: list, seconds: float, watch=lambda: None) -> tuple:
    """What it said, and what `watch` found when it had run for so long.

    After a run with many connections it has been seen to go on for ever on some of them (1.52): it is ended, and has said nothing.
    As some connections may have had more than their share before, such a run is taken where there is no other.
    """
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError as error:
        raise Failed("gRPC is loaded with h2load, which was not found (on Debian: apt-get install nghttp2-client)") from error
    with process:
        try:
            try:
                said, _ = process.communicate(timeout=seconds)
                found = watch()
            except subprocess.TimeoutExpired:
                found = watch()
                said, _ = process.communicate(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return "", found
        finally:
            process.kill()
    if process.returncode != 0:
        raise Failed(f"h2load ended with status {process.returncode}: {said.strip()}")
    return said, found


def told(said: str) -> str:
    """Of what it said, how it went."""
    lines = [line for line in said.splitlines() if line.startswith(("requests:", "status codes:"))]
    return "; ".join(lines) or "nothing"


def data_bytes(said: str) -> int:
    """The bytes of messages that it received."""
    found = re.search(r"\((\d+)\) data", said)
    return int(found[1]) if found else 0


def run(target: Target, connections: int, seconds: float, rows: int) -> dict:
    """One closed loop, one stream a connection, in the words of the load generator."""
    with tempfile.TemporaryDirectory() as scratch:
        request, log = Path(scratch) / "request", Path(scratch) / "log"
        request.write_bytes(body(target.model, target.features, rows))
        command = ["h2load", "--max-concurrent-streams=1", f"--data={request}"]
        for header in ("content-type: application/grpc", "te: trailers", *target.headers):
            command += ["--header", header]
        url = target.url + METHOD
        alone, _ = h2load([*command, "--clients=1", "--requests=1", url], WARM_UP_SECONDS)
        if " 1 2xx" not in alone:
            raise Failed(f"{url} did not answer with status 200; h2load says: {told(alone)}")
        if not (answer_bytes := data_bytes(alone)):
            asked = f"is there a model {target.model!r} with an input 'input' of {target.features} numbers a row?"
            raise Failed(f"{url} answered with an error of gRPC, whose words h2load does not show; {asked}")
        command.append(f"--clients={connections}")
        h2load([*command, f"--duration={WARM_UP_SECONDS}", url], WARM_UP_SECONDS)
        whole_seconds = max(1, round(seconds))
        timed = [*command, f"--duration={whole_seconds}", f"--log-file={log}", url]
        before = cpu_seconds(target.pid)
        said, after = h2load(timed, whole_seconds, lambda: cpu_seconds(target.pid))
        micros, others = logged(log.read_text(), whole_seconds)
    if not micros:
        raise Failed(f"{url} answered nothing with status 200 in {whole_seconds} s; h2load says: {told(said)}")
    # What did not end did not say how many bytes it received.
    errors = len(micros) - min(round(data_bytes(said) / answer_bytes), len(micros)) if said else 0
    answers = len(micros) - errors
    # Its log does not tell answers from errors, which come sooner.
    used = micros if len(micros) > 1 and answers >= ANSWERS_SHARE_MIN * len(micros) else []
    cuts = statistics.quantiles(used, n=100) if used else [math.nan] * 99
    trouble = {"errors of gRPC": errors, "h2load did not end, and errors of gRPC were not counted": int(not said)}
    return {
        "requestsPerSecond": answers / whole_seconds,
        "p50Us": cuts[49],
        "p99Us": cuts[98],
        "serverCpuUsPerRequest": (after - before) * 1e6 / answers if answers else math.nan,
        "residentMb": resident_megabytes(target.pid),
        "statuses": {"200": answers, **others},
        "isWhole": bool(said),
        "broken": {why: count for why, count in trouble.items() if count},
    }


def logged(log: str, seconds: float) -> tuple:
    """How many microseconds each request with status 200 took, and the other statuses by number, of what was answered in time."""
    # A line: when it was sent, the status, how long it took, in microseconds. The last may be cut short.
    lines = [line.split("\t") for line in log.split("\n")[:-1]]
    until = min((int(sent) for sent, _, _ in lines), default=0) + seconds * 1e6
    in_time = [(status, int(took)) for sent, status, took in lines if int(sent) + int(took) <= until]
    micros = [took for status, took in in_time if status == "200"]
    return micros, Counter(status for status, _ in in_time if status != "200")
