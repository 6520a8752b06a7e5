"""Are the tables right? Digests of two lakehouses, and the totals a generated shop must have."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from deltalake import DeltaTable

NOT_COMPARED = {"_ingested_at", "spark_loaded_at", "spark_updated_at", "record"}
"""When a row was written, and a JSON text that engines write differently."""
INEXACT = {"avg_order_value", "avg_selling_price"}
"""DECIMALs here, doubles there."""


def tables(lakehouse: Path) -> list[str]:
    """The tables of a lakehouse, as `layer.table`; records of runs are none."""
    logs = sorted(lakehouse.glob("*/*/_delta_log"))
    names = [f"{log.parents[1].name}.{log.parent.name}" for log in logs]
    return [name for name in names if not name.startswith("ops.")]


def ask(lakehouse: Path, name: str, query: str) -> tuple[Any, ...]:
    """The one row that a query over a table (called `rows`) has, asked without Spark."""
    with duckdb.connect() as db:
        table = DeltaTable(lakehouse / name.replace(".", "/"))
        db.register("rows", table.to_pyarrow_dataset())
        return db.sql(query).fetchall()[0]


def digest(lakehouse: Path, name: str) -> dict[str, Any]:
    """What a table holds, in whatever order: a digest of the exact cells, sums of the others."""
    schema = DeltaTable(lakehouse / name.replace(".", "/")).to_pyarrow_dataset().schema
    kinds = {field.name: str(field.type) for field in schema if field.name not in NOT_COMPARED}
    inexact = sorted(c for c, kind in kinds.items() if kind == "double" or c in INEXACT)
    exact = sorted(set(kinds) - set(inexact))
    cells = ", ".join(f"coalesce(CAST({column} AS VARCHAR), '\u2205')" for column in exact)
    sums = [
        f"sum({column}::DOUBLE), sum({column}::DOUBLE ^ 2), count({column})" for column in inexact
    ]
    found = ask(
        lakehouse,
        name,
        f"SELECT {', '.join(['count(*)', f'sum(hash({cells}))', *sums])} FROM rows",
    )
    return {"cells": found, "columns": sorted(kinds)}


def differences(one: Path, other: Path) -> list[str]:
    """The tables that are not alike in two lakehouses."""
    names = sorted({*tables(one), *tables(other)})
    if tables(one) != tables(other):
        return [name for name in names if name not in tables(one) or name not in tables(other)]
    return [name for name in names if not _alike(digest(one, name), digest(other, name))]


def _alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    def same(a: Any, b: Any) -> bool:
        if isinstance(a, float) and isinstance(b, float):
            return abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1)
        return bool(a == b)

    pairs = zip(one["cells"], other["cells"], strict=False)
    return one["columns"] == other["columns"] and all(same(a, b) for a, b in pairs)


def assert_totals(lakehouse: Path, truth: dict[str, Any]) -> None:
    """Fail unless the rows and the sums are those that the generator counted while it wrote.

    Args:
        lakehouse: The tables.
        truth: What `truth.json` says.
    """
    for layer, expected in truth["rows"].items():
        counts = {"quarantine": expected} if layer == "quarantine" else expected
        for table, rows in counts.items():
            name = f"{'silver' if layer == 'quarantine' else layer}.{table}"
            assert (found := ask(lakehouse, name, "SELECT count(*) FROM rows")[0]) == rows, (
                f"{name}: {found} rows, expected {rows}"
            )
    totals = truth["totals"]
    sums = {
        "order_total": ("intermediate.int_customer_orders", "sum(order_total)"),
        "order_subtotal": ("intermediate.int_customer_orders", "sum(order_subtotal)"),
        "shipping": ("intermediate.int_customer_orders", "sum(shipping_cost)"),
        "product_revenue": ("gold.fct_product_performance", "sum(revenue)"),
        "customer_monetary_value": ("gold.fct_customer_metrics", "sum(monetary_value)"),
    }
    for total, (name, what) in sums.items():
        found = ask(lakehouse, name, f"SELECT {what} FROM rows")[0]
        assert found == Decimal(totals[total]), f"{total}: {found}, expected {totals[total]}"
