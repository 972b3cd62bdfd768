"""Tables as files, with what pandas says of them: what the readers and the profiles of datasets are held against.

A case is a file in `datasets/` of the fixtures and `NAME.json` beside it:

    file       its name
    delimiter  of a CSV file; null for Parquet
    header     whether the first row of a CSV file names the columns
    rows       how many are whole
    broken     the lines of those that are not
    columns    one object per column: name, type, count, nulls, distinct, min, max, mean, std, quantiles (numpy's, of
               0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99), bounds (for each of these the values 0.01 further down and up
               in rank), top (value and count of the ten most frequent)
"""

from pathlib import Path

from . import awkward, bundled, refused, wide


def write(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for case in [*bundled.cases(), *wide.cases(), *awkward.cases()]:
        case.write(out)
    refused.write(out / "refused")
