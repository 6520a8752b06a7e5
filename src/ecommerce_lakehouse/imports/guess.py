"""A first mapping for a folder of exports, with its doubts as comments."""

from __future__ import annotations

import csv
import difflib
import glob
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.imports.reading import LONGEST_FIELD, check_folder
from ecommerce_lakehouse.layers.bronze import RAW_COLUMNS

LOOKED_AT = 1000
"""How many rows of a file are looked at."""
LOOKED_INTO = 2**20
"""How many bytes of it."""
WORDS = {
    "customer_id": "customer id, customer number, client id, user id, buyer id, customer",
    "email": "email, e mail, mail, customer email, billing email, email billing",
    "first_name": "first name, firstname, given name, billing first name, first name billing",
    "last_name": "last name, lastname, surname, family name, billing last name, last name billing",
    "country": "country, country code, billing country, country code billing",
    "created_at": "created at, registered, registration date, customer since, date created",
    "order_id": "order id, order number, order no, invoice, invoice no, name, order",
    "order_date": "order date, created at, date, purchase date, invoicedate, ordered at",
    "status": "status, order status, financial status, state",
    "shipping_cost": "shipping, shipping cost, shipping amount, order shipping amount, freight",
    "order_item_id": "order item id, line id, item id",
    "product_id": "product id, sku, item sku, stockcode, lineitem sku, article number",
    "quantity": "quantity, qty, lineitem quantity, units, amount",
    "unit_price": "unit price, price, item cost, lineitem price, item price",
    "product_name": "product name, item name, lineitem name, title, description, name",
    "category": "category, product category, product type, vendor, department",
    "cost_price": "cost price, cost, purchase price, unit cost",
    "list_price": "list price, price, regular price, retail price, item cost, lineitem price",
}
"""What exports call a column, the likeliest first."""
DATES = (
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%d-%m-%Y",
    "%Y%m%d",
    "%d.%m.%y",
)
MONEY = ("shipping_cost", "unit_price", "cost_price", "list_price")
INSTEAD = {"customers": ("customer_id", "email"), "products": ("product_id", "product_name")}
"""What tells the rows of a raw file apart where an export has no number for them."""
NUMBERS = ("customer_id", "order_id", "order_item_id", "product_id")


@dataclass(frozen=True)
class Export:
    """The beginning of an export.

    Attributes:
        name: The file's name.
        encoding: What it seems to be written in.
        delimiter: What seems to stand between two fields.
        rows: The first rows, by column.
    """

    name: str
    encoding: str
    delimiter: str
    rows: list[dict[str, str]]

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        return list(self.rows[0]) if self.rows else []

    def texts(self, column: str) -> list[str]:
        """What stands in a column, where something does."""
        return [row[column].strip() for row in self.rows if (row[column] or "").strip()]


def guess_mapping(folder: Path) -> str:
    """The text of a mapping for the CSV files of a folder.

    Args:
        folder: The exports.

    Raises:
        InputError: There is no folder, no CSV file with a row, or one that is no text.
    """
    check_folder(folder, "--guess")
    exports = [
        found
        for path in sorted(folder.glob("*.csv"))
        if path.is_file() and (found := _look(path)).rows
    ]
    if not exports:
        raise InputError(f"{folder} has no CSV file with a row.", "Name the folder with:  --guess")
    said = [
        "# A first guess. Read every line: what is in doubt says so.",
        "# What each line may say is in docs/import.md.",
    ]
    for table in RAW_COLUMNS:
        said += ["", *_guess_table(table, exports)]
    return "\n".join(said) + "\n"


def _look(path: Path) -> Export:
    csv.field_size_limit(LONGEST_FIELD)
    with path.open("rb") as file:
        beginning = file.read(LOOKED_INTO)
    encoding = "utf-8"
    try:
        beginning.decode("utf-8")
    except UnicodeDecodeError as problem:
        if problem.end < len(beginning) - 4:
            encoding = "cp1252"
    text = beginning.decode(encoding, errors="replace").lstrip("\ufeff")
    header = text.partition("\n")[0]
    if re.search(r"[\x00-\x08\x0e-\x1f]", header):
        raise InputError(
            f"{path.name} is no text: it may be compressed, or UTF-16.",
            "Unpack it, or save it as UTF-8; or move it out of the folder.",
        )
    delimiter = max(",;\t|", key=header.count)
    lines = text.splitlines(keepends=True)
    rows = list(islice(csv.DictReader(lines, delimiter=delimiter, restval=""), LOOKED_AT))
    for row in rows:
        row.pop(None, None)
    return Export(path.name, encoding, delimiter, rows)


