"""A campaign after the last delivery: a letter to half of those who no longer come, by lot.

What people do by themselves goes on as before. What the letter adds is drawn from a random
stream of its own, so a shop without the campaign has the same bytes.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.random import PCG64, Generator, SeedSequence

from ecommerce_lakehouse.shop import text
from ecommerce_lakehouse.shop.baskets import fill_baskets
from ecommerce_lakehouse.shop.calendar import ALL_DAYS, DAYS, Ints, day_texts
from ecommerce_lakehouse.shop.catalogue import FIRST_PRODUCT_ID
from ecommerce_lakehouse.shop.faults import COLUMNS
from ecommerce_lakehouse.shop.history import COMPLETED, STRIDE, Block, Items, Orders
from ecommerce_lakehouse.shop.numbering import Numbers
from ecommerce_lakehouse.shop.process import charge_shipping, draw_subtotals
from ecommerce_lakehouse.shop.rows import LAYOUT, LINES, NEW
from ecommerce_lakehouse.shop.spool import Spool

#: Who has bought, but not in so many days before the letters, takes part.
QUIET_DAYS = 90
#: By the days since somebody's last order: of those who would not come by themselves, how many
#: the letter brings.
PERSUADED: Mapping[str, tuple[int, float]] = {
    "3 to 6 months": (180, 0.16),
    "6 to 12 months": (365, 0.08),
    "over 12 months": (ALL_DAYS, 0.01),
}
SENT_DAY = DAYS - 1
MONTHS = ("2025-01", "2025-02")

_STREAM = 2025
_LETTERS = np.dtype([("place", "i8"), ("day", "i2"), ("has_letter", "?")])
_NAMES = ("letters", "campaign.orders", "campaign.order_items")
_ARMS = ("holdout", "letter")


@dataclass
class Campaign:
    """The campaign of a shop, while its blocks are made; what it counts is the truth about it."""

    seed: int
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def send(self, block: Block, spool: Spool) -> None:
        """Draw the lots of a block's customers and what they ordered then, and put both aside."""
        c, place = block.customers, block.number * STRIDE["customers"]
        n = len(c.day)
        rng = Generator(PCG64(SeedSequence([self.seed, block.number, _STREAM])))
        u = rng.random((3, n))
        quiet = _days_since_last_order(block)
        takes_part = (quiet > QUIET_DAYS) & (quiet < DAYS)
        has_letter = takes_part & (u[0] < 0.5)
        comes = np.zeros(n, dtype=bool)
        comes[c.coming[0]] = True
        group = np.searchsorted([until for until, _ in PERSUADED.values()], quiet)
        chance = np.array([chance for _, chance in PERSUADED.values()] + [0.0])[group]
        caused = np.flatnonzero(has_letter & ~comes & (u[1] < chance))
        self._count(takes_part, has_letter, group, comes, caused)

        customer = np.concatenate([c.coming[0], caused])
        # Most of those who answer a letter do so soon.
        answered = SENT_DAY + 2 + (28 * u[2][caused] ** 2).astype(np.int64)
        orders, items = _fill(rng, block, customer, np.concatenate([c.coming[1], answered]))
        letters = np.empty(takes_part.sum(), _LETTERS)
        letters["place"] = place + np.flatnonzero(takes_part)
        letters["day"], letters["has_letter"] = c.day[takes_part], has_letter[takes_part]
        tables = letters, _order_rows(block, orders), _item_rows(block, orders, items)
        for name, rows in zip(_NAMES, tables, strict=True):
            spool.put(name, rows)

    def _count(
        self, takes_part: np.ndarray, has_letter: np.ndarray, group: Ints, comes: Any, caused: Ints
    ) -> None:
        for at, name in enumerate(PERSUADED):
            for arm, is_in in zip(_ARMS, (takes_part & ~has_letter, has_letter), strict=True):
                these = is_in & (group == at)
                self.counts[name, arm, "customers"] += int(these.sum())
                self.counts[name, arm, "came_by_themselves"] += int((these & comes).sum())
        for at in group[caused].tolist():
            self.counts[list(PERSUADED)[at], "letter", "came_because_of_it"] += 1

    def write(self, folder: Path, spool: Spool, customers: Ints, order: int, item: int) -> None:
        """Write its files, the rows in the order of their numbers.

        Args:
            folder: Where they go.
            spool: What was put aside.
            customers: The number of each customer, by place.
            order: The first number that no order has yet.
            item: The first that no item has.
        """
        sent_on = day_texts()[SENT_DAY]
        with ExitStack() as stack:
            files = {
                table: [
                    stack.enter_context((folder / f"raw_{table}_{month}.csv").open("wb"))
                    for month in MONTHS
                ]
                for table in ("orders", "order_items")
            }
            for table, outputs in files.items():
                for output in outputs:
                    output.write((",".join(COLUMNS[table]) + "\n").encode())
            listed = stack.enter_context((folder / "campaign.csv").open("wb"))
            listed.write(b"customer_id,arm,sent_on\n")
            for stretch in spool.stretches:
                letters = spool.take("letters", stretch)
                drawn = zip(customers[letters["place"]], letters["has_letter"], strict=True)
                for number, has_letter in sorted((int(n), bool(has)) for n, has in drawn):
                    lot = f"letter,{sent_on}" if has_letter else "holdout,"
                    listed.write(f"{number},{lot}\n".encode())
                rows = spool.take("campaign.orders", stretch)
                orders = Numbers(rows, [], order)
                _write_rows("orders", rows, orders, customers[rows["ref"]], files["orders"])
                rows = spool.take("campaign.order_items", stretch)
                items = Numbers(rows, [], item)
                refs = orders.of(rows["ref"])
                _write_rows("order_items", rows, items, refs, files["order_items"])
                order, item = orders.end, items.end
        truth = json.dumps(self._truth(), indent=1, sort_keys=True)
        (folder / "truth.json").write_text(truth + "\n", encoding="utf-8", newline="\n")

    def _truth(self) -> dict[str, Any]:
        """What no shop knows: who came because of the letter, and who would have come anyway."""
        groups: dict[str, Any] = {}
        for (name, arm, count), number in sorted(self.counts.items()):
            groups.setdefault(name, {}).setdefault(arm, {})[count] = number
        return {
            "sent_on": day_texts()[SENT_DAY],
            "until": day_texts()[-1],
            "quiet_days": QUIET_DAYS,
            "groups": groups,
        }


