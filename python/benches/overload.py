"""What is left of a server that is asked for four times what it can do; prints it beside its peak.

usage: python overload.py SERVOIR LOAD ONNXRUNTIME MODEL [--seconds N] [--target-ms N]

SERVOIR and LOAD are built programs, ONNXRUNTIME the library, MODEL a file whose runs take a millisecond or more, so that the
load, on the same cores, needs little beside it. First the peak in a closed loop; then an open loop at four times that, with
a latency target; then at half the peak, from the first moment after it. Latencies are of answers alone, from the moment at which
the request was due.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from own_server import OwnServer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("servoir", "load", "onnxruntime", "model"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--target-ms", type=float, default=100.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = OwnServer(options.servoir, options.onnxruntime, Path(folder))

        def load(connections: int, seconds: float, *more: str) -> dict:
            command = [options.load, "--url", server.url, "--model", "asked", "--form", "binary", "-c", str(connections)]
            command += ["--seconds", str(seconds), "--pid", str(server.process.pid), *more]
            return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

        try:
            push = [options.servoir, "push", options.model, "--name", "asked", "--deploy", "--wait", "--url", server.url]
            subprocess.run(push, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            peak = load(16, 10)
            server.call("POST", "/api/v1/model-registry/models/asked/deploy", {"latencyTargetMs": options.target_ms})
            load(16, 2)
            answered = peak["statuses"]["200"] / 10
            asked = 4 * answered
            over = load(256, options.seconds, "--rate", str(asked), "--warm-up-seconds", "0")
            after = load(16, 1, "--rate", str(answered / 2), "--warm-up-seconds", "0")
        finally:
            server.stop()
    good = over["statuses"].get("200", 0) / options.seconds
    print(f"peak, closed loop: {answered:.0f} answers a second, p99 {peak['p99Us'] / 1e3:.1f} ms, {peak['residentMb']:.0f} MB")
    print(f"asked {asked:.0f} a second for {options.seconds:.0f} s, within {options.target_ms:.0f} ms: {over['statuses']}")
    print(f"  answers {good:.0f} a second: {good / answered:.3f} of the peak; p99 {over['p99Us'] / 1e3:.1f} ms, {over['residentMb']:.0f} MB")
    print(f"the second after it, at half the peak: {after['statuses']}, p99 {after['p99Us'] / 1e3:.1f} ms, {after['residentMb']:.0f} MB")


if __name__ == "__main__":
    main()
