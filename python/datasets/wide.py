"""Columns with so many values that they are not counted one by one."""

import io
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .case import Case, read_csv

ROWS = 60_000


def cases() -> Iterator[Case]:
    random = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "normal": random.normal(1e6, 1.0, ROWS),
            "lognormal": random.lognormal(0, 3, ROWS),
            "sorted": np.sort(random.random(ROWS)),
            "id": pd.array(np.arange(ROWS) + 2**60, dtype="Int64"),
            "few": random.integers(0, 9, ROWS),
            # One value is frequent among many that are not.
            "text": np.where(random.random(ROWS) < 0.25, "usual", [f"v{value}" for value in range(ROWS)]),
        }
    )
    text = frame.to_csv(index=False).encode()
    yield Case("many_values_csv", text, read_csv(text, float_precision="round_trip"))
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, row_group_size=7_000)
    yield Case("many_values", buffer.getvalue(), frame, delimiter=None, header=False, suffix="parquet")
    yield parquet_types()


def parquet_types() -> Case:
    """Every type that can be used."""
    from datetime import date, datetime, timezone
    from decimal import Decimal

    times = [datetime(2024, 2, 29, 12, 30, 15, 250_000), None, datetime(1969, 12, 31)]
    zoned = [time and time.replace(tzinfo=timezone.utc) for time in times]
    naive_texts = ["2024-02-29T12:30:15.250000", None, "1969-12-31T00:00:00"]
    zoned_texts = [text and text + "Z" for text in naive_texts]
    table, texts = {}, {}
    for width in (8, 16, 32, 64):
        table[f"int{width}"] = pa.array([-(2 ** (width - 1)), None, 2 ** (width - 1) - 1], getattr(pa, f"int{width}")())
        table[f"uint{width}"] = pa.array([0, None, 2 ** min(width, 63) - 1], getattr(pa, f"uint{width}")())
    for name, kind in {"half": pa.float16(), "single": pa.float32(), "double": pa.float64()}.items():
        table[name] = pa.array([-1.5, None, 0.25], kind)
    for precision in (5, 15, 30, 60):
        kind = pa.decimal128 if precision <= 38 else pa.decimal256
        table[f"decimal{precision}"] = pa.array([Decimal("-1.25"), None, Decimal("123.45")], kind(precision, 2))
    table["flag"] = pa.array([True, None, False])
    table["text"] = pa.array(["né", None, ""])
    table["large_text"] = pa.array(["a", None, "b"], pa.large_string())
    table["category"] = pa.array(["a", None, "b"]).dictionary_encode()
    table["nothing"] = pa.nulls(3)
    table["day"] = pa.array([date(2024, 2, 29), None, date(1, 1, 1)])
    texts["day"] = ["2024-02-29", None, "0001-01-01"]
    for unit in ("s", "ms", "us", "ns"):
        table[f"naive_{unit}"] = pa.array(times, pa.timestamp(unit))
        table[f"zoned_{unit}"] = pa.array(zoned, pa.timestamp(unit, "UTC"))
        whole = unit == "s"
        texts[f"naive_{unit}"] = [text and text.replace(".250000", "") if whole else text for text in naive_texts]
        texts[f"zoned_{unit}"] = [text and text.replace(".250000", "") if whole else text for text in zoned_texts]
    buffer = io.BytesIO()
    pq.write_table(pa.table(table), buffer)
    columns = {}
    for name, array in table.items():
        if name in texts:
            columns[name] = pd.array(texts[name], dtype="string")
        elif pa.types.is_integer(array.type):
            columns[name] = pd.array(array.to_pylist(), dtype="Int64")
        elif pa.types.is_floating(array.type) or pa.types.is_decimal(array.type) or pa.types.is_null(array.type):
            columns[name] = pd.array([None if v is None else float(v) for v in array.to_pylist()], dtype="Float64")
        elif pa.types.is_boolean(array.type):
            columns[name] = pd.array(array.to_pylist(), dtype="boolean")
        else:
            columns[name] = pd.array(array.to_pylist(), dtype="string")
    types = dict.fromkeys(texts, "timestamp")
    return Case("types", buffer.getvalue(), pd.DataFrame(columns), types, None, False, suffix="parquet")
