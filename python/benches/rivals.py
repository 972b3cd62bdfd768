"""Starts other model servers and Servoir one after the other, loads each in the same way, and prints one table for each number of
connections.

usage: python benches/rivals.py --load PROGRAM --servoir PROGRAM --onnxruntime LIBRARY --models FOLDER
       python benches/rivals.py --load PROGRAM --url http://HOST:8000 [--model churn] [--pid PID | --metrics URL]

Every server gets the same churn model (see models.py) and requests of as many rows. With --url a v2 server that somebody else
has started, Triton for one, comes into the table beside the others, or alone where no --servoir is given. `cargo xtask
bench rivals` gives the programs. A server that cannot be measured is told at the end, with what it printed last; the table of the
others is printed all the same, and the exit status is 1.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc_load
import side_by_side
from server_process import NotMeasured, Running
from servers import SERVERS

CONNECTIONS = (1, 16, 64, 256)
SECONDS = 4.0
ROUNDS = 3


class Measurements:
    """The rows of the tables so far, and why some are missing."""

    def __init__(self, given):
        self.given, self.rows, self.failures = given, [], []

    def start(self, name: str, scratch: Path) -> None:
        """Starts a server of ours or from pip, and measures every form of asking it."""
        print(f"starting {name}", flush=True)
        try:
            with SERVERS[name](self.given, scratch) as server:
                failures = len(self.failures)
                for form in server.forms:
                    self.measure(form)
                if len(self.failures) > failures:
                    self.failures.append(f"{name}: {server.how_it_is()}")
        except NotMeasured as failure:
            self.failed(name, failure)

    def measure(self, form: Running) -> None:
        """A row for each number of connections: the run with the median throughput."""
        for connections in self.given.connections:
            try:
                runs = [self.load(form, connections) for _ in range(self.given.rounds)]
            except NotMeasured as failure:
                return self.failed(f"{form.name}, at {connections}", failure)
            whole = [run for run in runs if run.is_whole] or runs
            self.rows.append(sorted(whole, key=lambda row: row.per_second)[len(whole) // 2])

    def load(self, form: Running, connections: int) -> side_by_side.Row:
        """One run of the load generator, or of h2load for gRPC, as a row."""
        given = self.given
        if form.grpc:
            try:
                seen = grpc_load.run(form.grpc, connections, given.seconds, given.rows)
            except grpc_load.Failed as failure:
                raise NotMeasured(str(failure)) from failure
        else:
            command = [given.load, "--connections", connections, "--seconds", given.seconds, "--rows", given.rows]
            words = [str(word) for word in (*command, *form.load_arguments)]
            # What went wrong is said in a line; where it was is nobody's business here.
            environment = os.environ | {"RUST_BACKTRACE": "0"}
            done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise NotMeasured(done.stderr.strip() or f"the load generator ended with status {done.returncode}")
            seen = json.loads(done.stdout)
        return side_by_side.Row.of(form.name, connections, seen)

    def failed(self, what: str, why) -> None:
        print(f"  {what}: failed, see the end", flush=True)
        self.failures.append(f"{what}: {why}")


def of_others(given) -> list:
    """The forms of asking a server that somebody else has started."""
    forms = []
    if given.url:
        words = ["--url", given.url, "--model", given.model]
        words += ["--pid", given.pid] if given.pid else []
        words += ["--metrics", given.metrics] if given.metrics else []
        forms += [Running(f"{given.url}, {form}", [*words, "--form", form]) for form in ("json", "binary")]
    if given.grpc_url:
        grpc = grpc_load.Target(given.grpc_url, given.pid, model=given.model)
        forms.append(Running(f"{given.grpc_url}, gRPC", [], grpc))
    return forms


def at_least_one(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1 is expected")
    return number


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    count = {"type": at_least_one, "metavar": "N"}
    given = parser.add_argument_group("what `cargo xtask bench rivals` gives")
    given.add_argument("--load", type=Path, required=True, help="the load generator, target/release/load")
    given.add_argument("--servoir", type=Path, help="the binary; without it only --url and --grpc-url are measured")
    given.add_argument("--onnxruntime", type=Path, help="ONNX Runtime's shared library, for Servoir")
    given.add_argument("--models", type=Path, help="what models.py made")
    load = parser.add_argument_group("the load")
    load.add_argument("--rows", **count, default=1, help="rows in a request (1)")
    load.add_argument("--connections", **count, nargs="+", default=CONNECTIONS, help=f"a table for each of them {CONNECTIONS}")
    load.add_argument(
        "--seconds", type=float, default=SECONDS, help=f"how long one run is counted ({SECONDS}); of gRPC, whole seconds"
    )
    load.add_argument("--rounds", **count, default=ROUNDS, help=f"runs of a line, of which the middle one is shown ({ROUNDS})")
    who = parser.add_argument_group("who is measured")
    names = f"some of the servers, and none when none is named (all: {', '.join(SERVERS)})"
    who.add_argument("--only", nargs="*", default=list(SERVERS), choices=SERVERS, metavar="SERVER", help=names)
    who.add_argument("--url", help="a v2 server that runs already, http://HOST:8000: JSON and binary form")
    who.add_argument("--grpc-url", help="a v2 server's gRPC, http://HOST:8001, with a model that takes churn's rows")
    who.add_argument("--model", default="churn", help="the model of that server (churn)")
    who.add_argument(
        "--pid", type=at_least_one, help="its process, when it is on this machine: its processor time and memory"
    )
    who.add_argument("--metrics", help="where it publishes process_cpu_seconds_total, when it is not; not for gRPC")
    chosen = parser.parse_args()
    if chosen.servoir and not (chosen.onnxruntime and chosen.models):
        parser.error("--servoir needs --onnxruntime and --models")
    if not chosen.servoir and not (chosen.url or chosen.grpc_url):
        parser.error("there is nothing to measure: give --servoir, --url or --grpc-url")
    if chosen.pid and chosen.metrics:
        parser.error("give --pid or --metrics, not both")
    return chosen


def main() -> None:
    given = arguments()
    # Whoever ends this ends the server that it started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    measurements = Measurements(given)
    with tempfile.TemporaryDirectory() as scratch:
        for name in given.only if given.servoir else []:
            measurements.start(name, Path(scratch) / name)
    for form in of_others(given):
        print(f"asking {form.name}", flush=True)
        measurements.measure(form)
    side_by_side.show(measurements.rows, given.rows)
    if measurements.failures:
        raise SystemExit("\nNot everything was measured:\n\n" + "\n\n".join(measurements.failures))


if __name__ == "__main__":
    main()
