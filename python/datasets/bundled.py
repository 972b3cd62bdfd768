"""The tables that come with scikit-learn, as people have them in files: with categories, flags, dates and holes."""

import gzip
import io
from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn import datasets

from .case import Case, read_csv


def cases() -> Iterator[Case]:
    for seed, load in enumerate([datasets.load_iris, datasets.load_wine, datasets.load_breast_cancer, datasets.load_diabetes]):
        bunch = load(as_frame=True)
        name = load.__name__.removeprefix("load_")
        frame = spoiled(bunch.frame, seed)
        text = frame.to_csv(index=False).encode()
        types = {"seen": "timestamp"}
        yield Case(f"{name}_csv", text, read_csv(text), types)
        yield Case(f"{name}_csv_gzip", gzip.compress(text, mtime=0), read_csv(text), types, suffix="csv.gz")
        semicolons = frame.to_csv(index=False, sep=";", lineterminator="\r\n", quoting=1).encode("utf-8-sig")
        yield Case(f"{name}_semicolons", semicolons, read_csv(semicolons, sep=";", encoding="utf-8-sig"), types, ";")
        for codec in ["snappy", "zstd", "gzip", "lz4", None]:
            buffer = io.BytesIO()
            frame.to_parquet(buffer, index=False, compression=codec, row_group_size=100)
            again = read_csv(text)
            yield Case(f"{name}_{codec}", buffer.getvalue(), again, {}, None, False, suffix="parquet")


def spoiled(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A category, a flag, a whole number and a date beside the columns, and holes in most of them."""
    random = np.random.default_rng(seed)
    frame = frame.copy()
    rows = len(frame)
    frame["plan"] = random.choice(["basic", "plus, monthly", "say \"pro\"", "Zürich"], rows)
    frame["active"] = pd.array(random.random(rows) < 0.3, dtype="boolean")
    frame["visits"] = pd.array(random.poisson(4, rows), dtype="Int64")
    days = random.integers(0, 4000, rows)
    frame["seen"] = [str(np.datetime64("2014-01-01") + int(day)) for day in days]
    for column in frame.columns.drop("target"):
        frame.loc[random.random(rows) < 0.05, column] = pd.NA
    return frame