def _guess_table(table: str, exports: list[Export]) -> Iterator[str]:
    best = max(exports, key=lambda each: sum(bool(_find(c, each)) for c in RAW_COLUMNS[table]))
    yield f"[{table}]"
    yield f"from = {_quote(glob.escape(best.name))}"
    if best.delimiter != ",":
        yield f"delimiter = {_quote(best.delimiter)}"
    if best.encoding != "utf-8":
        yield f'encoding = "{best.encoding}"  # in doubt: it is not UTF-8'
    key = _find(RAW_COLUMNS[table][0], best) or (
        table == "products" and _find("product_name", best)
    )
    if table == "customers" and not key:
        key = _find("email", best)
    repeated = bool(key) and len(set(best.texts(str(key)))) < len(best.texts(str(key)))
    if repeated and table != "order_items":
        yield 'rows = "first"  # the export has several rows for some'
    yield ""
    yield f"[{table}.columns]"
    for column in RAW_COLUMNS[table]:
        yield _guess_cell(table, column, best, repeated)


def _guess_cell(table: str, column: str, export: Export, repeated: bool) -> str:
    found = _find(column, export)
    if column == "order_item_id" and not found and (order := _find("order_id", export)):
        return f"{column} = {{ number = {_quote(order)}, line = true }}"
    if not found and column in NUMBERS:
        instead = dict(INSTEAD.values()).get(column, "")
        found = _find(instead, export) if instead else ""
        if found:
            return f"{column} = {{ number = {_quote(found)} }}  # in doubt: no column has a number"
    if not found:
        return f'{column} = {{ value = "" }}  # in doubt: nothing like it is in {export.name}'
    texts = export.texts(found)
    more, doubt = "", ""
    if column in NUMBERS and any(not re.fullmatch(r"-?\d{1,18}", text) for text in texts):
        return f"{column} = {{ number = {_quote(found)} }}"
    if column in MONEY and any("," in text for text in texts):
        after = any(re.search(r",\d{1,2}$", text) for text in texts)
        more = ', decimal = ",", thousands = "."' if after else ', decimal = ".", thousands = ","'
    if column in ("created_at", "order_date"):
        more, doubt = _guess_date(texts)
        if repeated and table == "customers":
            more += ", least = true"
    if column == "status":
        seen = sorted({" ".join(text.lower().split()) for text in texts})
        doubt = f"  # in doubt: what is completed? There is {', '.join(seen[:8])}"
    if not more:
        return f"{column} = {_quote(found)}{doubt}"
    return f"{column} = {{ column = {_quote(found)}{more} }}{doubt}"


def _guess_date(texts: list[str]) -> tuple[str, str]:
    """What to say of a date; ambiguous ones are in doubt."""
    part = ", part = 1" if any(" " in text for text in texts) else ""
    if any("T" in text for text in texts):
        part = ', part = 1, of = "T"'
    days = [re.split(r"[ T]", text)[0] for text in texts]
    fits = [form for form in DATES if days and all(_is_date(day, form) for day in days)]
    if not fits:
        return part, "  # in doubt: no usual way to write a date fits"
    more = part if fits[0] == "%Y-%m-%d" else f'{part}, date = "{fits[0]}"'
    others = [form for form in fits[1:] if form[:2] != fits[0][:2]]
    return more, f"  # in doubt: it may also be {others[0]}" if others else ""


def _is_date(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def _find(column: str, export: Export) -> str:
    """The column of an export that seems to be meant; empty where none does."""
    plain = {_plain(name): name for name in reversed(export.columns)}
    words = [column.replace("_", " "), *WORDS[column].split(", ")]
    for word in words:
        if word in plain:
            return plain[word]
    near = difflib.get_close_matches(words[0], plain, 1, cutoff=0.85)
    return plain[near[0]] if near else ""


def _plain(name: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", name.lower()))


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
