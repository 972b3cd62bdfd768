"""Values of every datatype of the Open Inference Protocol, with the extremes of each among them."""

import numpy as np

TEXTS = ["", "a", "snow ☃", 'quote " and \\', "line\nbreak", "control \x01"]

DTYPES = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "BF16": np.float32,  # which has no type of its own in numpy; these values lose nothing
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": np.object_,
}


def rows(datatype: str, count: int = 2) -> np.ndarray:
    """[count, 3] of the datatype. Two rows hold all the extremes; more repeat them."""
    return np.resize(_six(datatype), (count, 3))


def _six(datatype: str) -> np.ndarray:
    dtype = DTYPES[datatype]
    if datatype == "BYTES":
        return np.array([text.encode() for text in TEXTS], dtype=np.object_)
    if datatype == "BOOL":
        return np.array([True, False, False, True, True, False])
    if datatype == "BF16":
        # The largest and the smallest normal one, and what has at most eight significant bits.
        bits = np.array([0x7F7F, 0xFF7F, 0x0080, 0x0000, 0x3F80, 0xBFC0], dtype=np.uint32) << 16
        return bits.view(np.float32)
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        return np.array([limits.min, limits.max, 0, 1, 2, limits.max - 1], dtype=dtype)
    limits = np.finfo(dtype)
    return np.array([limits.min, limits.max, 0.0, 0.1, -1.5, limits.tiny], dtype=dtype)


def require_equal(came: np.ndarray, expected: np.ndarray, what: str) -> None:
    """The same shape and the same values, NaN equal to NaN. Strings may come as text or as bytes."""
    assert came is not None, f"{what}: no such output"
    assert came.shape == expected.shape, f"{what}: shape {came.shape} for {expected.shape}"
    if expected.dtype == np.object_:
        came = [one.encode() if isinstance(one, str) else bytes(one) for one in came.ravel()]
        expected = list(expected.ravel())
        assert came == expected, f"{what}: {came} for {expected}"
    else:
        equal = np.array_equal(came, expected, equal_nan=expected.dtype.kind == "f")
        assert equal, f"{what}: {came.tolist()} for {expected.tolist()}"
