"""What is left of a server that is asked for four times what it can do; prints it beside its peak.

usage: python overload.py SERVOIR LOAD ONNXRUNTIME MODEL... [--seconds N] [--target-ms N] [--apart]

SERVOIR and LOAD are built programs, ONNXRUNTIME the library, each MODEL a file whose runs take a millisecond or more, so that
the load, on the same cores, needs little beside it. Of each in turn: first the peak in a closed loop; then an open loop at four
times that, with a latency target; then at half the peak, from the first moment after it. Latencies are of answers alone, from the
moment at which the request was due. With `--apart` the server has the first half of the processors and the load the second, so
that four times the work of asking does not come out of what the server has.
"""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

from own_server import OwnServer


def measure(options: argparse.Namespace, server: OwnServer, model: Path) -> None:
    name = model.parent.name

    def load(connections: int, seconds: float, *more: str) -> dict:
        command = [*options.loading, options.load, "--url", server.url, "--model", name, "--form", "binary", "-c", str(connections)]
        command += ["--seconds", str(seconds), "--pid", str(server.process.pid), *more]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    push = [options.servoir, "push", model, "--name", name, "--deploy", "--wait", "--url", server.url]
    subprocess.run(push, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server.call("POST", f"/api/v1/model-registry/models/{name}/deploy", {"latencyTargetMs": options.target_ms})
    load(16, 2)
    peak = load(16, 10)
    answered = peak["statuses"]["200"] / 10
    asked = 4 * answered
    over = load(256, options.seconds, "--rate", str(asked), "--warm-up-seconds", "0")
    after = load(16, 1, "--rate", str(answered / 2), "--warm-up-seconds", "0")
    server.call("POST", f"/api/v1/model-registry/models/{name}/undeploy", {})
    good = over["statuses"].get("200", 0) / options.seconds
    milliseconds = lambda measured: f"p99 {measured['p99Us'] / 1e3:.1f} ms, {measured['residentMb']:.0f} MB"
    print(f"{name}: peak, closed loop: {answered:.0f} answers a second, {milliseconds(peak)}")
    print(f"  asked {asked:.0f} a second for {options.seconds:.0f} s, within {options.target_ms:.0f} ms: {over['statuses']}")
    print(f"    answers {good:.0f} a second: {good / answered:.3f} of the peak; {milliseconds(over)}")
    print(f"  the second after it, at half the peak: {after['statuses']}, {milliseconds(after)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("servoir", "load", "onnxruntime"):
        parser.add_argument(name, type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--target-ms", type=float, default=100.0)
    parser.add_argument("--apart", action="store_true")
    options = parser.parse_args()
    processors = sorted(os.sched_getaffinity(0))
    half = len(processors) // 2
    on = lambda some: ("taskset", "--cpu-list", ",".join(map(str, some)))
    serving, options.loading = (on(processors[:half]), on(processors[half:])) if options.apart else ((), ())
    with tempfile.TemporaryDirectory() as folder:
        server = OwnServer(options.servoir, options.onnxruntime, Path(folder), under=serving)
        try:
            for model in options.models:
                measure(options, server, model)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
