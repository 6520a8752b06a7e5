"""Rows that come on top of the real ones: faults, unknown references, blank lines.

Each stands beside a host, a real row it was copied from. What has a number of its own
takes it from the same count as the real ones, and so do the customers and orders whom
nobody knows any more: they were deleted, and leave a gap.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from math import ceil

import numpy as np

from ecommerce_lakehouse.shop import rows
from ecommerce_lakehouse.shop.calendar import CUTS, DELIVERIES, Ints
from ecommerce_lakehouse.shop.catalogue import FIRST_PRODUCT_ID, ladder
from ecommerce_lakehouse.shop.faults import DUPLICATE, KINDS, Kind, lose, spoil
from ecommerce_lakehouse.shop.history import (
    BLOCK,
    COMPLETED,
    GROUP,
    STRIDE,
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
_OF_UNKNOWN = _UNKNOWN_CUSTOMERS + _UNKNOWN_ORDERS + _UNKNOWN_PRODUCTS
_BLANKS = 2

BLANK, UNKNOWN, DELETED = "", "unknown", "deleted"


@dataclass(slots=True)
class Extra:
    """A line on top.

    Attributes:
        place: Its own place, or, where it has no number of its own, its host's.
        host: The place of the thing beside which it stands; it has that thing's day.
        before: Whether it stands before its host, and not behind it.
        fields: A tidy row, `{id}` and `{ref}` for its number and the one it refers to.
        ref: The place of the customer (of an order) or the order (of an item).
        reason: Why the row must be rejected; `BLANK` for a blank line, `UNKNOWN` for
            a good row with an unknown reference; `DELETED` for one that is in no file.
        kind, variant: How it is spoiled; a duplicate has no kind.
        delivery: Which delivery brings it.
    """

    place: int
    host: int
    day: int
    fields: list[str]
    ref: int = -1
    reason: str = UNKNOWN
    before: bool = False
    kind: Kind | None = None
    variant: int = 0
    delivery: int = 0

    @property
    def is_numbered(self) -> bool:
        """Whether it has a number of its own."""
        return self.place != self.host

    def write(self, table: str, number: int, ref: int) -> tuple[str, str | None]:
        """Write the line, once the numbers are known.

        Returns:
            The line with its end, and its key as the file has it.
        """
        if not self.fields:
            return "\n", None
        numbers = {"{id}": str(number), "{ref}": str(ref)}
        fields = [numbers.get(f, f.replace("{id}", numbers["{id}"])) for f in self.fields]
        if self.kind is not None:
            line = spoil(fields, self.kind, self.variant)
        elif self.reason == DUPLICATE:
            line = lose(table, fields, self.variant)
        else:
            line = ",".join(fields) + "\n"
        return line, fields[0] or None


@dataclass
class Planted:
    """What was planted in a block, and the good rows among it.

    Attributes:
        extras: By table.
        strangers: (units, shipping and item cents) of each completed order of an unknown
            customer; its one product is known.
        novelties: Cents of each item of an unknown product on a real, completed order.
    """

    extras: dict[str, list[Extra]]
    strangers: list[tuple[int, int, int]]
    novelties: list[int]


def plant(block: Block) -> Planted:
    """Make the extra rows of a block.

    Returns:
        The rows to add, and what the good ones among them are worth.
    """
    since = np.searchsorted(CUTS, block.customers.day, side="left").astype(np.int64)
    extras = {
        "customers": _faults("customers", block, since, _copy_customer),
        "orders": _faults("orders", block, block.orders.delivery, _copy_order),
        "order_items": _faults("order_items", block, block.items.delivery, _copy_item),
    }
    planted = Planted(extras, [], [])
    _strangers(block, planted)
    _orphans(block, planted)
    _novelties(block, planted)
    return planted


def _copy_customer(block: Block, at: int, delivery: int) -> Extra:
    c, place = block.customers, block.number * STRIDE["customers"] + at
    return Extra(place, place, int(c.day[at]), rows.customer_fields(c, at))


def _copy_order(block: Block, at: int, delivery: int) -> Extra:
    o, place = block.orders, block.number * STRIDE["orders"] + at
    customer = block.number * STRIDE["customers"] + int(o.customer[at])
    return Extra(place, place, int(o.day[at]), rows.order_fields(o, at, delivery), customer)


def _copy_item(block: Block, at: int, delivery: int) -> Extra:
    i, place, order = block.items, block.number * STRIDE["order_items"] + at, block.items.order[at]
    day, ref = int(block.orders.day[order]), block.number * STRIDE["orders"] + int(order)
    return Extra(place, place, day, rows.item_fields(i, at), ref)


def _place_of_last_item(block: Block, order: int) -> int:
    """The place of an order's last item; the items of an order that is made up stand behind it."""
    return block.number * STRIDE["order_items"] + int(block.orders.start[order + 1]) - 1


