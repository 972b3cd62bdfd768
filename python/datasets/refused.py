"""Files that are no datasets, each with words that the refusal must have."""

import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 64


def write(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    files = {**texts(), **parquet()}
    for name, (content, _) in files.items():
        (out / name).write_bytes(content)
    words = {name: words for name, (_, words) in files.items()}
    (out / "refused.json").write_text(json.dumps(words, indent=1) + "\n", encoding="utf-8")


def texts() -> dict[str, tuple[bytes, list[str]]]:
    many = "".join(f"{row},x\n" for row in range(80))
    return {
        "empty.csv": (b"", ["empty"]),
        "only_a_mark.csv": (b"\xef\xbb\xbf", ["empty"]),
        "only_a_header.csv": (b"a,b\n", ["no rows"]),
        "twins.csv": (b"a,b,a\n1,2,3\n", ["columns 1 and 3", "'a'"]),
        "twin_of_a_number.csv": (b",column_1\n1,2\n", ["columns 1 and 2", "'column_1'"]),
        "long_name.csv": (b"a," + b"n" * 257 + b"\n1,2\n", ["column 2", "256"]),
        "line_in_name.csv": (b'a,"b\nc"\n1,2\n', ["column 2", "control character"]),
        "utf16.csv": ("a,b\n1,2\n".encode("utf-16"), ["UTF-16"]),
        "latin.csv": (("a,b\n" + "1,é\n" * 9).encode("latin-1"), ["9 of 9 lines", "line 2", "UTF-8"]),
        "bad_header.csv": (b"a,\xff\n1,2\n", ["line 1", "UTF-8"]),
        "too_broken.csv": (("a,b\n" + many + "1,2,3\n" * 20).encode(), ["20 of 100 lines", "10 %", "line 82", "3 fields"]),
        "endless_quote.csv": (b'a,b\n1,"' + b"x,y\n" * 5_000_000, ["16777216 bytes", "quote"]),
        "too_wide.csv": ((",".join(f"c{n}" for n in range(10_001)) + "\n").encode(), ["10001 columns", "10000"]),
        "long_field.csv": (b"a,b\n1," + b"x" * (1 << 20) + b"y\n", ["1 of 1 lines", "field 2", "1048576"]),
        "bomb.csv.gz": (gzip.compress(b"a\n" + (b"1" * 100_000 + b"\n") * 1_000, mtime=0), ["becomes longer"]),
        "damaged.csv.gz": (gzip.compress(b"a,b\n" + many.encode(), mtime=0)[:60], ["gzip"]),
    }


def parquet() -> dict[str, tuple[bytes, list[str]]]:
    def file(columns: dict, **options: object) -> bytes:
        buffer = io.BytesIO()
        pq.write_table(pa.table(columns), buffer, **options)
        return buffer.getvalue()

    numbers = pa.array(range(ROWS))
    good = file({"a": numbers})
    footer = int.from_bytes(good[-8:-4], "little")
    return {
        "nested.parquet": (file({"a": numbers, "who": pa.array([{"x": 1}] * ROWS)}), ["'who'", "nested"]),
        "list.parquet": (file({"tags": pa.array([[1, 2]] * ROWS)}), ["'tags'", "nested"]),
        "binary.parquet": (file({"raw": pa.array([b"x"] * ROWS)}), ["'raw'", "Binary"]),
        "time.parquet": (file({"at": pa.array([1] * ROWS, pa.time64("us"))}), ["'at'", "Time64"]),
        "too_large.parquet": (file({"n": pa.array([2**63] * ROWS, pa.uint64())}), ["'n'", "9223372036854775808"]),
        "no_rows.parquet": (file({"a": pa.array([], pa.int64())}), ["no rows"]),
        "no_columns.parquet": (file({}), ["no columns"]),
        "cut_off.parquet": (good[: len(good) // 2], ["cut off"]),
        "short.parquet": (b"PAR1", ["too short"]),
        "long_footer.parquet": (good[:-8] + (1 << 30).to_bytes(4, "little") + b"PAR1", ["footer", "16777216"]),
        "other_footer.parquet": (good[:-8] + (footer - 9).to_bytes(4, "little") + b"PAR1", ["damaged"]),
        "large_page.parquet": (
            file({"a": pa.array(["x" * 500_000] * 300)}, data_page_size=1 << 30, use_dictionary=False),
            ["67108864", "smaller pages"],
        ),
        "long_text.parquet": (file({"a": pa.array(["x" * 2_000_000])}), ["'a'", "2000000", "1048576"]),
    }
