"""A worker that does what the first row of its dataset says, in place of training: `steady`, `hang`, `crash`, …

It speaks the protocol of `servoir studio-worker`: a job as a line of JSON on standard input, lines of JSON on standard
output, files in the job's output folder, `outcome.json` last. Words after the first are settings, `name=value`.
"""

import csv
import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

PHASES = ["data_validation", "preprocessing", "algorithm_search", "evaluation", "artifact_upload"]
PR_SET_PDEATHSIG = 1


def say(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def event(kind, **fields):
    say({"event": {"type": kind, **fields}})


def progress(phase, percent):
    event("progress", phase=phase, progress=percent, message=phase, eta_seconds=None)


def metrics(epoch, total):
    event("metrics", epoch=epoch, total_epochs=total, metrics={"train_loss": 1 / epoch, "validation_loss": 2 / epoch})


LEADERBOARD = []


def candidate(name, algorithm, score):
    row = {"name": name, "algorithm": algorithm, "hyperparameters": {}, "score": score, "metrics": {},
           "training_seconds": 0.1, "prediction_micros_per_row": 1.0, "rounds": 10}
    LEADERBOARD.insert(0, row)
    say({"candidate": row})


def finish(job, settings):
    output = pathlib.Path(job["output"])
    shutil.copy(settings["model"], output / "model.onnx")
    (output / "model.ubj").write_bytes(b"trees of " + settings["model"].encode())
    for split in ["train", "validation", "test"]:
        (output / f"evaluation-{split}.json").write_text(json.dumps({"split": split}))
    (output / "importance.json").write_text("[]")
    (output / "baseline.json").write_text("{}")
    outcome = {"algorithm": "gradient_boosting", "model": "model.onnx", "hyperparameters": {"max_depth": 6}, "metrics": {"auc": 0.9},
               "leaderboard": LEADERBOARD, "features": ["behaviour"], "classes": ["0", "1"],
               "rows": {"train": 7, "validation": 1, "test": 2}, "stage_seconds": {"preprocessing": 0.1},
               "search_cut_short": False}
    (output / "outcome.part").write_text(json.dumps(outcome))
    os.rename(output / "outcome.part", output / "outcome.json")


def end_when_told():
    for line in sys.stdin:
        if line.strip() == "cancel":
            event("cancelled")
            os._exit(3)


def main():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    assert sys.argv[1:] == ["studio-worker"], sys.argv
    job = json.loads(sys.stdin.readline())
    with open(job["dataset"], newline="") as file:
        words = next(iter(csv.DictReader(file)))["behaviour"].split()
    behaviour, settings = words[0], dict(word.split("=", 1) for word in words[1:])
    rounds, delay = int(settings.get("rounds", 10)), float(settings.get("delay", 0))
    event("log", level="info", message=f"pid {os.getpid()}")
    if behaviour != "deaf":
        threading.Thread(target=end_when_told, daemon=True).start()
    for index, phase in enumerate(PHASES):
        progress(phase, 10 * index)
        if settings.get("stop_at") == phase:
            (pathlib.Path(job["output"]) / "model.onnx").write_bytes(b"half")
            child = subprocess.Popen(["sleep", "600"], stdout=sys.stdout)
            event("log", level="warning", message=f"stopped with {child.pid}")
            time.sleep(600)
        if phase != "algorithm_search":
            continue
        candidate("baseline", None, 0.7)
        if behaviour == "flood":
            line = json.dumps({"event": {"type": "metrics", "epoch": 1, "total_epochs": rounds, "metrics": {"a": 1.0}}})
            for epoch in range(1, rounds + 1):
                sys.stdout.write(line.replace('"epoch": 1', f'"epoch": {epoch}') + "\n")
            sys.stdout.flush()
        elif behaviour == "garbage":
            sys.stdout.buffer.write(b"\x00\xff\xfe not json\n{}\n[1, 2\n" + b"x" * 1_000_000 + b"\n\n")
            sys.stdout.flush()
        elif behaviour == "failed":
            event("failed", code="one-class-only", message="the target has one class only")
            sys.exit(1)
        elif behaviour == "crash":
            sys.stderr.write("thread 'main' panicked at src/lost.rs\nindex out of bounds\n")
            sys.stderr.flush()
            os._exit(101)
        elif behaviour == "memory":
            sys.stderr.write("memory allocation of 8589934592 bytes failed\n")
            sys.stderr.flush()
            os.abort()
        elif behaviour == "nothing":
            sys.exit(0)
        else:
            for epoch in range(1, rounds + 1):
                metrics(epoch, rounds)
                if "wide" in settings:
                    event("log", level="debug", message="x" * int(settings["wide"]))
                time.sleep(delay)
        candidate("gradient_boosting-1", "gradient_boosting", 0.3)
    if behaviour == "broken":
        settings["model"] = job["dataset"]
    if behaviour == "link":
        os.symlink("/etc/passwd", pathlib.Path(job["output"]) / "importance.json.part")
        finish(job, settings)
        os.remove(pathlib.Path(job["output"]) / "importance.json")
        os.symlink("/etc/passwd", pathlib.Path(job["output"]) / "importance.json")
        return
    finish(job, settings)


main()
