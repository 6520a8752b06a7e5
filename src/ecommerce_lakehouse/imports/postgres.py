"""A table out of a plain dump of PostgreSQL, as CSV.

`pg_dump` writes a table as `COPY schema.table (columns) FROM stdin;`, then a line for each row,
then `\\.`: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from ecommerce_lakehouse.errors import InputError

COPY = re.compile(r"COPY (\S+) \((.*)\) FROM stdin;")
ESCAPED = re.compile(r"\\([bfnrtv\\])")
LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}


def write_table(dump: Path, table: str, target: Path, encoding: str) -> None:
    """Write one table of a dump as a CSV file in UTF-8; NULL is empty.

    Args:
        dump: The plain dump.
        table: Such as `public.orders`.
        target: The CSV file.
        encoding: What the dump is written in.

    Raises:
        InputError: The dump has no such table, or is not plain.
        UnicodeDecodeError: It is not in that encoding.
    """
    with dump.open("rb") as file:
        if file.read(5) == b"PGDMP":
            raise InputError(
                f"{dump.name} is a dump in PostgreSQL's own format.",
                f"Make a plain one with:  pg_restore --file plain.sql {dump.name}",
            )
    there: list[str] = []
    with dump.open(encoding=encoding, newline="\n") as lines:
        for line in lines:
            found = COPY.match(line)
            if not found:
                continue
            there.append(found[1].replace('"', ""))
            if there[-1] == table:
                columns = [name.strip().strip('"') for name in found[2].split(",")]
                with target.open("w", encoding="utf-8", newline="") as file:
                    written = csv.writer(file, lineterminator="\n")
                    written.writerow(columns)
                    written.writerows(_rows(lines))
                return
    raise InputError(f"{dump.name} has no table {table}.", f"It has {', '.join(there) or 'none'}.")


def _rows(lines: Iterator[str]) -> Iterator[list[str]]:
    for line in lines:
        line = line.rstrip("\n")
        if line == "\\.":
            return
        yield ["" if text == "\\N" else _unescape(text) for text in line.split("\t")]


def _unescape(text: str) -> str:
    return ESCAPED.sub(lambda found: LETTERS[found[1]], text) if "\\" in text else text
