"""Which rows each delivery brings, and how they are spelled.

A delivery brings what is new, what has changed since, and, as real systems do, a few
rows that were sent before.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ecommerce_lakehouse.shop import names, text
from ecommerce_lakehouse.shop.calendar import CUTS, Floats, Ints
from ecommerce_lakehouse.shop.catalogue import FIRST_PRODUCT_ID
from ecommerce_lakehouse.shop.history import (
    GROUP,
    Block,
    Customers,
    Items,
    Orders,
)

_LAST_DELIVERY = len(CUTS) - 1
_CHANGED_CUSTOMERS = 0.03
_REPEATED = {"customers": 0.015, "orders": 0.012, "order_items": 0.004}


@dataclass(frozen=True)
class Rows:
    """The rows of one table in all deliveries; faults come on top.

    Attributes:
        at: Which customer, order or item of the block the row is about.
        delivery: Which delivery brings it.
        customer: Position in the block of the customer it hangs on.
        new, changed: First row of its key; row that differs from the one before.
            A row that is neither is a repeat.
        lines: The text.
    """

    at: Ints
    delivery: Ints
    customer: Ints
    new: np.ndarray
    changed: np.ndarray
    lines: pa.Array

    def keep(self, before: int) -> "Rows":
        """Only the rows of customers before a position."""
        kept = self.customer < before
        if kept.all():
            return self
        return Rows(
            self.at[kept],
            self.delivery[kept],
            self.customer[kept],
            self.new[kept],
            self.changed[kept],
            self.lines.filter(pa.array(kept)),
        )


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


def _stack(*groups: tuple[Ints, Ints]) -> tuple[Ints, Ints, np.ndarray, np.ndarray]:
    """Stack new, changed and repeated rows: (at, delivery, new, changed)."""
    at = np.concatenate([g[0] for g in groups])
    delivery = np.concatenate([g[1] for g in groups])
    kind = np.repeat(np.arange(3), [len(g[0]) for g in groups])
    return at, delivery, kind == 0, kind == 1


def customer_rows(block: Block) -> Rows:
    """The rows of raw_customers: 3 % move or change their address one day."""
    c, rng = block.customers, block.rng
    n = len(c.customer_id)
    u = rng.random((8, n))
    since = np.searchsorted(CUTS, c.day, side="left").astype(np.int64)
    moves = (u[0] < _CHANGED_CUSTOMERS) & (since < _LAST_DELIVERY)
    moved = np.flatnonzero(moves)
    wait = u[0][moved] / _CHANGED_CUSTOMERS * (_LAST_DELIVERY - since[moved])
    at, delivery, new, changed = _stack(
        (np.arange(n), since),
        (moved, since[moved] + 1 + wait.astype(np.int64)),
        _repeats(u[1], "customers", since, ~moves),
    )
    country = (c.country[at] + (changed & (at % 2 == 0))) % len(names.COUNTRIES)
    domain = (c.domain[at] + (changed & (at % 2 == 1))) % len(names.DOMAINS)
    first = _spelling(u[2], 0.015, 0.015, 0.004)
    last = _spelling(u[3], 0.015, 0.015, 0.006)
    # Early in each block one name with a line break (rare, and the end of naive
    # readers), one with quotes and one with a comma.
    odd = int(u[7, 0] * 20) * (GROUP + 1)
    first[odd], first[odd + 1], last[odd + 2] = text.LINE_BREAK, text.QUOTED, text.QUOTED
    email = _spelling(u[4], 0.03)[at]
    lines = text.join(
        text.integers(c.customer_id[at]),
        text.emails(c.first[at], c.last[at], c.customer_id[at], domain, email),
        text.first_names()[c.first[at], first[at]],
        text.last_names()[c.last[at], last[at]],
        text.countries()[country, _spelling(u[5], 0.02, 0.01)[at]],
        text.dates("\n")[c.day[at], _spelling(u[6], 0.01)[at]],
    )
    return Rows(at, delivery, at, new, changed, lines)


def order_rows(block: Block) -> Rows:
    """The rows of raw_orders: new ones, and those whose status has moved on."""
    o, rng = block.orders, block.rng
    n = len(o.order_id)
    u = rng.random((4, n))
    steps = np.arange(1, len(CUTS))
    moves = (o.status[:, 1:] != o.status[:, :-1]) & (steps > o.delivery[:, None])
    moved, step = np.nonzero(moves)
    at, delivery, new, changed = _stack(
        (np.arange(n), o.delivery),
        (moved, step + 1),
        _repeats(u[0], "orders", o.delivery, ~moves.any(axis=1)),
    )
    # A repeat belongs to an order whose status never moves, so this is its status.
    status = o.status[at, delivery]
    free = o.shipping == 0
    cost = np.where(free, u[1] < 0.3, _spelling(u[1], 0.01, 0.005))
    lines = text.join(
        text.integers(o.order_id[at]),
        text.integers(block.customers.customer_id).take(pa.array(o.customer[at])),
        text.dates()[o.day[at], _spelling(u[2], 0.01)[at]],
        text.statuses()[status, _spelling(u[3], 0.015, 0.01, 0.01)[at]],
        text.shipping()[o.shipping[at], cost.astype(np.int64)[at]],
    )
    return Rows(at, delivery, o.customer[at], new, changed, lines)


def item_rows(block: Block) -> Rows:
    """The rows of raw_order_items: items never change, but some are sent twice."""
    i, o, rng = block.items, block.orders, block.rng
    n = len(i.item_id)
    u = rng.random((3, n))
    at, delivery, new, changed = _stack(
        (np.arange(n), i.delivery),
        (np.empty(0, np.int64), np.empty(0, np.int64)),
        _repeats(u[0], "order_items", i.delivery, np.ones(n, dtype=bool)),
    )
    lines = text.join(
        text.integers(i.item_id[at]),
        text.integers(o.order_id).take(pa.array(i.order[at])),
        text.product_ids()[i.product_id[at] - FIRST_PRODUCT_ID, text.TIDY],
        text.quantities()[i.quantity[at], _spelling(u[1], 0.01)[at]],
        text.prices()[i.unit_price[at], _spelling(u[2], 0.01, 0.005)[at]],
    )
    return Rows(at, delivery, o.customer[i.order[at]], new, changed, lines)


def customer_fields(c: Customers, at: int) -> list[str]:
    """One customer's row, tidy, as fields."""
    first, last = int(c.first[at]), int(c.last[at])
    names_ascii = f"{names.FIRST_NAMES[first][1]}.{names.LAST_NAMES[last][1]}"
    return [
        str(c.customer_id[at]),
        f"{names_ascii}{c.customer_id[at]}@{names.DOMAINS[c.domain[at]]}",
        names.FIRST_NAMES[first][0],
        names.LAST_NAMES[last][0],
        names.COUNTRIES[c.country[at]],
        text.dates().tidy(int(c.day[at])),
    ]


def order_fields(c: Customers, o: Orders, at: int, delivery: int) -> list[str]:
    """One order's row at a delivery, tidy, as fields."""
    return [
        str(o.order_id[at]),
        str(c.customer_id[o.customer[at]]),
        text.dates().tidy(int(o.day[at])),
        text.STATUSES[o.status[at, delivery]],
        text.money(int(o.shipping[at])),
    ]


def item_fields(o: Orders, i: Items, at: int) -> list[str]:
    """One item's row, tidy, as fields."""
    return [
        str(i.item_id[at]),
        str(o.order_id[i.order[at]]),
        str(i.product_id[at]),
        str(i.quantity[at]),
        text.money(int(i.unit_price[at])),
    ]