def _own_places(block: Block, table: str, offset: int = 0) -> Iterator[int]:
    """Places of a block that no real row has, from an offset among them."""
    return count(block.number * STRIDE[table] + STRIDE[table] * 9 // 10 + offset)


def _faults(
    table: str, block: Block, delivery: Ints, copy: Callable[[Block, int, int], Extra]
) -> list[Extra]:
    """Plant the faults of one table, and a blank line or two."""
    extras: list[Extra] = []
    rng, kinds, own = block.rng, KINDS[table], _own_places(block, table, _OF_UNKNOWN)
    early = [*kinds, None, None, None, None]
    main = np.flatnonzero(delivery == 0)
    if len(main) == 0:
        return extras
    early = early[: int(len(main) * _EARLY)]
    number = max(round(FAULTS * len(main)), len(early))
    u = rng.random((3, number))
    at = (u[0] * len(main)).astype(np.int64)
    at[: len(early)] = (np.arange(len(early)) + 0.5) * len(main) * _EARLY / max(len(early), 1)
    for j, host in enumerate(main[at].tolist()):
        if j < len(early):
            kind, variant = early[j], j
        else:
            again = u[1, j] < _DUPLICATES_OF_ALL
            kind = None if again else kinds[int(u[2, j] * len(kinds))]
            variant = int(u[1, j] * 1e6)
        extra = copy(block, host, 0)
        extra.before = variant % 3 == 0
        extra.kind, extra.variant, extra.reason = kind, variant, DUPLICATE
        if kind is not None:
            extra.place, extra.reason = next(own), kind.reason
        extras.append(extra)

    for blank in _spread(block, main, _BLANKS):
        extras.append(replace(copy(block, blank, 0), fields=[], reason=BLANK))

    for d in range(1, len(DELIVERIES) + 1):
        there = np.flatnonzero(delivery == d)
        w = rng.random(2)
        for _ in range(int(len(there) * LATER_FAULTS + w[0])):
            v = rng.random(3)
            host = int(there[int(v[0] * len(there))])
            extra = copy(block, host, d)
            extra.place, extra.delivery = next(own), d
            extra.kind, extra.variant = kinds[int(v[1] * len(kinds))], int(v[2] * 1e6)
            extra.reason = extra.kind.reason
            extras.append(extra)
    return extras


def _spread(block: Block, candidates: Ints, wanted: int) -> list[int]:
    """Choose hosts, the first of them early in the block; a smaller block has fewer."""
    share = len(block.customers.day) / (BLOCK + BLOCK // GROUP)
    at = (block.rng.random(ceil(wanted * share)) * len(candidates)).astype(np.int64)
    at[:2] = (np.arange(len(at[:2])) + 1) * 0.01 * len(candidates)
    return [int(x) for x in candidates[at]] if len(candidates) else []


def _strangers(block: Block, planted: Planted) -> None:
    """Plant completed orders of customers nobody knows, one item each."""
    o, shelf = block.orders, ladder()
    main = np.flatnonzero((o.delivery == 0) & (np.diff(o.start) > 0))
    places = {table: _own_places(block, table) for table in STRIDE}
    for j, host in enumerate(_spread(block, main, _UNKNOWN_CUSTOMERS)):
        stranger = _copy_customer(block, int(o.customer[host]), 0)
        stranger.place, stranger.reason = next(places["customers"]), DELETED
        order = _copy_order(block, host, 0)
        order.place, order.ref = next(places["orders"]), stranger.place
        order.fields[3] = "completed"
        at, units = int(block.rng.random() * len(shelf.product_id)), 1 + j % 2
        cents = int(shelf.list_price[at])
        item = _copy_item(block, int(o.start[host]), 0)
        item.place, item.host = next(places["order_items"]), _place_of_last_item(block, host)
        item.ref = order.place
        item.fields[2:] = [str(shelf.product_id[at]), str(units), money(cents)]
        planted.extras["customers"].append(stranger)
        planted.extras["orders"].append(order)
        planted.extras["order_items"].append(item)
        planted.strangers.append((units, int(o.shipping[host]), units * cents))


def _orphans(block: Block, planted: Planted) -> None:
    """Plant items of orders nobody knows."""
    i = block.items
    main = np.flatnonzero(i.delivery == 0)
    orders = _own_places(block, "orders", _UNKNOWN_CUSTOMERS)
    items = _own_places(block, "order_items", _UNKNOWN_CUSTOMERS)
    for host in _spread(block, main, _UNKNOWN_ORDERS):
        order, item = _copy_order(block, int(i.order[host]), 0), _copy_item(block, host, 0)
        order.place = item.ref = next(orders)
        order.reason = DELETED
        item.place, item.host = next(items), _place_of_last_item(block, int(i.order[host]))
        planted.extras["orders"].append(order)
        planted.extras["order_items"].append(item)


def _novelties(block: Block, planted: Planted) -> None:
    """Plant items of products nobody knows on completed orders."""
    i, o = block.items, block.orders
    sure = (o.delivery == 0) & (o.status[:, -1] == COMPLETED)
    main = np.flatnonzero(sure[i.order] & (o.status[i.order, 0] == COMPLETED))
    items = _own_places(block, "order_items", _UNKNOWN_CUSTOMERS + _UNKNOWN_ORDERS)
    for j, host in enumerate(_spread(block, main, _UNKNOWN_PRODUCTS)):
        item = _copy_item(block, host, 0)
        # Before it: behind the last item of an order those of the next ones stand.
        item.place, item.before = next(items), True
        item.fields[2:4] = [str(FIRST_PRODUCT_ID + 8_000 + j), "1"]
        planted.extras["order_items"].append(item)
        planted.novelties.append(int(i.unit_price[host]))
