"""A table in a file with what pandas says of it."""

import io
import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

SHARES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
RANK_ERROR = 0.01
TOP = 10


@dataclass
class Case:
    """A file, and the table that it holds: a frame whose columns are numbers, booleans or texts."""

    name: str
    content: bytes
    frame: pd.DataFrame
    types: dict[str, str] = field(default_factory=dict)
    delimiter: str | None = ","
    header: bool = True
    broken: list[int] = field(default_factory=list)
    suffix: str = "csv"

    def write(self, out: Path) -> None:
        file = f"{self.name}.{self.suffix}"
        (out / file).write_bytes(self.content)
        columns = [describe(name, self.frame[name], self.types.get(name)) for name in self.frame.columns]
        case = {
            "file": file,
            "delimiter": self.delimiter,
            "header": self.header,
            "rows": len(self.frame),
            "broken": self.broken,
            "columns": columns,
        }
        text = json.dumps(case, ensure_ascii=False, allow_nan=False, indent=1)
        (out / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")


def describe(name: str, column: pd.Series, kind: str | None) -> dict:
    kind = kind or kind_of(column)
    there = column.dropna()
    if kind == "boolean":
        there = there.map(lambda value: "true" if value else "false")
    counts = sorted(there.value_counts().items(), key=lambda pair: (-pair[1], pair[0]))
    described = {
        "name": str(name),
        "type": kind,
        "count": len(there),
        "nulls": int(column.isna().sum()),
        "distinct": int(there.nunique()),
        "top": [[plain(value), int(count)] for value, count in counts[:TOP]],
        **dict.fromkeys(["min", "max", "mean", "std", "quantiles", "bounds"]),
    }
    if kind in ("integer", "number") and len(there) > 0:
        numbers = there.to_numpy(dtype=np.int64 if kind == "integer" else np.float64)
        described["min"], described["max"] = plain(numbers.min()), plain(numbers.max())
        described["mean"] = float(there.mean())
        if len(there) > 1:
            # Python's own: pandas rounds whole numbers beyond 2^53 before it takes their differences.
            deviation = statistics.stdev(numbers.tolist()) if kind == "integer" else there.std()
            described["std"] = float(deviation)
        described["quantiles"] = np.quantile(numbers.astype(np.float64), SHARES).tolist()
        described["bounds"] = [bounds(np.sort(numbers.astype(np.float64)), share) for share in SHARES]
    if kind == "timestamp" and len(there) > 0:
        times = pd.to_datetime(there, format="ISO8601", utc=True)
        described["min"], described["max"] = there[times.idxmin()], there[times.idxmax()]
    return described


def bounds(ascending: np.ndarray, share: float) -> list[float]:
    places = [(share + error) * (len(ascending) - 1) for error in (-RANK_ERROR, RANK_ERROR)]
    low, high = np.floor(places[0]), np.ceil(places[1])
    return [float(ascending[int(np.clip(place, 0, len(ascending) - 1))]) for place in (low, high)]


def kind_of(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column.dtype):
        return "boolean"
    if pd.api.types.is_integer_dtype(column.dtype):
        return "integer"
    if pd.api.types.is_float_dtype(column.dtype):
        return "number"
    return "text"


def plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def read_csv(content: bytes, **options: object) -> pd.DataFrame:
    """What pandas reads, whole numbers with missing ones among them being whole numbers still."""
    return pd.read_csv(io.BytesIO(content), dtype_backend="numpy_nullable", **options)
