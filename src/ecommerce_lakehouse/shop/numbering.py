"""Numbers that count upwards in time, and the files in their order.

Customers are numbered by the day they registered, orders by the day they were placed,
items by their orders. Whatever has a number of its own takes one, also a row that is
broken and a customer or order that was deleted later.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO

import numpy as np
import pyarrow as pa

from ecommerce_lakehouse.shop.calendar import DELIVERIES, Ints
from ecommerce_lakehouse.shop.faults import COLUMNS
from ecommerce_lakehouse.shop.planting import BLANK, DELETED, UNKNOWN, Extra
from ecommerce_lakehouse.shop.rows import LINES, NEW
from ecommerce_lakehouse.shop.spool import Spool
from ecommerce_lakehouse.shop.text import money, slices

Files = Mapping[str, Sequence[IO[bytes]]]


class Numbers:
    """The numbers of all things of a stretch of days, by their places."""

    def __init__(self, rows: np.ndarray, extras: list[Extra], first: int) -> None:
        """Count from `first`, by day, in a day as the customers were made."""
        new = rows[rows["kind"] == NEW]
        own = [extra for extra in extras if extra.is_numbered]
        places = np.concatenate([new["place"], _integers(extra.place for extra in own)])
        days = np.concatenate([new["day"], _integers(extra.day for extra in own)])
        hosts = np.concatenate([new["place"], _integers(extra.host for extra in own)])
        sides = np.concatenate([np.ones(len(new), int), _integers(map(_side, own))])
        self.end = first + len(places)
        numbers = np.empty(len(places), np.int64)
        numbers[np.lexsort((sides, hosts, days))] = np.arange(first, self.end)
        by_place = np.argsort(places)
        self.places, self.numbers = places[by_place], numbers[by_place]

    def of(self, places: Ints) -> Ints:
        """Look up the number of each place."""
        found: Ints = self.numbers[np.searchsorted(self.places, places)]
        return found


def _side(extra: Extra) -> int:
    """Where it stands beside its host, which has 1."""
    return 0 if extra.before else 2


def _integers(values: Iterable[int]) -> Ints:
    return np.fromiter(values, np.int64)


class Writer:
    """Writes the rows that wait in a spool into the shop's files, which are open."""

    def __init__(self, spool: Spool, files: Files, notes: Mapping[str, IO[bytes]]) -> None:
        """Begin each file with its header.

        Args:
            spool: What happened.
            files: By table, the file of each delivery.
            notes: What is kept for truth.json: `faults.` and a table, and its other lists.
        """
        self._spool, self._files, self._notes = spool, files, notes
        for table, outputs in files.items():
            for output in outputs:
                output.write((",".join(COLUMNS[table]) + "\n").encode())

    def write(self, customers: Ints) -> tuple[int, int]:
        """Number everything, stretch of days after stretch, and write it.

        Args:
            customers: Filled with the number of each customer, by place.

        Returns:
            The first numbers that no order and no item has.
        """
        first = 1
        for stretch in self._spool.stretches:
            numbers = self._write_table("customers", stretch, first, np.zeros_like)
            customers[numbers.places], first = numbers.numbers, numbers.end
            self._note_future(stretch, numbers)
        first_order = first_item = 1
        for stretch in self._spool.stretches:
            orders = self._write_table("orders", stretch, first_order, customers.__getitem__)
            items = self._write_table("order_items", stretch, first_item, orders.of)
            first_order, first_item = orders.end, items.end
        return first_order, first_item

    def _write_table(
        self, table: str, stretch: int, first: int, refer: Callable[[Ints], Ints]
    ) -> Numbers:
        """Write the rows of a table about the things of a stretch, and return their numbers."""
        rows, extras = self._spool.take(table, stretch), self._spool.take_extras(table, stretch)
        numbers = Numbers(rows, extras, first)
        extras = [extra for extra in extras if extra.reason != DELETED]
        number = numbers.of(rows["place"])
        number_on_top = numbers.of(_integers(extra.place for extra in extras))
        ref_on_top = refer(_integers(extra.ref for extra in extras))
        on_top = [
            extra.write(table, *at)
            for extra, *at in zip(extras, number_on_top.tolist(), ref_on_top.tolist(), strict=True)
        ]
        lines = LINES[table](rows, number, refer(rows["ref"]))
        lines = pa.concat_arrays([lines, pa.array([line for line, _ in on_top], pa.string())])
        file = np.concatenate([rows["delivery"], _integers(extra.delivery for extra in extras)])
        place_on_top = number_on_top * 3 + _integers(map(_side, extras))
        place = np.concatenate([number * 3 + 1, place_on_top])
        for output, part in zip(
            self._files[table], slices(lines, file, place, len(DELIVERIES) + 1), strict=True
        ):
            output.write(part)
        for at in np.argsort(place_on_top, kind="stable").tolist():
            if extras[at].delivery == 0 and extras[at].reason not in (BLANK, UNKNOWN):
                self.note_fault(table, on_top[at][1], extras[at].reason)
        return numbers

    def note_fault(self, table: str, key: str | None, reason: str) -> None:
        """Note a fault for truth.json."""
        # Only the key can hold anything that JSON must escape.
        text = json.dumps(key, ensure_ascii=False)
        line = f'{{"key": {text}, "reason": "{reason}", "table": "{table}"}}\n'
        self._notes[f"faults.{table}"].write(line.encode())

    def _note_future(self, stretch: int, numbers: Numbers) -> None:
        """Note who had left by the as-of date, and what each customer spent after it."""
        future = self._spool.take("future", stretch)
        number = numbers.of(future["place"])
        order = np.argsort(number)
        number, future = number[order], future[order]
        left = number[future["left"]].tolist()
        self._notes["left_at_as_of"].write("".join(f"{n}\n" for n in left).encode())
        spent = future["spend"] > 0
        pairs = zip(number[spent].tolist(), future["spend"][spent].tolist(), strict=True)
        text = "".join(f'"{n}": "{money(cents)}"\n' for n, cents in pairs)
        self._notes["next_six_months_spend"].write(text.encode())
