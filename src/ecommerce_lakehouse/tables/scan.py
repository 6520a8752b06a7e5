"""One look at every byte of a raw file on this machine: is it UTF-8, and does every quote close?

Spark reads a file that breaks these rules without a word: bytes that are no UTF-8 become U+FFFD,
and a quote that never closes swallows all rows after it.
"""

from __future__ import annotations

import codecs
import re
import zlib
from functools import lru_cache
from pathlib import Path

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.paths import for_message

CHUNK = 4 * 2**20
"""Bytes that are looked at together."""
_FIELD = rb'(?:"[^"]*+(?:""[^"]*+)*+"[^,\n]*+|[^",\n][^,\n]*+|)'
ROWS = re.compile(rb"(?:" + _FIELD + rb"(?:," + _FIELD + rb")*+\n)*+")
"""Whole rows. What stands behind a closing quote belongs to the field, as Spark has it."""
FIELDS = re.compile(rb"(?:" + _FIELD + rb",)*+")
ROW = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*+")


def check_header(file: str, line: bytes) -> None:
    """Refuse a header that opens a quote and does not close it: it would swallow the first rows.

    Raises:
        InputError: It does.
    """
    if not ROW.fullmatch(line):
        raise _unclosed(file, 1)


def scan(file: str, known: str = "") -> str:
    """The state of a file as `Storage.state` tells it, after all of its bytes were looked at.

    A file that looks as in the known state is not read again.

    Raises:
        InputError: It is not UTF-8 to its end, or it ends inside quotes.
        OSError: It cannot be read.
    """
    found = Path(file).stat()
    looks = f"{found.st_size} bytes, {found.st_mtime_ns // 1_000_000}, "
    return known if known.startswith(looks) else looks + _checksum(Path(file), found.st_mtime_ns)


@lru_cache(maxsize=1024)
def _checksum(path: Path, mtime_ns: int) -> str:
    """Look at a file once a process, and again when it has changed."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    checksum, line, rest = 0, 1, b""
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            checksum = zlib.crc32(chunk, checksum)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as problem:
                before = (rest + chunk)[: max(len(rest) + problem.start, 0)]
                raise _not_utf_8(path, line + before.count(b"\n"), chunk) from None
            rest += chunk
            if b'"' not in rest:
                whole = rest.rfind(b"\n") + 1
            else:
                matched = ROWS.match(rest)
                whole = matched.end() if matched else 0
            line += rest.count(b"\n", 0, whole)
            rest = rest[whole:]
            if not chunk:
                break
    if not ROW.fullmatch(rest):
        opened = FIELDS.match(rest)
        line += rest.count(b"\n", 0, opened.end() if opened else 0)
        raise _unclosed(str(path), line)
    return f"{checksum:08x}"


def _unclosed(file: str, line: int) -> InputError:
    return InputError(
        f"{for_message(file).rstrip('/')}: a quote that opens in line {line} is never closed.\n"
        "Nothing was written.",
        'Close it, or write a quote within a field twice and the field in quotes:  "5"" pipe"',
    )


def _not_utf_8(path: Path, line: int, chunk: bytes) -> InputError:
    fits = "UTF-16" if b"\0" in chunk else "Windows-1252"
    return InputError(
        f"{for_message(str(path)).rstrip('/')}: line {line} is not UTF-8 text.\n"
        "Nothing was written.",
        f"It may be {fits}: save it as UTF-8 (in Excel:  CSV UTF-8).",
    )
