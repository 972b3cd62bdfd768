"""Times xgboost's predictor behind its C interface, one thread, for `micro engines`.

usage: python xgboost_c_api.py MODEL.json

Lines of standard input are commands, each answered by one line: `rows ROWS FEATURES` makes random rows, `run N` predicts
them N times and answers the seconds. The rows are handed over as they lie in memory (XGBoosterPredictFromDense, which makes
no DMatrix), and the loop around the calls is all that Python does.
"""

import ctypes
import json
import sys
import time

import numpy as np
import xgboost
from xgboost.libpath import find_lib_path

library = ctypes.CDLL(find_lib_path()[0])
library.XGBGetLastError.restype = ctypes.c_char_p
CONFIG = b'{"type": 0, "training": false, "iteration_begin": 0, "iteration_end": 0, "strict_shape": false, "missing": NaN, "cache_id": 0}'


def check(status: int) -> None:
    if status:
        raise RuntimeError(library.XGBGetLastError().decode())


def booster(path: str) -> ctypes.c_void_p:
    handle = ctypes.c_void_p()
    check(library.XGBoosterCreate(None, ctypes.c_uint64(0), ctypes.byref(handle)))
    check(library.XGBoosterLoadModel(handle, path.encode()))
    check(library.XGBoosterSetParam(handle, b"nthread", b"1"))
    return handle


class Rows:
    """Rows in memory, and the arguments of the call that predicts them."""

    def __init__(self, handle: ctypes.c_void_p, rows: int, features: int):
        self.values = np.random.default_rng(0).uniform(-3, 3, (rows, features)).astype(np.float32)
        interface = {**self.values.__array_interface__, "strides": None}
        self.shape, self.dimensions = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
        self.result = ctypes.POINTER(ctypes.c_float)()
        out = ctypes.byref(self.shape), ctypes.byref(self.dimensions), ctypes.byref(self.result)
        self.arguments = (handle, json.dumps(interface).encode(), CONFIG, None, *out)

    def run(self, repetitions: int) -> float:
        predict, arguments = library.XGBoosterPredictFromDense, self.arguments
        start = time.perf_counter()
        for _ in range(repetitions):
            status = predict(*arguments)
        elapsed = time.perf_counter() - start
        check(status)
        return elapsed


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    handle, rows = booster(sys.argv[1]), None
    print(f"xgboost {xgboost.__version__}", flush=True)
    for line in sys.stdin:
        command, *numbers = line.split()
        try:
            if command == "rows":
                rows = Rows(handle, *map(int, numbers))
                print("ready", flush=True)
            else:
                print(rows.run(int(numbers[0])), flush=True)
        except (RuntimeError, ValueError, AttributeError) as error:
            print(f"error: {error}".replace("\n", " "), flush=True)


if __name__ == "__main__":
    main()
