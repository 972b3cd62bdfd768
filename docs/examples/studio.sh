#!/usr/bin/env bash
# From a file of rows to a model that answers: two versions trained and followed live, compared, the better one promoted
# and deployed, and asked by the features' names.
#
#   SERVOIR_URL=http://127.0.0.1:8080 SERVOIR_API_KEY=… docs/examples/studio.sh tumours.csv diagnosis
#
# Needs `servoir` in the PATH (or in $SERVOIR), curl and python3.
set -euo pipefail
data=$1 target=$2
servoir=${SERVOIR:-servoir}
name=$(basename "${data%.*}")
url=${SERVOIR_URL:-http://127.0.0.1:8080}
api() { curl --fail-with-body -sS -H "X-API-Key: ${SERVOIR_API_KEY:-}" -H "Content-Type: application/json" "$@"; echo; }

echo "== a first version: logistic regression"
"$servoir" train "$data" --target "$target" --name "$name" --algorithm logistic_regression

echo "== a second version: a search over all algorithms, followed over its WebSocket"
"$servoir" train "$data" --target "$target" --name "$name" --task classification --algorithm auto

echo "== the second against the first, on the same test rows"
api "$url/api/v1/models/$name/versions/compare?version_a=1&version_b=2"

echo "== which features count"
api "$url/api/v1/models/$name/training-metrics/feature-importance?version_id=2&method=permutation&top_n=5"

echo "== promote the second and deploy it"
api -X POST "$url/api/v1/models/$name/versions/2/promote"
api -X POST "$url/api/v1/models/$name/deploy"

echo "== ask it about the first row, by name, with a feature left out and a value never seen"
row=$(python3 - "$data" "$target" <<'PYTHON'
import csv, json, sys

def value(text):
    if text == "":
        return None
    try:
        return float(text)
    except ValueError:
        return text

with open(sys.argv[1], newline="") as file:
    row = next(csv.DictReader(file))
del row[sys.argv[2]]
print(json.dumps({name: value(text) for name, text in row.items()}))
PYTHON
)
features=$(api "$url/v2/models/$name")
body=$(python3 -c 'import json, sys
row, model = json.loads(sys.argv[1]), json.loads(sys.argv[2])
inputs = [spec["name"] for spec in model["inputs"]]
row = {name: row[name] for name in inputs}
text = [spec["name"] for spec in model["inputs"] if spec["datatype"] == "BYTES"]
if text:
    row[text[0]] = "never seen before"
del row[next(spec["name"] for spec in model["inputs"] if spec["datatype"] != "BYTES")]
print(json.dumps({"instances": [row]}))' "$row" "$features")
api -X POST "$url/v1/predict/$name" -d "$body"
