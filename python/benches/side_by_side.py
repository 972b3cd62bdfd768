"""What servers did under the same load, and the tables of it, with Servoir as what the others are measured against."""

import math
from dataclasses import dataclass

SERVOIR = "servoir"


@dataclass
class Row:
    """What one server did at one number of connections. What is not known is not a number."""

    server: str
    connections: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    megabytes: float
    # Answers other than 200 and connections that broke, by number; empty when all went well.
    trouble: dict
    # Whether the load ended by itself.
    is_whole: bool

    @classmethod
    def of(cls, server: str, connections: int, seen: dict) -> "Row":
        """From what the load generator says, which has null for what it could not divide."""

        def number(name: str, unit: float = 1) -> float:
            value = seen.get(name)
            # Neither a process nor an answer costs nothing: it was not looked at.
            return value / unit if value else math.nan

        trouble = {status: count for status, count in seen["statuses"].items() if status != "200"} | seen["broken"]
        return cls(
            server,
            connections,
            seen["requestsPerSecond"],
            number("p50Us", 1e3),
            number("p99Us", 1e3),
            number("serverCpuUsPerRequest"),
            number("residentMb"),
            trouble,
            seen.get("isWhole", True),
        )


def show(rows: list, rows_a_request: int) -> None:
    """A table for each number of connections, in the order in which they were measured."""
    many = rows_a_request > 1
    columns = ["requests/s", *(["rows/s"] if many else []), "× Servoir", "p50 ms", "p99 ms", "CPU µs", "× Servoir", "MB"]
    asked = f"{rows_a_request:,} rows a request" if many else "one row a request"
    for connections in dict.fromkeys(row.connections for row in rows):
        print(f"\n{connections} connection{'s' if connections > 1 else ''}, {asked}:\n")
        print(f"| server | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}")
        of_these = [row for row in rows if row.connections == connections]
        servoir = next((row for row in of_these if row.server == SERVOIR), None)
        for row in of_these:
            cells = [
                written(row.per_second, 0),
                *([written(row.per_second * rows_a_request, 0)] if many else []),
                written(ratio(row.per_second, servoir and servoir.per_second), 2),
                written(row.p50_ms, 2),
                written(row.p99_ms, 2),
                written(row.cpu_us, 1),
                written(ratio(row.cpu_us, servoir and servoir.cpu_us), 2),
                written(row.megabytes, 0),
            ]
            print(f"| {row.server} | {' | '.join(cells)} |")
        for row in (row for row in of_these if row.trouble):
            print(f"\n{row.server}: {', '.join(f'{count:,} × {what}' for what, count in row.trouble.items())}")


def ratio(theirs: float, ours: float | None) -> float:
    return theirs / ours if ours else math.nan


def written(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else f"{value:,.{digits}f}"
