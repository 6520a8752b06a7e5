"""Rows that come on top of the real ones: faults, unknown references, blank lines.

Each stands beside a host, a real row it was copied from, and stays or goes with the
host's customer, so that a larger shop begins with the smaller one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from ecommerce_lakehouse.shop import rows
from ecommerce_lakehouse.shop.calendar import CUTS, DELIVERIES, Ints
from ecommerce_lakehouse.shop.catalogue import FIRST_PRODUCT_ID, ladder
from ecommerce_lakehouse.shop.faults import DUPLICATE, KINDS, lose, spoil
from ecommerce_lakehouse.shop.history import (
    BLOCK,
    COMPLETED,
    CUSTOMER_STRIDE,
    ITEM_STRIDE,
    LATER,
    ORDER_STRIDE,
    Block,
)
from ecommerce_lakehouse.shop.text import money

#: Share of faulty rows in the main files and in the later deliveries.
FAULTS, LATER_FAULTS = 0.0135, 0.01
_DUPLICATES_OF_ALL = 0.12
# All kinds come once among the first eighth of a block's rows, so that a shop of
# a few hundred customers already has each.
_EARLY = 0.12

_UNKNOWN_CUSTOMERS, _UNKNOWN_ORDERS, _UNKNOWN_PRODUCTS = 6, 8, 10
_BLANKS = 2

#: Places in a file: a row about the i-th thing of the block stands at 4 x i, an extra
#: row just before or after it.
STEP = 4
BLANK, UNKNOWN = "", "unknown"


@dataclass
class Extras:
    """Extra rows of one table.

    Attributes:
        lines, place, delivery, customer: As in `rows.Rows`, with places instead of
            positions.
        reason: Why the row must be rejected; `BLANK` for a blank line, `UNKNOWN` for
            a good row with an unknown reference.
        key: The first field, or None where it is empty.
    """

    lines: list[str] = field(default_factory=list)
    place: list[int] = field(default_factory=list)
    delivery: list[int] = field(default_factory=list)
    customer: list[int] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)
    key: list[str | None] = field(default_factory=list)

    def add(
        self,
        line: str,
        place: int,
        customer: int,
        reason: str,
        key: str = "",
        delivery: int = 0,
    ) -> None:
        """Add one row."""
        self.lines.append(line)
        self.place.append(place)
        self.customer.append(customer)
        self.reason.append(reason)
        self.key.append(key or None)
        self.delivery.append(delivery)

    def keep(self, before: int) -> "Extras":
        """Only the rows hosted by customers before a position."""
        at = [i for i, c in enumerate(self.customer) if c < before]
        return Extras(
            [self.lines[i] for i in at],
            [self.place[i] for i in at],
            [self.delivery[i] for i in at],
            [self.customer[i] for i in at],
            [self.reason[i] for i in at],
            [self.key[i] for i in at],
        )


@dataclass
class Planted:
    """What was planted in a block, and the good rows among it.

    Attributes:
        extras: By table.
        strangers: (customer position, units, shipping and item cents) of each
            completed order of an unknown customer; its one product is known.
        novelties: (customer position, position of the order, cents) of each item of
            an unknown product on a real, completed order.
    """

    extras: dict[str, Extras]
    strangers: list[tuple[int, int, int, int]]
    novelties: list[tuple[int, int, int]]


def plant(block: Block) -> Planted:
    """Make the extra rows of a block.

    Returns:
        The rows to add, and what the good ones among them are worth.
    """
    c, o, i, rng = block.customers, block.orders, block.items, block.rng
    base = block.number * CUSTOMER_STRIDE + BLOCK + LATER
    since = np.searchsorted(CUTS, c.day, side="left").astype(np.int64)
    extras = {
        "customers": _faults(
            "customers",
            rng,
            since,
            np.arange(len(since)),
            lambda at, _: rows.customer_fields(c, at),
            base + 51,
        ),
        "orders": _faults(
            "orders",
            rng,
            o.delivery,
            o.customer,
            lambda at, delivery: rows.order_fields(c, o, at, delivery),
            block.number * ORDER_STRIDE + ORDER_STRIDE * 9 // 10,
        ),
        "order_items": _faults(
            "order_items",
            rng,
            i.delivery,
            o.customer[i.order],
            lambda at, _: rows.item_fields(o, i, at),
            block.number * ITEM_STRIDE + ITEM_STRIDE * 9 // 10,
        ),
    }
    strangers = _strangers(block, extras["orders"], extras["order_items"], base)
    _orphans(block, extras["order_items"])
    return Planted(extras, strangers, _novelties(block, extras["order_items"]))


def _faults(
    table: str,
    rng: Generator,
    delivery: Ints,
    customer: Ints,
    fields_of: Callable[[int, int], list[str]],
    own_id: int,
) -> Extras:
    """Plant the faults of one table, and a blank line or two."""
    extras = Extras()
    kinds = KINDS[table]
    early = [*kinds, None, None, None, None]
    main = np.flatnonzero(delivery == 0)
    if len(main) == 0:
        return extras
    count = max(round(FAULTS * len(main)), len(early))
    u = rng.random((3, count))
    at = (u[0] * len(main)).astype(np.int64)
    at[: len(early)] = (np.arange(len(early)) + 0.5) * len(main) * _EARLY / len(early)
    for j, host in enumerate(main[at].tolist()):
        fields, own = fields_of(host, 0), str(own_id + j)
        if j < len(early):
            kind, variant = early[j], j
        else:
            again = u[1, j] < _DUPLICATES_OF_ALL
            kind = None if again else kinds[int(u[2, j] * len(kinds))]
            variant = int(u[1, j] * 1e6)
        before = -1 if variant % 3 == 0 else 1
        if kind is None:
            line, reason = lose(table, fields, variant), DUPLICATE
        else:
            fields[0] = own
            line, reason = spoil(fields, kind, variant), kind.reason
        place = STEP * host + before
        extras.add(line, place, int(customer[host]), reason, fields[0])

    for blank in _spread(rng, main, _BLANKS):
        extras.add("\n", STEP * blank + 1, int(customer[blank]), BLANK)

    own_id += count
    for d in range(1, len(DELIVERIES) + 1):
        there = np.flatnonzero(delivery == d)
        w = rng.random(2)
        for _ in range(int(len(there) * LATER_FAULTS + w[0])):
            v = rng.random(3)
            host = int(there[int(v[0] * len(there))])
            fields, kind = fields_of(host, d), kinds[int(v[1] * len(kinds))]
            fields[0], own_id = str(own_id), own_id + 1
            line = spoil(fields, kind, int(v[2] * 1e6))
            extras.add(line, STEP * host + 1, int(customer[host]), kind.reason, fields[0], d)
    return extras


def _spread(rng: Generator, candidates: Ints, count: int) -> list[int]:
    """Choose hosts, the first of them early in the block."""
    at = (rng.random(count) * len(candidates)).astype(np.int64)
    at[:2] = (np.arange(len(at[:2])) + 1) * 0.01 * len(candidates)
    return [int(x) for x in candidates[at]] if len(candidates) else []


def _strangers(
    block: Block, orders: Extras, items: Extras, base: int
) -> list[tuple[int, int, int, int]]:
    """Plant completed orders of customers nobody knows, one item each."""
    o, shelf = block.orders, ladder()
    result = []
    main = np.flatnonzero((o.delivery == 0) & (np.diff(o.start) > 0))
    for j, host in enumerate(_spread(block.rng, main, _UNKNOWN_CUSTOMERS)):
        fields = rows.order_fields(block.customers, o, host, 0)
        fields[0] = str((block.number + 1) * ORDER_STRIDE - 50 + j)
        fields[1], fields[3] = str(base + 1 + j), "completed"
        who, place = int(o.customer[host]), STEP * host + 2
        line = ",".join(fields) + "\n"
        orders.add(line, place, who, UNKNOWN, fields[0])
        at, units = int(block.rng.random() * len(shelf.product_id)), 1 + j % 2
        item, cents = (block.number + 1) * ITEM_STRIDE - 50 + j, int(shelf.list_price[at])
        line = f"{item},{fields[0]},{shelf.product_id[at]},{units},{money(cents)}\n"
        last = int(o.start[host + 1]) - 1
        items.add(line, STEP * last + 2, who, UNKNOWN, str(item))
        result.append((who, units, int(o.shipping[host]), units * cents))
    return result


def _orphans(block: Block, items: Extras) -> None:
    """Plant items of orders nobody knows."""
    i, o = block.items, block.orders
    main = np.flatnonzero(i.delivery == 0)
    for j, host in enumerate(_spread(block.rng, main, _UNKNOWN_ORDERS)):
        fields = rows.item_fields(o, i, host)
        fields[0] = str((block.number + 1) * ITEM_STRIDE - 40 + j)
        fields[1] = str((block.number + 1) * ORDER_STRIDE - 40 + j)
        who = int(o.customer[i.order[host]])
        items.add(",".join(fields) + "\n", STEP * host + 1, who, UNKNOWN, fields[0])


def _novelties(block: Block, items: Extras) -> list[tuple[int, int, int]]:
    """Plant items of products nobody knows on completed orders."""
    i, o = block.items, block.orders
    result = []
    sure = (o.delivery == 0) & (o.status[:, -1] == COMPLETED)
    main = np.flatnonzero(sure[i.order] & (o.status[i.order, 0] == COMPLETED))
    for j, host in enumerate(_spread(block.rng, main, _UNKNOWN_PRODUCTS)):
        fields = rows.item_fields(o, i, host)
        fields[0] = str((block.number + 1) * ITEM_STRIDE - 30 + j)
        fields[2], fields[3] = str(FIRST_PRODUCT_ID + 8_000 + j), "1"
        order = int(i.order[host])
        who = int(o.customer[order])
        items.add(",".join(fields) + "\n", STEP * host + 1, who, UNKNOWN, fields[0])
        result.append((who, order, int(i.unit_price[host])))
    return result
