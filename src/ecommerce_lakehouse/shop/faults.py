"""Every way a raw row can break the contract, and rows broken that way on purpose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ecommerce_lakehouse.shop.calendar import day_texts
from ecommerce_lakehouse.shop.text import money

#: The columns of each raw file, in order.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "customers": (
        *("customer_id", "email", "first_name"),
        *("last_name", "country", "created_at"),
    ),
    "orders": ("order_id", "customer_id", "order_date", "status", "shipping_cost"),
    "order_items": (
        *("order_item_id", "order_id", "product_id"),
        *("quantity", "unit_price"),
    ),
    "products": (
        *("product_id", "product_name", "category"),
        *("cost_price", "list_price"),
    ),
}

_EMPTY = ("",)
_BLANK = ("", "  ")
_BAD_ID = ("X-{id}", "{id}.0", "99999999999999999999", "{id} {id}", "#{id}")
_BAD_DATE = (
    *("2023-02-30", "30/06/2023", "2023-6-1", "20230601", "2023-13-01"),
    *("2023-02-29", "yesterday", "2023-06-01 10:00", "0000-00-00"),
)
_BAD_MONEY = (
    *("-4.99", "free", "$5.99", '"5,99"', "1e1", "100000000.00", "5.", "NaN"),
    *(".99", "19.99 USD", "+3.00"),
)
_BAD_EMAIL = (
    *("not-an-email", "user{id}@localhost", "user {id}@example.com"),
    *("user{id}@@example.com", "@example.com", "user{id}.example.com", "user{id}@x."),
)
_BAD_QUANTITY = ("0", "-1", "two", "1.0", "3000000000", "1e2")
_HUGE = {3: ("2000000000",), 4: ("99999999.99",)}

CORRUPT, DUPLICATE = "corrupt_row", "duplicate_key"


@dataclass(frozen=True)
class Kind:
    """A way to break a row.

    Attributes:
        reason: What the quarantine must say.
        spoil: For each column to break (by position), the texts to break it with.
            ``{id}`` stands for the row's own id.
        extra: For a corrupt row: how many fields to add, or (negative) to drop.
    """

    reason: str
    spoil: Mapping[int, Sequence[str]]
    extra: int = 0


def _kinds(table: str, bad: Mapping[str, Sequence[str]], *more: Kind) -> list[Kind]:
    """One kind for each rule of a table, the two corrupt ones, and the given ones."""
    columns = COLUMNS[table]
    result = []
    for rule, texts in bad.items():
        column = columns.index(rule.partition("_")[2])
        result.append(Kind(rule, {column: texts}))
    corrupt = [Kind(CORRUPT, {}, extra) for extra in (-1, 1, -2, 2)]
    return [*result, *corrupt, *more]


KINDS: Mapping[str, list[Kind]] = {
    "customers": _kinds(
        "customers",
        {
            "missing_customer_id": _EMPTY,
            "invalid_customer_id": _BAD_ID,
            "missing_email": _BLANK,
            "invalid_email": _BAD_EMAIL,
            "missing_created_at": _EMPTY,
            "invalid_created_at": _BAD_DATE,
        },
        Kind("missing_customer_id,invalid_email", {0: _EMPTY, 1: _BAD_EMAIL}),
        Kind("invalid_email,invalid_created_at", {1: _BAD_EMAIL, 5: _BAD_DATE}),
    ),
    "orders": _kinds(
        "orders",
        {
            "missing_order_id": _EMPTY,
            "invalid_order_id": _BAD_ID,
            "missing_customer_id": _EMPTY,
            "invalid_customer_id": ("guest", "12 34", "C-17", "17.5"),
            "missing_order_date": _EMPTY,
            "invalid_order_date": _BAD_DATE,
            "missing_status": _BLANK,
            "invalid_shipping_cost": _BAD_MONEY,
        },
        Kind("invalid_order_date,invalid_shipping_cost", {2: _BAD_DATE, 4: _BAD_MONEY}),
        Kind("missing_customer_id,missing_status", {1: _EMPTY, 3: _BLANK}),
    ),
    "order_items": _kinds(
        "order_items",
        {
            "missing_order_item_id": _EMPTY,
            "invalid_order_item_id": _BAD_ID,
            "missing_order_id": _EMPTY,
            "invalid_order_id": ("O-{id}", "none", '"1,5"'),
            "missing_product_id": _EMPTY,
            "invalid_product_id": ("mouse", "1001a", "SKU-1002"),
            "missing_quantity": _EMPTY,
            "invalid_quantity": _BAD_QUANTITY,
            "missing_unit_price": _EMPTY,
            "invalid_unit_price": _BAD_MONEY,
        },
        Kind("invalid_line_total", _HUGE),
        Kind("invalid_order_id,invalid_line_total", {1: ("none",), **_HUGE}),
        Kind("invalid_quantity,invalid_unit_price", {3: _BAD_QUANTITY, 4: _BAD_MONEY}),
        Kind("missing_product_id,missing_quantity", {2: _EMPTY, 3: _EMPTY}),
    ),
    "products": _kinds(
        "products",
        {
            "missing_product_id": _EMPTY,
            "invalid_product_id": _BAD_ID,
            "missing_product_name": _BLANK,
            "missing_cost_price": _EMPTY,
            "invalid_cost_price": _BAD_MONEY,
            "missing_list_price": _EMPTY,
            "invalid_list_price": _BAD_MONEY,
        },
        Kind("missing_product_name,invalid_cost_price", {1: _EMPTY, 3: _BAD_MONEY}),
    ),
}


def spoil(fields: list[str], kind: Kind, variant: int) -> str:
    """Break a row.

    Args:
        fields: The row as it would be right; changed in place.
        kind: How to break it.
        variant: Which of the kind's texts to use, any number.

    Returns:
        The line, with its end. ``fields[0]`` is then the key as the file has it.
    """
    own = fields[0]
    for column, texts in kind.spoil.items():
        fields[column] = texts[variant % len(texts)].replace("{id}", own)
    if kind.extra < 0:
        del fields[kind.extra :]
    fields.extend(("?", "")[: kind.extra] if kind.extra > 0 else ())
    return ",".join(fields) + "\n"


def lose(table: str, fields: list[str], variant: int) -> str:
    """Make a second row with the same key that must lose against the first.

    Args:
        table: Which table it is for.
        fields: The row that must win, tidy; changed in place.
        variant: In which way it loses: an exact copy, an earlier date, or the same
            date and a smaller value in a later column. Any number.

    Returns:
        The line, with its end.
    """
    way = variant % 4
    if way == 1 and day_texts()[0] in fields:
        way = 3
    if way and table == "customers":
        if way == 1:
            fields[1], fields[5] = "old." + fields[1], _earlier(fields[5], variant)
        else:
            fields[3] = ""
    elif way and table == "orders":
        if way == 1:
            fields[2], fields[4] = _earlier(fields[2], variant), "99.00"
        elif way == 2 and fields[3] != "cancelled":
            fields[3], fields[4] = "cancelled", "99.00"
        else:
            fields[4] = ""
    elif way and table == "order_items":
        if way == 1:
            fields[1], fields[3] = str(int(fields[1]) - 1), "9"
        elif way == 2:
            fields[2], fields[3] = str(int(fields[2]) - 1), "9"
        else:
            fields[4] = "0.01"
    elif way and table == "products":
        cents = int(fields[3].replace(".", ""))
        fields[3], fields[4] = money(cents - 50), "999.00"
    return ",".join(fields) + "\n"


def _earlier(day: str, variant: int) -> str:
    days = day_texts()
    return days[max(days.index(day) - 1 - variant % 30, 0)]
