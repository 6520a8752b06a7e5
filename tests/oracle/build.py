"""Builds every table of the contract from a data folder, in an in-memory DuckDB."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from .raw import COLUMNS, read_entity

# The columns that identify a row, and the order in which a table is handed out.
KEYS: dict[str, list[str]] = {
    **{f"bronze.{entity}": ["_delivery", "_row"] for entity in COLUMNS},
    "silver.stg_customers": ["customer_id"],
    "silver.stg_orders": ["order_id"],
    "silver.stg_order_items": ["order_item_id"],
    "silver.stg_products": ["product_id"],
    "silver.quarantine": ["source_table", "_delivery", "_row"],
    "intermediate.int_customer_orders": ["order_id"],
    "intermediate.int_customer_rfm": ["customer_id"],
    "intermediate.int_customer_product_purchases": ["customer_id", "product_id"],
    "intermediate.int_product_metrics": ["product_id"],
    "gold.fct_customer_metrics": ["customer_id"],
    "gold.dim_customer_segments": ["customer_id"],
    "gold.fct_product_performance": ["product_id"],
    "ml.ml_customer_features": ["customer_id"],
}

_SQL = Path(__file__).parent


@dataclass(frozen=True)
class Oracle:
    """The tables as the contract has them.

    Attributes:
        as_of_date: The day the customers are seen from; None when there is no completed order.
        tables: Every table's name, as `layer.table`.
    """

    as_of_date: date | None
    tables: list[str]
    _connection: duckdb.DuckDBPyConnection

    def table(self, name: str) -> pa.Table:
        """Hands out one table.

        Args:
            name: `layer.table`, such as `gold.fct_customer_metrics`.

        Returns:
            The whole table, ordered by its key.
        """
        order = ", ".join(KEYS[name])
        return self._connection.sql(f"SELECT * FROM {name} ORDER BY {order}").to_arrow_table()

    def sql(self, query: str) -> pa.Table:
        """Answers a query over the tables, for a test that wants a number and not a table."""
        return self._connection.sql(query).to_arrow_table()

    def score_churn(self, models: pa.Table) -> pa.Table:
        """Scores every customer who has bought, by the parameters of a model.

        Args:
            models: `ml.models`. Its numbers are taken as they are: how a model is fitted is
                compared with other libraries.

        Returns:
            customer_id, leaves_probability and at_stake, ordered by customer.
        """
        self._connection.register("models", models)
        _run(self._connection, "scores")
        return self.sql("SELECT * FROM ml.churn_scores ORDER BY customer_id")


def build_oracle(data_dir: Path, as_of_date: date | None = None) -> Oracle:
    """Works out every table of the contract from the raw files.

    Args:
        data_dir: The data folder.
        as_of_date: The day to look back from; by default the last completed order's date.

    Returns:
        The tables, held in memory.

    Raises:
        RawDataError: The folder is not one the contract accepts.
    """
    raw = {entity: read_entity(data_dir, entity) for entity in COLUMNS}
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA bronze")
    for entity, rows in raw.items():
        connection.register("rows", rows)
        connection.execute(f"CREATE TABLE bronze.{entity} AS SELECT * FROM rows")
        connection.unregister("rows")
    _run(connection, "macros")
    _run(connection, "silver")
    if as_of_date is None:
        as_of_date = _last_completed_order(connection)
    connection.execute("SET VARIABLE as_of_date = CAST($1 AS DATE)", [as_of_date])
    for step in ("intermediate", "gold", "ml"):
        _run(connection, step)
    return Oracle(as_of_date, list(KEYS), connection)


def _run(connection: duckdb.DuckDBPyConnection, step: str) -> None:
    """Runs one of the SQL files beside this module."""
    connection.execute((_SQL / f"{step}.sql").read_text(encoding="utf-8"))


def _last_completed_order(connection: duckdb.DuckDBPyConnection) -> date | None:
    """The default of as_of_date."""
    found = connection.execute(
        "SELECT max(order_date) FROM silver.stg_orders WHERE is_completed"
    ).fetchone()
    return found[0] if found else None
