"""What onnxruntime answers for the rows of a table.

usage: python onnx_answers.py MODEL ROWS OUT

ROWS is CSV with a column for each of the model's inputs, an empty field for what is missing. OUT is CSV, a line for each
row: what a classifier calls the row and its probabilities, or the number that a regression predicts.
"""

import csv
import sys

import numpy as np
import onnx
import onnxruntime


def main() -> None:
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    model, rows, out = sys.argv[1:]
    onnx.checker.check_model(onnx.load(model), full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    with open(rows, encoding="utf-8", newline="") as file:
        header, *table = list(csv.reader(file))
    feed = {}
    for given in session.get_inputs():
        values = [row[header.index(given.name)] for row in table]
        if given.type == "tensor(string)":
            column = np.array(values, dtype=object)
        else:
            column = np.array([np.nan if value == "" else float(value) for value in values], dtype=np.float32)
        feed[given.name] = column.reshape(-1, 1)
    answers = session.run(None, feed)
    for answer, described in zip(answers, session.get_outputs(), strict=True):
        if len(answer.shape) != len(described.shape):
            raise SystemExit(f"{described.name} is {answer.shape}, not {described.shape}")
    with open(out, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for line in zip(*answers, strict=True):
            writer.writerow([field for answer in line for field in np.atleast_1d(answer).tolist()])


if __name__ == "__main__":
    main()
