"""What a reader of the files must find, counted while they are made.

Nothing here reads the files: a mistake in writing them shows as a difference.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ecommerce_lakehouse.shop.calendar import AS_OF, AS_OF_DAY, DELIVERIES
from ecommerce_lakehouse.shop.catalogue import products
from ecommerce_lakehouse.shop.faults import COLUMNS, DUPLICATE
from ecommerce_lakehouse.shop.history import COMPLETED, Block
from ecommerce_lakehouse.shop.planting import BLANK, DELETED, UNKNOWN, Extra, Planted
from ecommerce_lakehouse.shop.rows import CHANGED, NEW, REPEATED
from ecommerce_lakehouse.shop.text import money

_N = 1 + len(DELIVERIES)
_STAGED = {table: f"stg_{table}" for table in COLUMNS}


@dataclass
class Tally:
    """Counts and sums over all blocks so far; money in cents.

    Attributes:
        raw: Rows by table and delivery.
        faults: By table and delivery, how often each reason.
        counts: By kind of row (new, changed, repeated, ...), one number a delivery.
        sums: The totals.
    """

    raw: dict[str, list[int]] = field(default_factory=lambda: {t: [0] * _N for t in COLUMNS})
    faults: dict[str, list[Counter[str]]] = field(
        default_factory=lambda: {t: [Counter() for _ in range(_N)] for t in COLUMNS}
    )
    counts: dict[str, list[int]] = field(default_factory=dict)
    sums: Counter[str] = field(default_factory=Counter)

    def _count(self, name: str, deliveries: np.ndarray) -> None:
        numbers = self.counts.setdefault(name, [0] * _N)
        for d, n in enumerate(np.bincount(deliveries, minlength=_N).tolist()):
            numbers[d] += n

    def add_rows(self, table: str, rows: np.ndarray) -> None:
        """Count the real rows of a block."""
        for d, n in enumerate(np.bincount(rows["delivery"], minlength=_N).tolist()):
            self.raw[table][d] += n
        for kind, name in ((NEW, "new"), (CHANGED, "changed"), (REPEATED, "repeated")):
            self._count(f"{name}_{table}", rows["delivery"][rows["kind"] == kind])

    def add_extras(self, table: str, extras: list[Extra]) -> None:
        """Count the rows on top."""
        for extra in extras:
            if extra.reason in (BLANK, DELETED):
                continue
            self.raw[table][extra.delivery] += 1
            if extra.reason == UNKNOWN:
                self._count(f"new_{table}", np.array([extra.delivery]))
            else:
                self.faults[table][extra.delivery][extra.reason] += 1

    def add_block(self, block: Block, planted: Planted) -> None:
        """Add up what the customers of a block did."""
        o, i, c = block.orders, block.items, block.customers
        self._count("late_orders", o.delivery[o.delivery > o.due])
        done = (o.delivery == 0) & (o.status[:, 0] == COMPLETED)
        sold = done[i.order]
        bought = int((i.quantity[sold] * i.unit_price[sold]).sum())
        strange = sum(cents for _, _, cents in planted.strangers)
        novel = sum(planted.novelties)
        subtotal = int(o.subtotal[done].sum())
        freight = int(o.shipping[done].sum())
        self.sums.update(
            {
                "completed_orders": int(done.sum()) + len(planted.strangers),
                "buyers": len(np.unique(o.customer[done])),
                "strangers": len(planted.strangers),
                "order_subtotal": subtotal + novel + strange,
                "shipping": freight + sum(shipping for _, shipping, _ in planted.strangers),
                "customer_monetary_value": subtotal + novel + freight,
                "product_revenue": bought + strange,
                "units_sold": int(i.quantity[sold].sum())
                + sum(units for units, _, _ in planted.strangers),
                "items_of_unknown_products": len(planted.novelties),
            }
        )
        early = (i.delivery == 0) & (o.delivery[i.order] > 0)
        # What nobody knows was bought once by each: a pair of its own.
        pairs = np.unique(o.customer[i.order[sold]] * 100_000 + i.product_id[sold])
        unknown = len(planted.strangers) + len(planted.novelties)
        self.sums["pairs"] += len(pairs) + unknown
        deleted = sum(extra.reason == DELETED for extra in planted.extras["orders"])
        self.sums["items_of_unknown_orders"] += deleted + int(early.sum())
        self.sums["left"] += int((c.left_day <= AS_OF_DAY).sum())

    def _in_silver(self, table: str, delivery: int) -> int:
        """Silver rows after a delivery: every good key once."""
        return sum(self.counts[f"new_{table}"][: delivery + 1])

    def summary(self, seed: int, customers: int) -> dict[str, Any]:
        """What truth.json says, but for its three long lists."""
        silver = {s: self._in_silver(t, 0) for t, s in _STAGED.items()}
        people, goods = silver["stg_customers"], silver["stg_products"]
        sums = self.sums
        total = sums["order_subtotal"] + sums["shipping"]
        return {
            "seed": seed,
            "customers": customers,
            "as_of_date": str(AS_OF),
            "rows": {
                "bronze": {t: n[0] for t, n in self.raw.items()},
                "silver": silver,
                "quarantine": sum(sum(f[0].values()) for f in self.faults.values()),
                "intermediate": {
                    "int_customer_orders": sums["completed_orders"],
                    "int_customer_rfm": sums["buyers"] + sums["strangers"],
                    "int_customer_product_purchases": sums["pairs"],
                    "int_product_metrics": goods,
                },
                "gold": {
                    "fct_customer_metrics": people,
                    "dim_customer_segments": people,
                    "fct_product_performance": goods,
                },
                "ml": {"ml_customer_features": people},
            },
            "fault_counts": {t: dict(sorted(f[0].items())) for t, f in self.faults.items()},
            "unknown_references": {
                "orders_of_unknown_customers": sums["strangers"],
                "items_of_unknown_orders": sums["items_of_unknown_orders"],
                "items_of_unknown_products": sums["items_of_unknown_products"],
            },
            "totals": {
                "completed_orders": sums["completed_orders"],
                "customers_with_orders": sums["buyers"],
                "customers_without_orders": people - sums["buyers"],
                "customers_left_at_as_of": sums["left"],
                "units_sold": sums["units_sold"],
                "order_total": money(total),
                "order_subtotal": money(sums["order_subtotal"]),
                "shipping": money(sums["shipping"]),
                "product_revenue": money(sums["product_revenue"]),
                "customer_monetary_value": money(sums["customer_monetary_value"]),
                "next_six_months_spend": money(sums["next_six_months_spend"]),
            },
            "next": {m: self._delivery(d + 1) for d, m in enumerate(DELIVERIES)},
        }

    def _delivery(self, d: int) -> dict[str, Any]:
        """What one later delivery holds, and what silver holds after it."""
        tables = [t for t in COLUMNS if t != "products"]
        rows = {t: self.raw[t][d] for t in tables}
        faults = {t: dict(sorted(self.faults[t][d].items())) for t in tables}
        counts = {k: n[d] for k, n in self.counts.items()}
        return {
            "rows": rows,
            "faults": faults,
            "new_customers": counts["new_customers"],
            "changed_customers": counts["changed_customers"],
            "new_orders": counts["new_orders"],
            "changed_orders": counts["changed_orders"],
            "late_orders": counts["late_orders"],
            "new_order_items": counts["new_order_items"],
            "repeated_rows": sum(counts[f"repeated_{t}"] for t in tables),
            # Rows that share their key with an earlier one: one of the two goes.
            DUPLICATE: {t: counts[f"changed_{t}"] + counts[f"repeated_{t}"] for t in tables},
            "silver_rows_after": {_STAGED[t]: self._in_silver(t, d) for t in [*tables, "products"]},
        }


def product_count() -> int:
    """How many products the catalogue holds."""
    return len(products())
