"""A table out of a plain dump of PostgreSQL.

`pg_dump` writes a table as `COPY schema.table (columns) FROM stdin;`, then a line for each row,
then `\\.`: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ecommerce_lakehouse.errors import InputError

COPY = re.compile(r"COPY (\S+) \((.*)\) FROM stdin;")
ESCAPED = re.compile(r"\\([bfnrtv\\])")
LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}


def read_table(
    dump: Path, table: str, lines: Iterator[str]
) -> Iterator[tuple[list[str] | None, str]]:
    """The columns of one table of a dump, then its rows; NULL is empty.

    Args:
        dump: The plain dump.
        table: Such as `public.orders`.
        lines: Its lines.

    Raises:
        InputError: The dump has no such table, is not plain, or was cut short.
    """
    with dump.open("rb") as file:
        if file.read(5) == b"PGDMP":
            raise InputError(
                f"{dump.name} is a dump in PostgreSQL's own format.",
                f"Make a plain one with:  pg_restore --file plain.sql {dump.name}",
            )
    there: list[str] = []
    for line in lines:
        found = COPY.match(line)
        if not found:
            continue
        there.append(found[1].replace('"', ""))
        if there[-1] == table:
            yield [name.strip().strip('"') for name in found[2].split(",")], line
            for line in lines:
                text = line.rstrip("\r\n")
                if text == "\\.":
                    return
                yield [_unescape(field) for field in text.split("\t")], text
            raise InputError(
                f"{dump.name} ends in the middle of its table {table}: it was cut short.",
                f"Make it again with:  pg_dump --file {dump.name} DATABASE",
            )
    raise InputError(f"{dump.name} has no table {table}.", f"It has {', '.join(there) or 'none'}.")


def _unescape(text: str) -> str:
    if text == "\\N":
        return ""
    return ESCAPED.sub(lambda found: LETTERS[found[1]], text) if "\\" in text else text
