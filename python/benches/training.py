"""Trains the same tables with Servoir and with the libraries that people know, all with their defaults, and prints a table.

usage: python training.py SERVOIR [--threads N] [--repeats N]

SERVOIR is the built program. Every learner is given the same rows, and judged on rows that none has seen, by
scikit-learn's metrics; Servoir holds a tenth of its rows back to know when to stop, and its answers are those of
ONNX Runtime for the file that it exported. Learners take turns, and the least time of the repeats counts: seconds on the
wall, and of processor time, for the training alone.
"""

import argparse
import csv
import json
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.datasets import load_digits, make_classification, make_friedman1
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier, XGBRegressor

SEED = 17
MEMORY_BYTES_MAX = 16 << 30


def tables() -> dict:
    """By name: whether it is of classes, rows, targets."""
    two = make_classification(50_000, 30, n_informative=12, n_redundant=6, flip_y=0.05, random_state=SEED)
    digits = load_digits()
    curve = make_friedman1(50_000, 30, noise=1.0, random_state=SEED)
    return {
        "two classes, 50,000 x 30": (True, *two),
        "ten classes (digits), 1,797 x 64": (True, digits.data, digits.target),
        "regression (friedman1), 50,000 x 30": (False, *curve),
    }


def rivals(is_classes: bool, threads: int) -> dict:
    if is_classes:
        return {
            "xgboost": XGBClassifier(n_jobs=threads, random_state=SEED),
            "lightgbm": LGBMClassifier(n_jobs=threads, random_state=SEED, verbose=-1),
            "sklearn random forest": RandomForestClassifier(n_jobs=threads, random_state=SEED),
            "sklearn logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
        }
    return {
        "xgboost": XGBRegressor(n_jobs=threads, random_state=SEED),
        "lightgbm": LGBMRegressor(n_jobs=threads, random_state=SEED, verbose=-1),
        "sklearn random forest": RandomForestRegressor(n_jobs=threads, random_state=SEED),
        "sklearn ridge": make_pipeline(StandardScaler(), Ridge()),
    }


class Servoir:
    """One of Servoir's learners on a table that lies in a file."""

    def __init__(self, program: Path, algorithm: str, is_classes: bool, threads: int, folder: Path):
        self.program, self.algorithm, self.is_classes, self.threads = program, algorithm, is_classes, threads
        self.folder, self.seconds = folder, 0.0

    def fit(self, rows: np.ndarray, targets: np.ndarray) -> None:
        table, output = self.folder / "table.csv", Path(tempfile.mkdtemp(dir=self.folder))
        columns = rows.shape[1]
        if not table.exists():
            with table.open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow([*(f"f{column}" for column in range(columns)), "target"])
                writer.writerows([*map(repr, row), repr(target)] for row, target in zip(rows.tolist(), targets.tolist(), strict=True))
        job = {
            "dataset": str(table),
            "format": {
                "format": "csv",
                "compression": None,
                "delimiter": ord(","),
                "header": True,
                "types": ["number"] * columns + ["integer" if self.is_classes else "number"],
            },
            "task": "classification" if self.is_classes else "regression",
            "config": {
                "algorithm": self.algorithm,
                "target_column": "target",
                "validation": {"test_size": 0.01, "val_size": 0.1},
            },
            "output": str(output),
            "threads": self.threads,
            "memory_bytes_max": MEMORY_BYTES_MAX,
            "nice": 0,
        }
        done = subprocess.run(
            [self.program, "studio-worker"], input=json.dumps(job) + "\n", capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise SystemExit(f"{self.algorithm}: {done.stdout[-2000:]}{done.stderr}")
        outcome = json.loads((output / "outcome.json").read_text())
        self.seconds = outcome["leaderboard"][0]["training_seconds"]
        self.rounds = outcome["leaderboard"][0]["rounds"]
        self.session = onnxruntime.InferenceSession(output / "model.onnx", providers=["CPUExecutionProvider"])

    def predict_proba(self, rows: np.ndarray) -> np.ndarray:
        names = [given.name for given in self.session.get_inputs()]
        feed = {name: rows[:, int(name[1:])].astype(np.float32).reshape(-1, 1) for name in names}
        return self.session.run(None, feed)[-1]

    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.predict_proba(rows)[:, 0]


def judge(model, is_classes: bool, rows: np.ndarray, targets: np.ndarray) -> dict:
    if not is_classes:
        return {"rmse": root_mean_squared_error(targets, model.predict(rows))}
    answers = model.predict_proba(rows).astype(np.float64)
    answers /= answers.sum(axis=1, keepdims=True)
    scores = answers[:, 1] if answers.shape[1] == 2 else answers
    return {"auc": roc_auc_score(targets, scores, multi_class="ovr"), "log loss": log_loss(targets, answers)}


def timed(model, rows: np.ndarray, targets: np.ndarray) -> tuple:
    wall, processor = time.perf_counter(), time.process_time()
    model.fit(rows, targets)
    if isinstance(model, Servoir):
        # With one thread that computes and nothing to wait for, wall time is what the learner itself measured.
        return model.seconds, None
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servoir", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    for name, (is_classes, rows, targets) in tables().items():
        parts = train_test_split(rows, targets, test_size=0.2, random_state=SEED, stratify=targets if is_classes else None)
        rows, held_rows, targets, held_targets = parts
        with tempfile.TemporaryDirectory() as folder:
            linear = "logistic_regression" if is_classes else "linear_regression"
            own = {
                f"servoir {algorithm}": Servoir(options.servoir, algorithm, is_classes, options.threads, Path(folder))
                for algorithm in ("gradient_boosting", "random_forest", linear)
            }
            models = own | rivals(is_classes, options.threads)
            times = {name: [] for name in models}
            for _ in range(options.repeats):
                for model_name, model in models.items():
                    times[model_name].append(timed(model, rows, targets))
            print(f"\n{name}: {len(rows)} rows given, {len(held_rows)} judge")
            for model_name, model in models.items():
                wall = min(wall for wall, _ in times[model_name])
                processor = min((processor for _, processor in times[model_name] if processor is not None), default=None)
                numbers = "  ".join(
                    f"{metric} {value:.4f}" for metric, value in judge(model, is_classes, held_rows, held_targets).items()
                )
                of_processor = "" if processor is None else f" ({processor:.2f} s of processor)"
                print(f"  {model_name:28} {numbers:28} {wall:7.2f} s{of_processor}", flush=True)


if __name__ == "__main__":
    main()
