"""The product file: as a spreadsheet saves it, with a byte-order mark and CRLF."""

from ecommerce_lakehouse.shop.catalogue import FIRST_PRODUCT_ID, Product, products
from ecommerce_lakehouse.shop.faults import COLUMNS, DUPLICATE, KINDS, lose, spoil
from ecommerce_lakehouse.shop.text import money, quote

_DUPLICATES = 2


def _fields(product: Product) -> list[str]:
    return [
        str(product.product_id),
        quote(product.name),
        product.category,
        money(product.cost),
        money(product.list_price),
    ]


def _untidy(at: int, fields: list[str]) -> list[str]:
    """Spell some rows in another way that means the same."""
    category = fields[2]
    if at % 17 == 3:
        fields[2] = (category.upper(), category.lower(), f" {category} ")[at % 3]
    if at % 29 == 5 and not fields[1].startswith('"'):
        fields[1] = f" {fields[1]} "
    if at % 31 == 7:
        fields[4] = f" {fields[4]}"
    return fields


def _build() -> tuple[bytes, tuple[tuple[str | None, str], ...]]:
    """The file, and (key, reason) of each faulty row, in file order."""
    lines = [",".join(COLUMNS["products"]) + "\n"]
    faults: list[tuple[str | None, str]] = []
    planned = [*KINDS["products"], *([None] * _DUPLICATES)]
    for at, product in enumerate(products()):
        line = ",".join(_untidy(at, _fields(product))) + "\n"
        lines.append(line)
        if at % 8 != 4 or at // 8 >= len(planned):
            continue
        which, fields = at // 8, _fields(product)
        kind = planned[which]
        if kind is None:
            broken, reason = lose("products", fields, which), DUPLICATE
        else:
            fields[0] = str(FIRST_PRODUCT_ID + 7_000 + which)
            broken, reason = spoil(fields, kind, which), kind.reason
        # A duplicate may stand before the row that wins or behind it.
        lines.insert(len(lines) - which % 2, broken)
        faults.append((fields[0] or None, reason))
    lines.insert(61, "\n")
    text = "".join(lines).replace("\n", "\r\n")
    return b"\xef\xbb\xbf" + text.encode("utf-8"), tuple(faults)


_FILE, PRODUCT_FAULTS = _build()


def product_file() -> bytes:
    """The bytes of raw_products.csv, the same for a shop of any size."""
    return _FILE
