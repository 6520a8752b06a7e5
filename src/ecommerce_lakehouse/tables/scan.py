"""One look at every byte of a raw file: is it UTF-8, does every quote close, and every line end?

Spark reads a file that breaks these rules without a word: bytes that are no UTF-8 become U+FFFD,
a quote that never closes swallows all rows after it, and rows that end in a carriage return alone
are one.
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.paths import for_message
from ecommerce_lakehouse.storage.files import LocalFiles

CHUNK = 4 * 2**20
"""Bytes that are looked at together."""
LONGEST_ROW = 64 * 2**20
"""The most bytes of one row: a quote that is not closed by then is taken for a mistake."""


def _rows(inside: bytes) -> bytes:
    """A pattern for one row, given what may stand between quotes.

    What stands behind a closing quote belongs to the field, as Spark has it.
    """
    field = rb'(?:"%b*+(?:""%b*+)*+"[^,\n]*+|[^",\n][^,\n]*+|)' % (inside, inside)
    return field + rb"(?:," + field + rb")*+"


LINES = re.compile(rb"(?:" + _rows(rb'[^"\n]') + rb"\n)*+")
"""Whole rows, each of which is a line."""
ROW = re.compile(_rows(rb'[^"]'))
ROW_AND_END = re.compile(_rows(rb'[^"]') + rb"\n")
FIELDS = re.compile(rb'(?:(?:"[^"]*+(?:""[^"]*+)*+"[^,\n]*+|[^",\n][^,\n]*+|),)*+')
LIKE_A_ROW = re.compile(rb"\d+,\S[^\n]*")
"""How a line begins that may be a row: a number, and something after the comma."""
AFTER_RETURN = re.compile(rb"\r(\d+,\S[^\r\n]*)")
"""The same behind a carriage return that ends no line."""


@dataclass(frozen=True)
class Scan:
    """What was found in a file that is right.

    Attributes:
        checksum: The CRC-32 of all of its bytes, in hexadecimal digits.
        swallowed: The line in which a quoted text of several lines begins that looks as if it held
            rows; None where no text does.
    """

    checksum: str
    swallowed: int | None


_scans: dict[tuple[str, str], Scan] = {}
"""What was found, by address and looks: a file is looked at once a process."""


def check_header(file: str, line: bytes) -> None:
    """Refuse a header that opens a quote and does not close it: it would swallow the first rows.

    Raises:
        InputError: It does.
    """
    if not ROW.fullmatch(line):
        raise _unclosed(file, 1)


def scan(storage: LocalFiles, file: str, known: str = "") -> str:
    """The state of a file, which tells one content from another: its looks and a checksum.

    Args:
        storage: Reads it.
        file: An absolute path or URI.
        known: An earlier state. A file that looks as it did then is not read again.

    Raises:
        InputError: It is not UTF-8 to its end, it ends inside quotes, or its lines end otherwise.
        OSError: It cannot be read.
    """
    looks = storage.looks(file)
    if known.startswith(looks):
        return known
    if (file, looks) not in _scans:
        _scans[file, looks] = _look(file, storage.chunks(file, CHUNK))
    return looks + _scans[file, looks].checksum


def warn_of_swallowed_rows(storage: LocalFiles, file: str) -> str:
    """A sentence on a text that looks as if it held rows; empty where none was seen in the file."""
    found = _scans.get((file, storage.looks(file)))
    if found is None or found.swallowed is None:
        return ""
    return (
        f"{file.rpartition('/')[2]}: the quoted text that begins in line {found.swallowed} holds "
        "what looks like rows. It was read as one text."
    )


def _look(file: str, chunks: Iterator[bytes]) -> Scan:
    decoder = codecs.getincrementaldecoder("utf-8")()
    checksum, line, rest = 0, 1, b""
    commas, swallowed = 0, None
    for chunk in chunks:
        checksum = zlib.crc32(chunk, checksum)
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as problem:
            before = (rest + chunk)[: max(len(rest) + problem.start, 0)]
            raise _not_utf_8(file, line + before.count(b"\n"), chunk) from None
        rest += chunk
        if line == 1:
            commas = rest.partition(b"\n")[0].count(b",")
        if rest.count(b"\r") > rest.count(b"\r\n"):
            _refuse_other_line_ends(file, line, rest, commas)
        if b'"' not in rest:
            done = rest.rfind(b"\n") + 1
        else:
            done = _end(LINES.match(rest))
            while row := ROW_AND_END.match(rest, done):
                if swallowed is None and _holds_rows(row[0], commas):
                    swallowed = line + rest.count(b"\n", 0, done)
                done = _end(LINES.match(rest, row.end()))
        line += rest.count(b"\n", 0, done)
        rest = rest[done:]
        if len(rest) > LONGEST_ROW:
            raise InputError(
                f"{for_message(file).rstrip('/')}: the row that begins in line {line} is longer "
                f"than {LONGEST_ROW // 2**20} MB.\nNothing was written.",
                "Is a quote in it not closed?",
            )
    if swallowed is None and _holds_rows(rest, commas):
        swallowed = line
    if not ROW.fullmatch(rest):
        raise _unclosed(file, line + rest.count(b"\n", 0, _end(FIELDS.match(rest))))
    return Scan(f"{checksum:08x}", swallowed)


def _end(found: re.Match[bytes] | None) -> int:
    """Where a pattern that also fits nothing ends."""
    return found.end() if found else 0


def _holds_rows(row: bytes, commas: int) -> bool:
    """Whether a line of a row of several lines looks like a row of its own."""
    inner = row.split(b"\n")[1:-1]
    return any(LIKE_A_ROW.match(text) and text.count(b",") >= commas for text in inner)


def _refuse_other_line_ends(file: str, line: int, rows: bytes, commas: int) -> None:
    """Refuse rows that end in a carriage return alone: Spark would take them all for one."""
    for found in AFTER_RETURN.finditer(rows):
        before = rows.count(b"\n", 0, found.start())
        is_quoted = rows.count(b'"', 0, found.start()) % 2 == 1
        if found[1].count(b",") >= commas and not is_quoted:
            raise InputError(
                f"{for_message(file).rstrip('/')}: the rows from line {line + before} on do not "
                "end in LF or CRLF.\nNothing was written.",
                "Save it with lines that end in LF or CRLF (in Excel:  CSV UTF-8).",
            )


def _unclosed(file: str, line: int) -> InputError:
    return InputError(
        f"{for_message(file).rstrip('/')}: a quote that opens in line {line} is never closed.\n"
        "Nothing was written.",
        'Close it, or write a quote within a field twice and the field in quotes:  "5"" pipe"',
    )


def _not_utf_8(file: str, line: int, chunk: bytes) -> InputError:
    fits = "UTF-16" if b"\0" in chunk else "Windows-1252"
    return InputError(
        f"{for_message(file).rstrip('/')}: line {line} is not UTF-8 text.\nNothing was written.",
        f"It may be {fits}: save it as UTF-8 (in Excel:  CSV UTF-8).",
    )
