"""Read an export row by row, and write it as plain CSV in UTF-8 that DuckDB cannot misread.

DuckDB alone leaves rows out without a word, where a quote is not closed, and stops where line ends
are mixed. Here no row is left out: what does not have the header's fields is kept as it stood.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.imports.mapping import FileMapping
from ecommerce_lakehouse.imports.postgres import read_table

LONGEST_FIELD = 64 * 2**20
"""The most letters of a field; Python's own limit is 131,072."""
CHUNK = 2**20
NEW_LINE = b"\n"


@dataclass(frozen=True)
class Plain:
    """An export as plain CSV.

    Attributes:
        path: The file.
        header: Its columns, each once.
        broken: The file of the rows that do not have the header's fields, each as one field.
        broken_rows: How many there are.
    """

    path: Path
    header: list[str]
    broken: Path
    broken_rows: int


def check_folder(folder: Path, flag: str) -> None:
    """Refuse a folder of exports that is none.

    Raises:
        InputError: It is a file, or not there.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder.", f"Name one with exports:  {flag} FOLDER")


def write_plain(export: Path, table: FileMapping, target: Path) -> Plain:
    """Write an export as plain CSV: UTF-8, commas, every field quoted, as many as the header has.

    A row with fewer is not filled up: a shipping cost that is not there is not 0.00.

    Args:
        export: The file.
        table: How it is written.
        target: The plain file; rows that are broken go beside it.

    Raises:
        InputError: It is empty, not in its encoding, or ends inside quotes.
    """
    csv.field_size_limit(LONGEST_FIELD)
    broken = target.with_suffix(".broken")
    encoding = "utf-8-sig" if codecs.lookup(table.encoding).name == "utf-8" else table.encoding
    try:
        with (
            export.open(encoding=encoding, newline="") as lines,
            target.open("w", encoding="utf-8", newline="") as plain,
            broken.open("w", encoding="utf-8", newline="") as others,
        ):
            rows = (
                read_table(export, table.dump, lines) if table.dump else _rows(export, table, lines)
            )
            good = csv.writer(plain, lineterminator="\n", quoting=csv.QUOTE_ALL)
            bad = csv.writer(others, lineterminator="\n", quoting=csv.QUOTE_ALL)
            header = _name_each_once(next(rows, ([], ""))[0] or [])
            if not header:
                raise InputError(f"{export.name} is empty: it has no header.")
            good.writerow(header)
            broken_rows = 0
            for fields, text in rows:
                if fields is not None and len(fields) == len(header):
                    good.writerow(fields)
                elif fields != []:  # an empty line
                    bad.writerow([text])
                    broken_rows += 1
    except UnicodeError as problem:
        raise InputError(
            f"{export.name} is not {table.encoding.upper()}{_line_of(export, table)} "
            f"({getattr(problem, 'reason', problem)}).",
            'Say what it is, such as  encoding = "cp1252"  in its section of the mapping.',
        ) from None
    return Plain(target, header, broken, broken_rows)


def _rows(
    export: Path, table: FileMapping, file: Iterator[str]
) -> Iterator[tuple[list[str] | None, str]]:
    """The fields of each row, None where its quotes do not fit; and its text."""
    seen: list[str] = []

    def lines() -> Iterator[str]:
        # Some files have two marks of the byte order, of which the encoding took one.
        for line in chain([next(file, "").lstrip("\ufeff")], file):
            seen.append(line)
            yield line

    reader = csv.reader(lines(), delimiter=table.delimiter, strict=True)
    while True:
        seen.clear()
        begins = reader.line_num + 1
        try:
            fields: list[str] | None = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            if "unexpected end" in str(problem):
                raise InputError(
                    f"{export.name}: a quote that opens in line {begins} is never closed.",
                    "Look at that line: every row after it is inside the quotes.",
                ) from None
            fields = None
        yield fields, "".join(seen).rstrip("\r\n")


def _name_each_once(header: list[str]) -> list[str]:
    """A header whose names differ in more than their capitals, which DuckDB does not tell apart."""
    names: list[str] = []
    for place, name in enumerate(header, 1):
        known = [each.lower() for each in names]
        names.append(f"{name}_{place}" if name.lower() in [*known, ""] else name)
    return names


def _line_of(export: Path, table: FileMapping) -> str:
    """In which line a file stops being UTF-8; nothing for other encodings."""
    if codecs.lookup(table.encoding).name != "utf-8":
        return ""
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    with export.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as problem:
                return f" in line {line + chunk[: problem.start].count(NEW_LINE)}"
            line += chunk.count(NEW_LINE)
