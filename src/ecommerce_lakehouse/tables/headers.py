"""The header of a raw file: its columns, and what is wrong with them.

A new column stands after the known ones. Bronze takes it in as text, with NULL for the rows of
files that do not have it; silver and all above read the columns they know.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.paths import for_message
from ecommerce_lakehouse.storage.files import LocalFiles
from ecommerce_lakehouse.storage.folder import is_among
from ecommerce_lakehouse.tables.scan import check_header

MAX_NAME_SHOWN = 40
"""The most letters of a column's name in a message."""

MayHave = Callable[[str, str], bool]
"""Whether the files of an entity may have a column that is not the contract's."""


def no_more(entity: str, column: str) -> bool:
    """The contract's columns and no others."""
    return False


def read_header(
    storage: LocalFiles, file: str, expected: list[str], may_have: Callable[[str], bool]
) -> tuple[str, ...]:
    """The columns of a CSV file, checked.

    Args:
        storage: Reads the file.
        file: An absolute path or URI.
        expected: The contract's columns.
        may_have: Which columns may stand after them.

    Raises:
        InputError: It is no UTF-8 text, its lines end otherwise, or a column is not the
            contract's.
    """
    line = storage.first_line(file)
    if "\0" in line or "\r" in line:
        wrong = "it is not UTF-8 text" if "\0" in line else "its lines do not end in LF or CRLF"
        raise InputError(
            f"{for_message(file).rstrip('/')}: {wrong}.\nNothing was written.",
            "Save it as UTF-8, with lines that end in LF or CRLF (in Excel:  CSV UTF-8).",
        )
    check_header(file, line.encode())
    header = next(csv.reader([line.removeprefix("\ufeff")]), [])
    problem = _difference(header, expected, may_have)
    if not problem:
        return tuple(header)
    if header[: len(expected)] == expected and not all(header):
        remedy, expected = "Remove it. The first line is then:", list(filter(None, header))
    elif header[: len(expected)] == expected:
        remedy = (
            "Take new columns into bronze with:  lakehouse build --evolve\n"
            "Without them the first line is:"
        )
    else:
        remedy = "The first line must be:"
    remedy += f"  {','.join(expected)}"
    raise InputError(f"{for_message(file).rstrip('/')}: {problem}.\nNothing was written.", remedy)


def _difference(header: list[str], expected: list[str], may_have: Callable[[str], bool]) -> str:
    """What is wrong with a header; empty where nothing is."""
    if not header:
        return "the file has no header"
    for place, (got, want) in enumerate(zip(header, expected, strict=False), start=1):
        if got != want:
            unseen = [letter for letter in got if not letter.isprintable() or letter == "\xa0"]
            if unseen and "".join(letter for letter in got if letter not in unseen) == want:
                return (
                    f'column {place} is "{want}" with a character in it that is not seen: '
                    f"{unicodedata.name(unseen[0], repr(unseen[0]))}"
                )
            seen = got if len(got) <= MAX_NAME_SHOWN else f"{got[:MAX_NAME_SHOWN]}…"
            return f'column {place} is "{seen}", expected "{want}"'
    if len(header) < len(expected):
        return f'column {len(header) + 1} is missing, expected "{expected[len(header)]}"'
    for place, name in list(enumerate(header, start=1))[len(expected) :]:
        if not name:
            return f"column {place} has no name: a comma too many"
        if not may_have(name):
            return f'column {place} is "{name}", expected no more'
        if not _is_new_name(name, header[: place - 1]):
            return f'column {place} is "{name}", expected another name, of letters, digits and _'
    return ""


def _is_new_name(column: str, others: Iterable[str]) -> bool:
    """Whether a column of this name can stand beside the others in a table."""
    return bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", column)) and not is_among(column, others)
