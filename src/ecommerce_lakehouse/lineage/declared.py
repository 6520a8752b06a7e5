"""Which table is made from which, as their declarations say."""

from __future__ import annotations

import pandas as pd

from ecommerce_lakehouse import registry

NAMESPACE = "lakehouse"


def edges(*, scored: bool = False) -> pd.DataFrame:
    """Every arrow of the lineage graph, in build order.

    Args:
        scored: Also those to the tables of the scoring job.

    Returns:
        Columns `source` and `target`: `raw.orders`, `silver.stg_orders` …
    """
    tables = registry.tables(scored=scored)
    names = {table.name: table.full_name for table in tables}
    rows = [
        (names.get(source, source.replace("raw_", "raw.")), table.full_name)
        for table in tables
        for source in table.inputs
    ]
    return pd.DataFrame(rows, columns=["source", "target"])
