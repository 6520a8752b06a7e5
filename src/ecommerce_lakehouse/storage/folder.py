"""Where the tables of a lakehouse stand, what their logs say, and their SQL names."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.errors import InputError, MissingTableError
from ecommerce_lakehouse.paths import for_message
from ecommerce_lakehouse.registry import LAYERS, NOTEBOOKS, Table
from ecommerce_lakehouse.spark.causes import find_cause
from ecommerce_lakehouse.storage.delta_log import DeltaLog
from ecommerce_lakehouse.storage.files import Storage

STAMPS = {"bronze": "_ingested_at", "silver": "spark_loaded_at"}
"""The column that says when a row was written, by layer; `spark_updated_at` elsewhere."""


def stamp_of(table: Table) -> str:
    """The name of the column that says when a row of a table was written."""
    return STAMPS.get(table.layer, "spark_updated_at")


def is_among(column: str, others: Iterable[str]) -> bool:
    """Whether a column is one of some others: in a table, capitals make no difference."""
    return column.lower() in {name.lower() for name in others}


class TableFolder:
    """A folder that holds `<layer>/<table>`, each a Delta table. The path is the truth.

    Args:
        spark: The session to read with.
        location: An absolute folder or URI; it is made if it is not there.
        sql_names: Whether its tables get their SQL names (`gold.x`). A session has one
            catalog, so only one of several lakehouses should.

    Raises:
        LakehouseError: The folder cannot be written.
    """

    def __init__(self, spark: SparkSession, location: str, *, sql_names: bool) -> None:
        self.spark = spark
        self.location = location
        self.storage = Storage(spark)
        self._sql_names = sql_names
        try:
            self.storage.make_folder(location)
        except OSError as problem:
            cause = find_cause(str(problem.__cause__))
            if cause:
                raise cause from None
            raise InputError(
                f"{for_message(location)} cannot be written.",
                "Name a folder of your own with:  --lakehouse-dir FOLDER",
            ) from None
        if sql_names:
            self._register_all()

    def files_in(self, table: Table) -> set[str]:
        """The names of the raw files that a bronze table was made from; none before it is built."""
        provenance = self.log(table).provenance() if self.has(table) else None
        return set(provenance.inputs) if provenance else set()

    def place(self, table: Table) -> str:
        """The folder or URI of a table, built or not."""
        return f"{self.location}/{table.layer}/{table.name}"

    def path(self, table: Table) -> str:
        """The same, as Spark reads and writes it."""
        return self.storage.uri(self.place(table))

    def log(self, table: Table) -> DeltaLog:
        """What the log of a table says, built or not."""
        return DeltaLog(self.storage, self.place(table))

    def has(self, table: Table) -> bool:
        """Whether a table has been built: its log has an entry, not only a folder.

        A write that was cut short leaves data files and an empty log.
        """
        log = f"{self.place(table)}/_delta_log"
        if self.storage.exists(f"{log}/{0:020}.json"):
            return True
        # Delta deletes old entries once a checkpoint holds what they said.
        return any(name.endswith((".json", ".parquet")) for name in self.storage.names(log))

    def read(self, table: Table) -> DataFrame:
        """A table without the stamp of when its rows were written.

        Raises:
            MissingTableError: It is not built yet; the message says what builds it.
        """
        if not self.has(table):
            notebook = NOTEBOOKS[table.layer]
            raise MissingTableError(
                f"{table.full_name} is not in {for_message(self.location)} yet.",
                "Write it now with:  lakehouse score"
                if table.scored
                else f"It is built by notebooks/{notebook}.ipynb. "
                f"Build it now with:  lakehouse run --to {notebook[:2]}",
            )
        frame = self.spark.read.format("delta").load(self.path(table))
        return frame.drop(stamp_of(table))

    def has_column(self, table: Table, column: str) -> bool:
        """Whether a table has a column; not where the table is not built."""
        columns = self.log(table).columns()
        return is_among(column, self.read(table).columns if columns is None else columns)

    def drop(self, table: Table) -> None:
        """Delete a table with all its versions."""
        self.storage.delete(self.place(table))

    def register(self, table: Table, *, known: bool = True) -> None:
        """Give a table its SQL name. The path is the truth; the catalog only points to it.

        Args:
            table: The table.
            known: Whether the catalog may have the name already.
        """
        if not self._sql_names:
            return
        if known and self.spark.conf.get("spark.sql.catalogImplementation") == "in-memory":
            # Forget where another lakehouse had it. An external table's files stay.
            self.spark.sql(f"DROP TABLE IF EXISTS {table.full_name}")
        location = self.path(table).replace("'", "\\'")
        self.spark.sql(
            f"CREATE TABLE IF NOT EXISTS {table.full_name} USING delta LOCATION '{location}'"
        )

    def _register_all(self) -> None:
        for layer in LAYERS:
            known = self.spark.catalog.databaseExists(layer)
            if not known:
                self.spark.sql(f"CREATE DATABASE IF NOT EXISTS {layer}")
            tables = registry.tables(layer)
            there = self.storage.names(f"{self.location}/{layer}")
            scored = not {*there} <= {table.name for table in tables}
            for table in registry.tables(layer, scored=True) if scored else tables:
                if self.has(table):
                    self.register(table, known=known)
