"""How values are spelled in the raw files, tidy or dirty, and joined to lines.

Every spelling that can occur is made once; a column is then a look-up. The lines of
a block stand one behind the other in an Arrow buffer, which is the file's bytes.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecommerce_lakehouse.shop import names
from ecommerce_lakehouse.shop.calendar import Ints, day_texts
from ecommerce_lakehouse.shop.catalogue import MAX_UNIT_CENTS, products

STATUSES = ("completed", "cancelled", "returned", "pending")

TIDY = 0
#: A name with a nickname in quotes (first) or ", Jr." (last), and one with a line break.
QUOTED, LINE_BREAK = 3, 4


def quote(text: str) -> str:
    """Quote a CSV field where RFC 4180 needs it.

    Returns:
        The value as it stands in the file.
    """
    if any(c in text for c in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def money(cents: int) -> str:
    """Write cents as an amount with two decimals.

    Returns:
        Such as ``12.05``.
    """
    return f"{cents // 100}.{cents % 100:02d}"


class Spellings:
    """All spellings of all values of one column, looked up by value and spelling."""

    def __init__(self, texts: Sequence[Sequence[str]], end: str = "") -> None:
        """Keep the texts."""
        self.width = len(texts[0])
        self.texts = [t for spellings in texts for t in spellings]
        self._array = pa.array([t + end for t in self.texts], pa.string())

    def code(self, value: Ints, spelling: Ints | int) -> Ints:
        """The number of each text, to look it up by."""
        return value * self.width + spelling

    def __getitem__(self, codes: Ints) -> pa.Array:
        """Look up the column's text, one row each."""
        return self._array.take(pa.array(codes))

    def tidy(self, value: int) -> str:
        """The plain spelling of one value, without the line's end."""
        return self.texts[value * self.width]


def _amounts(most: int, empty_zero: bool = False) -> list[list[str]]:
    result = []
    for cents in range(most + 1):
        plain = money(cents)
        # A tenth of a cent too precise: half up, not half to even.
        precise = money(cents - 1) + "5" if cents else plain
        padded = "" if empty_zero and not cents else f" {plain}"
        result.append([plain, padded, precise])
    return result


@lru_cache(maxsize=1)
def prices() -> Spellings:
    """Unit prices, last in their line, by cents."""
    return Spellings(_amounts(MAX_UNIT_CENTS), end="\n")


@lru_cache(maxsize=1)
def shipping() -> Spellings:
    """Shipping costs, last in their line, by cents; an untidy zero is empty."""
    return Spellings(_amounts(1_299, empty_zero=True), end="\n")


@lru_cache(maxsize=2)
def dates(end: str = "") -> Spellings:
    """Dates by day number."""
    return Spellings([[d, f"{d} "] for d in day_texts()], end)


@lru_cache(maxsize=1)
def statuses() -> Spellings:
    """Statuses by code."""
    return Spellings([[s, f"{s.capitalize()} ", s.upper(), f" {s}"] for s in STATUSES])


@lru_cache(maxsize=1)
def quantities() -> Spellings:
    """Quantities by number."""
    return Spellings([[str(q), f" {q}"] for q in range(10)])


@lru_cache(maxsize=1)
def product_ids() -> Spellings:
    """Product ids by position in the catalogue."""
    return Spellings([[str(p.product_id)] for p in products()])


@lru_cache(maxsize=1)
def countries() -> Spellings:
    """Countries by index."""
    return Spellings([[c, c.lower(), f" {c}"] for c in names.COUNTRIES])


@lru_cache(maxsize=1)
def first_names() -> Spellings:
    """First names by index, quoted where the file needs it."""
    return Spellings(
        [
            [
                n,
                f" {n}",
                n.lower(),
                quote(f'{n} "{n[:3]}"'),
                quote(f"{n}\n{n}"),
            ]
            for n, _ in names.FIRST_NAMES
        ]
    )


@lru_cache(maxsize=1)
def last_names() -> Spellings:
    """Last names by index, quoted where the file needs it."""
    return Spellings([[n, f"{n} ", n.lower(), quote(f"{n}, Jr."), n] for n, _ in names.LAST_NAMES])


@lru_cache(maxsize=1)
def email_parts() -> tuple[Spellings, Spellings, Spellings]:
    """What stands before the number in an address, twice, and behind it; by index."""
    first = [[f"{a}.", f"{a}.".upper()] for _, a in names.FIRST_NAMES]
    last = [[a, a.upper()] for _, a in names.LAST_NAMES]
    domain = [[f"@{d}", f"@{d}".upper()] for d in names.DOMAINS]
    return Spellings(first), Spellings(last), Spellings(domain)


def emails(first: pa.Array, last: pa.Array, number: pa.Array, domain: pa.Array) -> pa.Array:
    """Addresses such as ``zoe.lefevre17@example.com``; the number makes them unique."""
    return pc.binary_join_element_wise(first, last, number, domain, "")


def integers(values: Ints) -> pa.Array:
    """Integers as text."""
    return pc.cast(pa.array(values), pa.string())


def join(*columns: pa.Array) -> pa.Array:
    """Join columns to lines; the last column brings the line's end."""
    return pc.binary_join_element_wise(*columns, ",")


def slices(lines: pa.Array, file: Ints, place: Ints, files: int) -> list[memoryview]:
    """Sort lines into files; equal places keep their order.

    Returns:
        The bytes to append to each file.
    """
    order = np.argsort(place, kind="stable")
    order = order[np.argsort(file[order], kind="stable")]
    taken = lines.take(pa.array(order))
    if len(taken) == 0:
        return [memoryview(b"")] * files
    _, offsets, data = taken.buffers()
    ends = np.frombuffer(offsets, np.int32)
    bounds = ends[np.searchsorted(file[order], np.arange(files + 1))]
    view = memoryview(data) if data is not None else memoryview(b"")
    return [view[bounds[f] : bounds[f + 1]] for f in range(files)]
