"""Which table is made from which, as their declarations say."""

from __future__ import annotations

import pandas as pd

from ecommerce_lakehouse import registry

NAMESPACE = "lakehouse"


def edges() -> pd.DataFrame:
    """Every arrow of the lineage graph, in build order.

    Returns:
        Columns `source` and `target`: `raw.orders`, `silver.stg_orders` …
    """
    names = {table.name: table.full_name for table in registry.tables()}
    rows = [
        (names.get(source, source.replace("raw_", "raw.")), table.full_name)
        for table in registry.tables()
        for source in table.inputs
    ]
    return pd.DataFrame(rows, columns=["source", "target"])
