"""Times xgboost's predictor on a device, for `cargo xtask bench cuda -- --xgboost-python PYTHON`.

usage: python xgboost_cuda.py MODEL.json [DEVICE]

Lines of standard input are commands, each answered by one line: `rows FEATURES FILE` takes rows of single-precision numbers
from a file, `run` predicts them once and answers the seconds. Rows begin and answers end in the machine's memory. With cupy
the rows are copied to the device and predicted there, which makes no DMatrix; without it, xgboost makes one each time. DEVICE
is `cuda`; `cpu` is for trying this where there is none.
"""

import sys
import time

import numpy as np
import xgboost

try:
    import cupy
except ImportError:
    cupy = None


def predicted(booster: xgboost.Booster, rows: np.ndarray, on_device: bool) -> np.ndarray:
    if on_device and cupy is not None:
        return cupy.asnumpy(booster.inplace_predict(cupy.asarray(rows)))
    return booster.predict(xgboost.DMatrix(rows))


def main() -> None:
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    device = sys.argv[2] if len(sys.argv) == 3 else "cuda"
    booster = xgboost.Booster(model_file=sys.argv[1])
    booster.set_param({"device": device})
    way = "cupy" if device == "cuda" and cupy is not None else "a DMatrix for each batch"
    print(f"xgboost {xgboost.__version__} on {device}, by {way}", flush=True)
    rows = np.zeros((0, 1), np.float32)
    for line in sys.stdin:
        command, *words = line.split(maxsplit=2)
        try:
            if command == "rows":
                rows = np.fromfile(words[1].strip(), np.float32).reshape(-1, int(words[0]))
                print(f"ready {predicted(booster, rows[:1], device == 'cuda')[0]:.9g}", flush=True)
            else:
                start = time.perf_counter()
                predicted(booster, rows, device == "cuda")
                print(time.perf_counter() - start, flush=True)
        except Exception as error:  # the other side stops, and says this
            print("error", str(error).replace("\n", " "), flush=True)


if __name__ == "__main__":
    main()
