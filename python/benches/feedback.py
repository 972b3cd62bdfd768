"""A million labels: how fast they are taken, and that what comes of them is what scikit-learn says.

    feedback.py SERVOIR [--labels 1000000] [--database postgres://…]
"""

import argparse
import http.client
import json
import os
import pathlib
import subprocess
import tempfile
import time

import numpy
import xgboost
from sklearn import metrics
from sklearn.datasets import make_classification

KEY = "a-key-of-the-benchmark-0123456789"
PORT = 18089
REQUEST_ROWS = 2000
BATCH = 10_000
REGISTRY = "/api/v1/model-registry/models"


class Server:
    """A server of its own in a temporary folder."""

    def __init__(self, binary, folder, database):
        environment = dict(os.environ, SERVOIR_AUTH__BOOTSTRAP_KEY=KEY)
        command = [binary, "serve", "--listen", f"127.0.0.1:{PORT}", "--data-dir", str(folder), "--profile-seconds", "0"]
        if database:
            command += ["--database-url", database]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        self.connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=300)
        for _ in range(600):
            try:
                if self.raw("GET", "/readyz")[0] == 200:
                    return
            except OSError:
                self.connection.close()
            time.sleep(0.1)
        raise SystemExit("the server did not become ready")

    def raw(self, method, path, body=None, media="application/json"):
        headers = {"x-api-key": KEY, "content-type": media}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def call(self, method, path, body=None, **how):
        encoded = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        status, text = self.raw(method, path, encoded, **how)
        if status >= 300:
            raise SystemExit(f"{method} {path}: {status} {text[:500]}")
        return json.loads(text)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def deployed(server, data, target):
    """A model that is live; its id."""
    booster = xgboost.XGBClassifier(n_estimators=50, max_depth=4, n_jobs=1).fit(data, target).get_booster()
    artifact = bytes(booster.save_raw("json"))
    model = server.call("POST", REGISTRY, {"name": "churn", "framework": "xgboost"})["id"]
    head = b'--b\r\ncontent-disposition: form-data; name="artifact"; filename="model.json"\r\n\r\n'
    form = head + artifact + b"\r\n--b--\r\n"
    server.call("POST", f"{REGISTRY}/{model}/versions", form, media="multipart/form-data; boundary=b")
    server.call("POST", f"{REGISTRY}/{model}/deploy", {})
    return model


def predicted(server, model, data):
    """Ids, labels and scores of the second class."""
    ids, labels, scores = [], [], []
    for start in range(0, len(data), REQUEST_ROWS):
        answer = server.call("POST", f"/v1/predict/{model}", {"instances": data[start : start + REQUEST_ROWS].tolist()})
        ids += answer["predictionIds"]
        labels += answer["predictions"]
        scores += [row[1] for row in answer["probabilities"]]
    return ids, labels, scores


def send(server, model, actuals):
    """Sends labels in batches; sums of what became of them, and the seconds of each batch."""
    sums, words, seconds = {"recorded": 0, "replaced": 0}, {}, []
    for start in range(0, len(actuals), BATCH):
        began = time.perf_counter()
        answer = server.call("POST", f"{REGISTRY}/{model}/actuals", {"actuals": actuals[start : start + BATCH]})
        seconds.append(time.perf_counter() - began)
        for name in sums:
            sums[name] += answer[name]
        for one in answer["rejected"]:
            word = one["reason"].split(":")[0]
            words[word] = words.get(word, 0) + 1
    return sums | words, seconds


def same(name, found, expected):
    if abs(found - expected) > 1e-9:
        raise SystemExit(f"{name}: {found} is not scikit-learn's {expected}")
    print(f"  {name} {found:.9f} as scikit-learn has it")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("servoir", type=pathlib.Path)
    options.add_argument("--labels", type=int, default=1_000_000)
    options.add_argument("--database")
    options = options.parse_args()
    random = numpy.random.default_rng(1)
    train, target = make_classification(4000, 10, n_informative=6, random_state=1)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(options.servoir, folder, options.database)
        try:
            model = deployed(server, train, target)
            data = train[random.integers(0, len(train), options.labels)]
            data = (data + random.normal(0, 0.5, data.shape)).astype(numpy.float32).round(3)
            began = time.perf_counter()
            ids, labels, scores = predicted(server, model, data)
            print(f"{len(ids):,} predictions in {time.perf_counter() - began:.1f} s")
            truth = (random.random(len(ids)) < numpy.array(scores)).astype(int)
            actuals = [{"predictionId": id, "actual": int(actual)} for id, actual in zip(ids, truth)]
            sums, seconds = send(server, model, actuals)
            print(f"joined: {sums}; a batch of {BATCH:,} took {numpy.median(seconds) * 1000:.0f} ms, at most {max(seconds) * 1000:.0f} ms")
            assert sums == {"recorded": len(ids), "replaced": 0}, sums
            # Every tenth again with the other label, an id that was changed, and the same one twice in a batch.
            again = [dict(actual, actual=1 - actual["actual"]) for actual in actuals[::10]]
            forged = [dict(actual, predictionId=actual["predictionId"][:-1] + "-") for actual in actuals[1::100]]
            known = set(ids)
            forged = [one for one in forged if one["predictionId"] not in known]
            sums, _ = send(server, model, again + forged + [actuals[1], actuals[1]])
            print(f"again, forged and repeated: {sums}")
            assert sums == {"recorded": 0, "replaced": len(again) + 1, "unknown": len(forged), "repeated": 1}, sums
            truth[::10] = 1 - truth[::10]
            began = time.perf_counter()
            live = server.call("GET", f"{REGISTRY}/{model}/drift?window=7d")["performance"]["live"]
            print(f"performance of {len(ids):,} labels in {time.perf_counter() - began:.1f} s")
            same("accuracy", live["accuracy"], metrics.accuracy_score(truth, labels))
            same("F1, macro", live["f1Macro"], metrics.f1_score(truth, labels, average="macro"))
            same("area under the curve", live["rocAuc"], metrics.roc_auc_score(truth, scores))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
