"""Starts other model servers and Servoir one after the other, loads each in the same way, and prints one table.

usage: python benches/rivals.py --load PROGRAM --servoir PROGRAM --onnxruntime LIBRARY --models FOLDER
       python benches/rivals.py --load PROGRAM --url http://HOST:8000 [--model churn] [--pid PID | --metrics URL]

Every server gets the same churn model (see models.py) and one row a request. With --url a v2 server that somebody else has
started, Triton for one, comes into the table beside the others, or alone where no --servoir is given. `cargo xtask
bench rivals` gives the programs.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import grpc_load
from servers import SERVERS, Running

CONNECTIONS = (1, 16, 64, 256)
SECONDS = 4.0
ROUNDS = 3
COLUMNS = ("requests/s", "× Servoir", "p50 ms", "p99 ms", "CPU µs", "× Servoir", "MB")


@dataclass
class Row:
    """What one server did at one number of connections."""

    server: str
    connections: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    megabytes: float


def load(given, server: Running, connections: int) -> Row:
    """One run of the load generator, or of h2load for gRPC, as a row."""
    if server.grpc:
        seen = grpc_load.run(server.grpc, connections, given.seconds)
    else:
        command = [given.load, "--connections", connections, "--seconds", given.seconds, *server.load_arguments]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{server.name}: {done.stderr.strip()}")
        seen = json.loads(done.stdout)
    if set(seen["statuses"]) != {"200"} or seen["broken"]:
        print(f"  {server.name}: statuses {seen['statuses']}, broken {seen['broken']}", flush=True)
    return Row(
        server.name,
        connections,
        seen["requestsPerSecond"],
        seen["p50Us"] / 1e3,
        seen["p99Us"] / 1e3,
        seen["serverCpuUsPerRequest"],
        seen["residentMb"],
    )


def measured(given, server: Running) -> list:
    """A row for each number of connections: the run with the median throughput."""
    rows = []
    for connections in CONNECTIONS:
        runs = [load(given, server, connections) for _ in range(given.rounds)]
        rows.append(sorted(runs, key=lambda row: row.per_second)[len(runs) // 2])
    return rows


def table(rows: list) -> None:
    servoir = {row.connections: row for row in rows if row.server == "servoir"}
    for connections in CONNECTIONS:
        print(f"\n{connections} connections, one row a request\n")
        print(f"| server | {' | '.join(COLUMNS)} |\n|---|{'---:|' * len(COLUMNS)}")
        for row in (row for row in rows if row.connections == connections):
            ours = servoir.get(connections)
            speed, cost = ("–", "–")
            if ours:
                speed = f"{row.per_second / ours.per_second:.2f}"
                cost = f"{row.cpu_us / ours.cpu_us:.2f}" if row.cpu_us else "–"
            cells = (
                f"{row.per_second:,.0f}",
                speed,
                f"{row.p50_ms:.2f}",
                f"{row.p99_ms:.2f}",
                f"{row.cpu_us:.1f}",
                cost,
                f"{row.megabytes:.0f}",
            )
            print(f"| {row.server} | {' | '.join(cells)} |")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--load", type=Path, required=True, help="the load generator, target/release/load")
    parser.add_argument("--servoir", type=Path, help="the binary; without it only --url is measured")
    parser.add_argument("--onnxruntime", type=Path, help="ONNX Runtime's shared library, for Servoir")
    parser.add_argument("--models", type=Path, help="what models.py made")
    parser.add_argument("--only", nargs="*", default=list(SERVERS), choices=SERVERS, help="some of the servers")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long one run is counted")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="runs, of which the middle one is shown")
    parser.add_argument("--url", help="a v2 server that runs already")
    parser.add_argument("--grpc-url", help="the same server's gRPC, http://HOST:8001; needs --pid")
    parser.add_argument("--model", default="churn", help="the model of that server")
    parser.add_argument("--pid", help="its process, when it is on this machine")
    parser.add_argument("--metrics", help="where it publishes process_cpu_seconds_total, when it is not")
    return parser.parse_args()


def main() -> None:
    given, rows = arguments(), []
    # Whoever ends this ends the server that it started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    names = list(given.only) if given.servoir else []
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            print(f"starting {name}", flush=True)
            with SERVERS[name](given, Path(scratch) / name) as server:
                for form in server.forms:
                    rows += measured(given, form)
    if given.url:
        for form in ("json", "binary"):
            words = ["--url", given.url, "--model", given.model, "--form", form]
            words += ["--pid", given.pid] if given.pid else []
            words += ["--metrics", given.metrics] if given.metrics else []
            rows += measured(given, Running(f"{given.url}, {form}", words))
    if given.grpc_url:
        grpc = grpc_load.Target(given.grpc_url, int(given.pid), model=given.model)
        rows += measured(given, Running(f"{given.grpc_url}, gRPC", [], grpc))
    table(rows)


if __name__ == "__main__":
    main()
