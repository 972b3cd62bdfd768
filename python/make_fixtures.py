"""Makes the models that the test suites run against, each with what its original library answers.

usage: python make_fixtures.py OUT

See fixtures/cases.py for the form of a fixture, tests/src/trees.rs for that of the models of trees in trees/, and
evaluation/__init__.py for that of predictions and what their numbers are worth. Every answer of an ONNX fixture is
compared with ONNX Runtime's before it is written, so that a fixture that disagrees with its own library never reaches a
test.
"""

import json
import sys
import time
from pathlib import Path

import datasets
import evaluation
from fixtures import estimators, graphs, hostile, node_tests, preflight, training_tables, trees
from trees import lightgbm_models, onnx_models, xgboost_models

VERSIONS_DIFFER_BY = 1e-3


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    made = [*trees.fixtures(), *estimators.fixtures(), *graphs.fixtures(out)]
    trees.require_that_versions_differ(made[0], made[1], VERSIONS_DIFFER_BY)
    for fixture in made:
        fixture.write(out)
    trees.write_native_formats(out)
    graphs.write_external_escapes(out)
    hostile.write(out)
    preflight.write(out / "preflight")
    (out / "fixtures.json").write_text(json.dumps(sorted(fixture.name for fixture in made)) + "\n", encoding="utf-8")
    print(f"{len(made)} models with cases after {time.perf_counter() - start:.1f} s; now ONNX's node tests", flush=True)
    node_tests.write(out)
    training_tables.write(out / "training")
    xgboost_models.write(out / "trees" / "xgboost")
    onnx_models.write(out / "trees" / "onnx")
    lightgbm_models.write(out / "trees" / "lightgbm")
    datasets.write(out / "datasets")
    evaluation.write(out / "evaluation")
    print(f"fixtures made in {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
