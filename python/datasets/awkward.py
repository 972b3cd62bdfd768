"""CSV as people send it."""

import gzip
from collections.abc import Iterator

from .case import Case, read_csv


def cases() -> Iterator[Case]:
    def case(name: str, text: str, whole: str | None = None, encoding: str = "utf-8", **options: object) -> Case:
        """`whole` is the text without what is broken in it, and as pandas likes it."""
        delimiter, header = options.pop("delimiter", ","), options.pop("header", True)
        names = {} if header else {"header": None, "names": options.pop("names")}
        read = (whole or text).encode("utf-8")
        frame = read_csv(read, sep=delimiter, skipinitialspace=False, float_precision="round_trip", **names)
        return Case(name, text.encode(encoding), frame, delimiter=delimiter, header=header, **options)

    yield case("plain", "a,b\n1,x\n2,y\n")
    yield case("no_end_of_line", "a,b\n1,x\n2,y")
    yield case("crlf", "a,b\r\n1,x\r\n2,y\r\n")
    yield case("mark", "a,b\n1,x\n", encoding="utf-8-sig")
    yield case("tabs", "a\tb\n1\tx, or y\n2\tz\n", delimiter="\t")
    yield case("bars", "a|b\n1|2;3\n2|4;5\n", delimiter="|")
    yield case("decimal_commas", "a;b\n1,5;x\n2,5;y\n", delimiter=";")
    yield case("commas_in_quotes", 'a;b\n"x, y, z";1\n"u, v, w";2\n', delimiter=";")
    yield case("one_column", "a\n1\n2\n")
    yield case("one_column_of_text", "word\nalpha\nbeta\n")
    yield case("one_row", "a,b\n1,x\n")
    yield case("no_header", "1,x\n2,y\n", header=False, names=["column_1", "column_2"])
    yield case("no_header_one_row", "1,2.5\n", header=False, names=["column_1", "column_2"])
    yield case("no_header_twins", "x,x\ny,z\n", header=False, names=["column_1", "column_2"])
    yield case("header_with_years", "id,2020,2021\n7,1,2\n8,3,4\n")
    yield case("index_without_name", ",a\n0,x\n1,y\n", whole="column_1,a\n0,x\n1,y\n")
    yield case("spaces_around_names", " a , b\n1,x\n2,y\n", whole="a,b\n1,x\n2,y\n")
    yield case("lines_in_quotes", 'a,b\n1,"two\nlines"\n2,"and\r\nthree\nmore"\n')
    yield case("quotes_in_quotes", 'a,b\n1,"say ""hi"""\n2,"""\n"\n')
    yield case("quotes_in_the_middle", 'a,b\n1,5" pipe\n2,6" pipe\n')
    yield case("empty_lines", "a,b\n\n1,x\n\n\n2,y\n\n")
    yield case("missing", "a,b,c\n1,NA,\n,null,x\n3,2.5,None\nNaN,nan,n/a\n#N/A,<NA>,NULL\n")
    yield case("nothing_at_all", "a,b\n1,\n2,NA\n", types={"b": "number"})
    yield case("late_text", "a\n" + "1\n" * 5_000 + "x\n")
    yield case("late_fraction", "a\n" + "1\n" * 5_000 + "0.5\n")
    yield case("exponents", "a,b\n1e3,-1.5E-300\n.5,1e-320\n5.,+2\n")
    yield case("too_large", "a,b\n1e400,9223372036854775808\n1,1\n", whole="a,b\n,9223372036854775808.0\n1,1\n", types={"a": "number"})
    yield case("infinite", "a,b\ninf,1\n-Infinity,2\n1.5,3\n", whole="a,b\n,1\n,2\n1.5,3\n")
    yield case("leading_zeros", "a,b\n007,x\n010,y\n")
    yield case("large_integers", "id\n9007199254740993\n9007199254740992\n-9223372036854775808\n")
    yield case("booleans", "a,b\ntrue,TRUE\nFalse,false\n,True\n")
    yield case("times", times(), types={"a": "timestamp", "b": "timestamp"})
    yield case("not_times", "a,b\n2024-02-30,2024-01-01\n2024-01-01,12:30\n")
    yield case("unicode", "naïve,ünï\n1,日本語\n2,🦀\n")
    yield case("zero_and_minus_zero", "a\n0.0\n-0.0\n1.5\n")
    yield case("long_texts", "a,b\n" + "".join(f"{row},{'x' * 200}{row % 2}\n" for row in range(40)))
    lines = [f"{row},r{row}" for row in range(100)]
    yield broken(case, "too_few_fields", lines, {10: "7"})
    yield broken(case, "too_many_fields", lines, {10: "7,8,9", 60: "1,2,3,4"})
    yield broken(case, "nul", lines, {10: "7,x\0y"})
    yield broken(case, "quote_closed_late", lines, {10: '7,"x', 12: '8,y"z,1'}, swallowed={10: 3})
    yield broken(case, "quote_never_closed", lines, {96: '7,"x'}, swallowed={96: 6})
    yield broken(case, "broken_after_lines_in_quotes", ['1,"a\nb"', *lines], {50: "7"}, above=1)
    crlf = broken(case, "broken_crlf", lines, {10: "7", 60: "8"})
    crlf.content = crlf.content.replace(b"\n", b"\r\n")
    yield crlf
    spaced = broken(case, "broken_after_empty_lines", lines, {10: "7"})
    spaced.content, spaced.broken = spaced.content.replace(b"\n7\n", b"\n\n\n\n7\n"), [15]
    yield spaced
    latin = broken(case, "not_utf8", lines, {10: "7,caf@"})
    latin.content = latin.content.replace(b"@", b"\xe9")
    yield latin
    parts = case("gzip_in_parts", "a,b\n1,x\n2,y\n")
    parts.content = gzip.compress(b"a,b\n1,", mtime=0) + gzip.compress(b"x\n2,y\n", mtime=0)
    yield parts


def times() -> str:
    rows = [
        ("2024-02-29", "2024-02-29T23:59:59Z"),
        ("1970-01-01", "2024-02-29T23:59:59.5+02:00"),
        ("", "2024-03-01 00:00"),
    ]
    return "a,b\n" + "".join(f"{a},{b}\n" for a, b in rows)


def broken(case, name: str, lines: list[str], bad: dict[int, str], swallowed=None, above: int = 0) -> Case:  # noqa: ANN001
    """A table in which some rows are something else; `swallowed` says how many rows one takes with it."""
    made = [bad.get(place, line) for place, line in enumerate(lines)]
    gone = set(bad)
    for place, count in (swallowed or {}).items():
        gone.update(range(place, place + count))
    whole = [line for place, line in enumerate(lines) if place not in gone]
    begins = sorted(set(bad) if swallowed is None else set(swallowed))
    text = "a,b\n" + "\n".join(made) + "\n"
    # The header is line 1.
    return case(name, text, "a,b\n" + "\n".join(whole) + "\n", broken=[place + 2 + above for place in begins])