def _days_since_last_order(block: Block) -> Ints:
    """Of each customer, to the last day; a great number for those who never completed one."""
    o = block.orders
    last = np.full(len(block.customers.day), -ALL_DAYS)
    done = o.status[:, -1] == COMPLETED
    np.maximum.at(last, o.customer[done], o.day[done])
    return SENT_DAY - last


def _fill(rng: Generator, block: Block, customer: Ints, day: Ints) -> tuple[Orders, Items]:
    """Draw what was in each order; all are completed by the time the files are written."""
    u = rng.random((2, len(day)))
    subtotal, count = draw_subtotals(rng, block.customers.typical[customer], u[0])
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    at = np.zeros(len(day), np.int64)
    shipping = charge_shipping(subtotal, u[1])
    orders = Orders(customer, day, subtotal, shipping, start, at, at, at[:, None] + COMPLETED)
    return orders, fill_baskets(rng, block.customers, orders)


def _rows(table: str, day: Ints) -> np.ndarray:
    """Rows of a table; the spool divides days of its calendar, so these are spread over it."""
    rows = np.zeros(len(day), LAYOUT[table])
    rows["day"] = (day - DAYS) * DAYS // (ALL_DAYS - DAYS)
    rows["delivery"] = np.searchsorted([day_texts().index(f"{MONTHS[1]}-01")], day, side="right")
    rows["kind"] = NEW
    return rows


def _order_rows(block: Block, o: Orders) -> np.ndarray:
    rows = _rows("orders", o.day)
    rows["place"] = block.number * STRIDE["orders"] + np.arange(len(o.day))
    rows["ref"] = block.number * STRIDE["customers"] + o.customer
    rows["date"] = text.dates().code(o.day, text.TIDY)
    rows["status"] = text.statuses().code(o.status[:, 0], text.TIDY)
    rows["cost"] = text.shipping().code(o.shipping, text.TIDY)
    return rows


def _item_rows(block: Block, o: Orders, i: Items) -> np.ndarray:
    rows = _rows("order_items", o.day[i.order])
    rows["place"] = block.number * STRIDE["order_items"] + np.arange(len(i.order))
    rows["ref"] = block.number * STRIDE["orders"] + i.order
    rows["product"] = text.product_ids().code(i.product_id - FIRST_PRODUCT_ID, text.TIDY)
    rows["quantity"] = text.quantities().code(i.quantity, text.TIDY)
    rows["price"] = text.prices().code(i.unit_price, text.TIDY)
    return rows


def _write_rows(
    table: str, rows: np.ndarray, numbers: Numbers, refs: Ints, files: Sequence[Any]
) -> None:
    number = numbers.of(rows["place"])
    lines: pa.Array = LINES[table](rows, number, refs)
    parts = text.slices(lines, rows["delivery"].astype(np.int64), number, len(files))
    for output, part in zip(files, parts, strict=True):
        output.write(part)
