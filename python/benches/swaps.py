"""What swaps cost those who are served: thousands over three engines, bad versions among them, and the load of a large model.

usage: python swaps.py SERVOIR LOAD ONNXRUNTIME [--swaps N] [--rounds N] [--rate R]

SERVOIR and LOAD are built programs, ONNXRUNTIME the library. First three models, one on each engine, are swapped in turn between
two versions while clients ask without pause: every answer must be right, by the version that it names. Each hundredth time a
version that cannot go live is tried in between: one whose file is damaged, one that no engine knows, one that would break who
calls, one that answers otherwise than what is live; each must be refused. Then a small model is asked at a fixed rate, in turn
with nothing beside it and while models of 100 MB are put live for the first time.
"""

import argparse
import collections
import http.client
import itertools
import json
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.error
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from own_server import OwnServer
from sklearn.datasets import make_classification
from xgboost import XGBClassifier

COLUMNS = 8
REGISTRY = "/api/v1/model-registry/models"
BAD_EVERY = 100
LARGE_SIDE = 5_000


def network(add: float, columns: int = COLUMNS, operator: str = "Add") -> bytes:
    """The sum of a row, and `add`."""
    weights = [numpy_helper.from_array(np.ones((columns, 1), np.float32), "w"), numpy_helper.from_array(np.float32([add]), "b")]
    nodes = [helper.make_node("MatMul", ["input", "w"], ["sum"]), helper.make_node(operator, ["sum", "b"], ["output"])]
    rows = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])
    graph = helper.make_graph(nodes, "sum", [rows("input", columns)], [rows("output", 1)], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def large(seed: int) -> bytes:
    """100 MB of weights behind eight columns."""
    random = np.random.default_rng(seed)
    shapes = ((COLUMNS, LARGE_SIDE), (LARGE_SIDE, LARGE_SIDE), (LARGE_SIDE, 1))
    weights = [numpy_helper.from_array(random.standard_normal(shape, np.float32), f"w{at}") for at, shape in enumerate(shapes)]
    steps = ["input", "a", "b", "output"]
    nodes = [helper.make_node("MatMul", [steps[at], f"w{at}"], [steps[at + 1]]) for at in range(3)]
    rows = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])
    graph = helper.make_graph(nodes, "large", [rows("input", COLUMNS)], [rows("output", 1)], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def forests(folder: Path) -> list:
    """Two of xgboost's forests, and what each says of a row of ones."""
    table, truth = make_classification(2_000, COLUMNS, random_state=17)
    found = []
    for depth in (3, 4):
        model = XGBClassifier(n_estimators=30, max_depth=depth, random_state=17).fit(table.astype(np.float32), truth)
        model.save_model(folder / f"{depth}.json")
        found.append(((folder / f"{depth}.json").read_bytes(), model.predict_proba(np.ones((1, COLUMNS), np.float32))[0, 1]))
    return found


class Swapped:
    """A model of two versions and who asks it."""

    def __init__(self, server: OwnServer, name: str, engine: str, versions: list):
        self.server, self.name, self.engine = server, name, engine
        self.wanted = {}
        for file, answer in versions:
            self.wanted[self.upload(file)] = answer
        self.deploy(1)

    def upload(self, file: bytes) -> int:
        path = Path(self.server.folder) / f"{self.name}.model"
        path.write_bytes(file)
        push = [self.server.program, "push", path, "--name", self.name, "--url", self.server.url, "--output", "json"]
        done = subprocess.run(push, check=True, capture_output=True, text=True)
        return json.loads(done.stdout)["version"]

    def deploy(self, version: int, **more: object) -> None:
        body = {"version": version, "tuning": {"engine": self.engine, "instances": 1, "threads": 1}, **more}
        self.server.call("POST", f"{REGISTRY}/{self.name}/deploy", body)

    def refuse(self, version: int) -> str:
        """Asks for a version that cannot go live; the code that it was refused with."""
        try:
            self.deploy(version)
        except urllib.error.HTTPError as refused:
            return json.loads(refused.read())["code"]
        raise SystemExit(f"{self.name}: version {version} went live")

    def ask(self, over: threading.Event, seen: collections.Counter) -> None:
        host = self.server.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host)
        body = json.dumps({"instances": [[1.0] * COLUMNS]})
        while not over.is_set():
            connection.request("POST", f"/v1/predict/{self.name}", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            came = json.loads(answer.read())
            if answer.status != 200:
                seen[f"{answer.status}: {came}"] += 1
                continue
            number = np.ravel(came.get("probabilities", came["predictions"]))[-1]
            right = abs(number - self.wanted[came["version"]]) < 1e-4
            seen["right" if right else f"{number} by version {came['version']} of {self.name}"] += 1


def resources(pid: int) -> dict:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {
        "MB": int(status["VmRSS"].split()[0]) / 1024,
        "threads": int(status["Threads"]),
        "descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir())),
    }


def swap(server: OwnServer, options: argparse.Namespace, folder: Path) -> None:
    sums = [(network(add), COLUMNS + add) for add in (0.0, 1e-3)]
    models = [
        Swapped(server, "trees", "trees", forests(folder)),
        Swapped(server, "ort", "onnxruntime", sums),
        Swapped(server, "tract", "tract", sums),
    ]
    bad = {}
    for model in models[1:]:
        unknown = network(0.0, operator="NoSuchOperator")
        bad[model.name] = [model.upload(file) for file in (unknown, network(0.0, COLUMNS + 1), network(float("nan")))]
    over, seen, refused = threading.Event(), collections.Counter(), collections.Counter()
    asking = [threading.Thread(target=model.ask, args=(over, seen)) for model in models]
    for thread in asking:
        thread.start()
    began, rows = time.monotonic(), []
    for number, model in zip(range(options.swaps), itertools.cycle(models)):
        # The batch size differs from the last three deployments', so that none is answered by one that is still warm.
        model.deploy(1 + number // 3 % 2, batching={"maxBatchSize": 16 + number // 3 % 5})
        if number % BAD_EVERY == BAD_EVERY - 1:
            victim = models[1 + number // BAD_EVERY % 2]
            versions = bad[victim.name]
            refused[victim.refuse(versions[number // BAD_EVERY // 2 % len(versions)])] += 1
        if number % (options.swaps // 10) == options.swaps // 10 - 1:
            rows.append(resources(server.process.pid))
    elapsed = time.monotonic() - began
    over.set()
    for thread in asking:
        thread.join()
    print(f"{options.swaps} swaps over trees, ONNX Runtime and tract in {elapsed:.0f} s, {sum(refused.values())} refused: {dict(refused)}")
    print(f"  answers: {dict(seen.most_common(10))}")
    for name in ("MB", "threads", "descriptors"):
        print(f"  {name:12}" + "".join(f"{row[name]:8.0f}" for row in rows))
    if set(seen) != {"right"}:
        raise SystemExit("answers were wrong or missing")


def beside_loads(server: OwnServer, options: argparse.Namespace) -> None:
    model = Swapped(server, "large", "onnxruntime", [(network(0.0), 0.0)])

    def load() -> dict:
        command = [options.load, "--url", server.url, "--model", "trees", "-c", "4", "--rate", str(options.rate), "--seconds", "4"]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    quiet, busy, times = [], [], []
    for round in range(options.rounds):
        versions = [model.upload(large(10 * round + at)) for at in range(3)]
        quiet.append(load())

        def put_live() -> None:
            for version in versions:
                began = time.monotonic()
                model.deploy(version, force=True)
                times.append(time.monotonic() - began)

        beside = threading.Thread(target=put_live)
        beside.start()
        busy.append(load())
        beside.join()
    print(f"predictions at {options.rate:.0f} a second, beside nothing and beside loads of 100 MB ({statistics.median(times):.1f} s each):")
    for name in ("p50Us", "p99Us", "p999Us"):
        pairs = [after[name] / before[name] for before, after in zip(quiet, busy)]
        pair = [statistics.median(round[name] for round in rounds) for rounds in (quiet, busy)]
        print(f"  {name:7} {pair[0]:9.0f} {pair[1]:9.0f}   x {statistics.median(pairs):.2f} ({min(pairs):.2f} to {max(pairs):.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("servoir", "load", "onnxruntime"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--swaps", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=500.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = OwnServer(options.servoir, options.onnxruntime, Path(folder), {"SERVOIR_SWAP__REQUESTS_MAX": "20"})
        try:
            swap(server, options, Path(folder))
            beside_loads(server, options)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
