"""Which rows each delivery brings, and how they are spelled.

A delivery brings what is new, what has changed since, and, as real systems do, a few
rows that were sent before. A row is kept as numbers, a code for each spelling, until
the number of the thing that it is about is known.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike

from ecommerce_lakehouse.shop import names, text
from ecommerce_lakehouse.shop.calendar import CUTS, Floats, Ints
from ecommerce_lakehouse.shop.catalogue import FIRST_PRODUCT_ID
from ecommerce_lakehouse.shop.history import (
    GROUP,
    STRIDE,
    Block,
    Customers,
    Items,
    Orders,
)

_LAST_DELIVERY = len(CUTS) - 1
_CHANGED_CUSTOMERS = 0.03
_REPEATED = {"customers": 0.015, "orders": 0.012, "order_items": 0.004}

NEW, CHANGED, REPEATED = range(3)

#: What every row says: the place of the thing it is about, the place of what that refers to
#: (an order's customer, an item's order), the thing's day, the delivery that brings the row,
#: and whether it is the first of its key, one that differs from the one before, or a repeat.
_EVERY_ROW = [("place", "i8"), ("ref", "i8"), ("day", "i2"), ("delivery", "i1"), ("kind", "i1")]
LAYOUT: Mapping[str, DTypeLike] = {
    table: np.dtype([*_EVERY_ROW, *columns])
    for table, columns in {
        "customers": [
            *(("first", "i4"), ("last", "i4"), ("first_in_email", "i4"), ("last_in_email", "i4")),
            *(("domain", "i4"), ("country", "i4"), ("date", "i4")),
        ],
        "orders": [("date", "i4"), ("status", "i4"), ("cost", "i4")],
        "order_items": [("product", "i4"), ("quantity", "i4"), ("price", "i4")],
    }.items()
}
"""The rows of each table, as they are kept until they are written."""


def _spelling(u: Floats, *shares: float) -> Ints:
    """Draw a spelling: 1, 2, ... with the given shares, else tidy."""
    at = np.searchsorted(np.cumsum(shares), u, side="right") + 1
    result: Ints = np.where(at > len(shares), text.TIDY, at)
    return result


def _repeats(u: Floats, table: str, since: Ints, single: np.ndarray) -> tuple[Ints, Ints]:
    """Choose rows to send again, and the delivery that does."""
    share = _REPEATED[table]
    at = np.flatnonzero((u < share) & single & (since < _LAST_DELIVERY))
    wait = u[at] / share * (_LAST_DELIVERY - since[at])
    return at, since[at] + 1 + wait.astype(np.int64)


def _stack(table: str, *groups: tuple[Ints, Ints]) -> tuple[Ints, np.ndarray]:
    """Stack new, changed and repeated rows: what each is about, and the rows to fill in."""
    at = np.concatenate([g[0] for g in groups])
    rows = np.empty(len(at), LAYOUT[table])
    rows["delivery"] = np.concatenate([g[1] for g in groups])
    rows["kind"] = np.repeat([NEW, CHANGED, REPEATED], [len(g[0]) for g in groups])
    return at, rows


def _customer_rows(block: Block) -> np.ndarray:
    """The rows of raw_customers: 3 % move or change their address one day."""
    c, rng = block.customers, block.rng
    n = len(c.day)
    u = rng.random((8, n))
    since = np.searchsorted(CUTS, c.day, side="left").astype(np.int64)
    moves = (u[0] < _CHANGED_CUSTOMERS) & (since < _LAST_DELIVERY)
    moved = np.flatnonzero(moves)
    wait = u[0][moved] / _CHANGED_CUSTOMERS * (_LAST_DELIVERY - since[moved])
    at, rows = _stack(
        "customers",
        (np.arange(n), since),
        (moved, since[moved] + 1 + wait.astype(np.int64)),
        _repeats(u[1], "customers", since, ~moves),
    )
    changed = rows["kind"] == CHANGED
    country = (c.country[at] + (changed & (at % 2 == 0))) % len(names.COUNTRIES)
    domain = (c.domain[at] + (changed & (at % 2 == 1))) % len(names.DOMAINS)
    first = _spelling(u[2], 0.015, 0.015, 0.004)
    last = _spelling(u[3], 0.015, 0.015, 0.006)
    # Early in each block one name with a line break (rare, and the end of naive
    # readers), one with quotes and one with a comma.
    odd = int(u[7, 0] * min(20, -(-n // (GROUP + 1)))) * (GROUP + 1)
    first[odd : odd + 2] = (text.LINE_BREAK, text.QUOTED)[: n - odd]
    last[odd + 2 : odd + 3] = text.QUOTED
    email = _spelling(u[4], 0.03)[at]
    in_first, in_last, in_domain = text.email_parts()
    rows["place"] = block.number * STRIDE["customers"] + at
    rows["ref"], rows["day"] = 0, c.day[at]
    rows["first"] = text.first_names().code(c.first[at], first[at])
    rows["last"] = text.last_names().code(c.last[at], last[at])
    rows["first_in_email"] = in_first.code(c.first[at], email)
    rows["last_in_email"] = in_last.code(c.last[at], email)
    rows["domain"] = in_domain.code(domain, email)
    rows["country"] = text.countries().code(country, _spelling(u[5], 0.02, 0.01)[at])
    rows["date"] = text.dates("\n").code(c.day[at], _spelling(u[6], 0.01)[at])
    return rows


def _order_rows(block: Block) -> np.ndarray:
    """The rows of raw_orders: new ones, and those whose status has moved on."""
    o, rng = block.orders, block.rng
    n = len(o.day)
    u = rng.random((4, n))
    steps = np.arange(1, len(CUTS))
    moves = (o.status[:, 1:] != o.status[:, :-1]) & (steps > o.delivery[:, None])
    moved, step = np.nonzero(moves)
    at, rows = _stack(
        "orders",
        (np.arange(n), o.delivery),
        (moved, step + 1),
        _repeats(u[0], "orders", o.delivery, ~moves.any(axis=1)),
    )
    # A repeat belongs to an order whose status never moves, so this is its status.
    status = o.status[at, rows["delivery"]]
    free = o.shipping == 0
    cost = np.where(free, u[1] < 0.3, _spelling(u[1], 0.01, 0.005))
    rows["place"] = block.number * STRIDE["orders"] + at
    rows["day"] = o.day[at]
    rows["ref"] = block.number * STRIDE["customers"] + o.customer[at]
    rows["date"] = text.dates().code(o.day[at], _spelling(u[2], 0.01)[at])
    rows["status"] = text.statuses().code(status, _spelling(u[3], 0.015, 0.01, 0.01)[at])
    rows["cost"] = text.shipping().code(o.shipping[at], cost.astype(np.int64)[at])
    return rows


def _item_rows(block: Block) -> np.ndarray:
    """The rows of raw_order_items: items never change, but some are sent twice."""
    i, o, rng = block.items, block.orders, block.rng
    n = len(i.order)
    u = rng.random((3, n))
    at, rows = _stack(
        "order_items",
        (np.arange(n), i.delivery),
        (np.empty(0, np.int64), np.empty(0, np.int64)),
        _repeats(u[0], "order_items", i.delivery, np.ones(n, dtype=bool)),
    )
    rows["place"] = block.number * STRIDE["order_items"] + at
    rows["day"] = o.day[i.order[at]]
    rows["ref"] = block.number * STRIDE["orders"] + i.order[at]
    rows["product"] = text.product_ids().code(i.product_id[at] - FIRST_PRODUCT_ID, text.TIDY)
    rows["quantity"] = text.quantities().code(i.quantity[at], _spelling(u[1], 0.01)[at])
    rows["price"] = text.prices().code(i.unit_price[at], _spelling(u[2], 0.01, 0.005)[at])
    return rows


def _customer_lines(rows: np.ndarray, number: Ints, _: Ints) -> pa.Array:
    in_first, in_last, in_domain = text.email_parts()
    numbers = text.integers(number)
    return text.join(
        numbers,
        text.emails(
            in_first[rows["first_in_email"]],
            in_last[rows["last_in_email"]],
            numbers,
            in_domain[rows["domain"]],
        ),
        text.first_names()[rows["first"]],
        text.last_names()[rows["last"]],
        text.countries()[rows["country"]],
        text.dates("\n")[rows["date"]],
    )


def _order_lines(rows: np.ndarray, number: Ints, customer: Ints) -> pa.Array:
    return text.join(
        text.integers(number),
        text.integers(customer),
        text.dates()[rows["date"]],
        text.statuses()[rows["status"]],
        text.shipping()[rows["cost"]],
    )


def _item_lines(rows: np.ndarray, number: Ints, order: Ints) -> pa.Array:
    return text.join(
        text.integers(number),
        text.integers(order),
        text.product_ids()[rows["product"]],
        text.quantities()[rows["quantity"]],
        text.prices()[rows["price"]],
    )


DRAW: Mapping[str, Callable[[Block], np.ndarray]] = {
    "customers": _customer_rows,
    "orders": _order_rows,
    "order_items": _item_rows,
}
"""What draws the rows of each table."""

LINES: Mapping[str, Callable[[np.ndarray, Ints, Ints], pa.Array]] = {
    "customers": _customer_lines,
    "orders": _order_lines,
    "order_items": _item_lines,
}
"""What writes them, once their numbers are known and those of what they refer to."""


def customer_fields(c: Customers, at: int) -> list[str]:
    """One customer's row, tidy, as fields; `{id}` stands for the customer's number."""
    first, last = int(c.first[at]), int(c.last[at])
    names_ascii = f"{names.FIRST_NAMES[first][1]}.{names.LAST_NAMES[last][1]}"
    return [
        "{id}",
        f"{names_ascii}{{id}}@{names.DOMAINS[c.domain[at]]}",
        names.FIRST_NAMES[first][0],
        names.LAST_NAMES[last][0],
        names.COUNTRIES[c.country[at]],
        text.dates().tidy(int(c.day[at])),
    ]


def order_fields(o: Orders, at: int, delivery: int) -> list[str]:
    """One order's row at a delivery, tidy, as fields; `{ref}` stands for its customer's number."""
    return [
        "{id}",
        "{ref}",
        text.dates().tidy(int(o.day[at])),
        text.STATUSES[o.status[at, delivery]],
        text.money(int(o.shipping[at])),
    ]


def item_fields(i: Items, at: int) -> list[str]:
    """One item's row, tidy, as fields; `{ref}` stands for its order's number."""
    return [
        "{id}",
        "{ref}",
        str(i.product_id[at]),
        str(i.quantity[at]),
        text.money(int(i.unit_price[at])),
    ]
