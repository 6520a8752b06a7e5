"""One folder of Delta tables: where each is, how it is built, who builds it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from delta import exceptions
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.errors import InputError, LakehouseError, MissingTableError
from ecommerce_lakehouse.paths import resolve, shown
from ecommerce_lakehouse.raw_files import find_raw_files
from ecommerce_lakehouse.registry import LAYERS, NOTEBOOKS, Table, TableFunction
from ecommerce_lakehouse.storage import Storage

STAMPS = {"bronze": "_ingested_at", "silver": "spark_loaded_at"}
"""The column that says when a row was written, by layer; `spark_updated_at` elsewhere."""

CONFLICTS = tuple(getattr(exceptions, name) for name in exceptions.__all__)
"""Delta's errors of two writers in each other's way; they have no class in common."""


def parse_date(value: str | date | None) -> date | None:
    """Read the `as_of_date` parameter; empty means "not given".

    Raises:
        InputError: Not a day of the calendar written yyyy-mm-dd.
    """
    if value is None or isinstance(value, date):
        return value
    if not value.strip():
        return None
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
            raise ValueError
        return date.fromisoformat(value.strip())
    except ValueError:
        raise InputError(
            f'as_of_date is "{value}", expected a day written yyyy-mm-dd.',
            "For example:  2024-06-30   (leave it out for the last completed order)",
        ) from None


@contextmanager
def _only_writer(table: Table) -> Iterator[None]:
    """Say it plainly when another run has written the same table meanwhile; nothing is mixed."""
    try:
        yield
    except CONFLICTS:
        raise LakehouseError(
            f"{table.full_name} was changed by another run while this one wrote it.",
            "Wait until the other has ended, then run this one again.",
        ) from None


class Lakehouse:
    """A folder that holds `<layer>/<table>`, each a Delta table.

    Args:
        spark: The session to read and write with.
        location: The lakehouse folder or URI; relative to the project folder.
        data_dir: The folder of raw CSV files; relative to the project folder.
        as_of_date: The day to look back from; empty for the last completed order.
        later: Further files that arrived elsewhere, such as `next/raw_orders_2024-07.csv`.
        sql_names: Whether its tables get their SQL names (`gold.x`). A session has one
            catalog, so only one of several lakehouses should.

    Raises:
        InputError: The date is no date, or the folder cannot be written.
    """

    def __init__(
        self,
        spark: SparkSession,
        location: str | os.PathLike[str] = "lakehouse",
        data_dir: str | os.PathLike[str] = "data_seeds/shop",
        as_of_date: str | date | None = "",
        *,
        later: Sequence[str] = (),
        sql_names: bool = True,
    ) -> None:
        self.spark = spark
        self.location = resolve(location)
        self.data_dir = resolve(data_dir)
        self._later = [resolve(file) for file in later]
        self._sql_names = sql_names
        self._given_date = parse_date(as_of_date)
        self._default_date: date | None = None
        self._storage = Storage(spark)
        self._raw_files: dict[str, list[str]] | None = None
        self._open()

    def _open(self) -> None:
        try:
            self._storage.make_folder(self.location)
        except OSError:
            raise InputError(
                f"{shown(self.location)} cannot be written.",
                "Name a folder of your own with:  --lakehouse-dir FOLDER",
            ) from None
        if self._sql_names:
            for layer in LAYERS:
                self.spark.sql(f"CREATE DATABASE IF NOT EXISTS {layer}")
            for table in registry.tables():
                if self.has(table.name):
                    self._register(table)

    def __repr__(self) -> str:
        return f"Lakehouse({shown(self.location)})"

    # Reading ---------------------------------------------------------------------------

    def path(self, table: str | TableFunction) -> str:
        """The folder (as Spark reads it) of a table, built or not."""
        return self._storage.uri(self._folder(registry.get(table)))

    def _folder(self, table: Table) -> str:
        return f"{self.location}/{table.layer}/{table.name}"

    def has(self, table: str | TableFunction) -> bool:
        """Whether a table has been built: its log has an entry, not only a folder.

        A write that was cut short leaves data files and an empty log.
        """
        log = f"{self._folder(registry.get(table))}/_delta_log"
        if self._storage.exists(f"{log}/{0:020}.json"):
            return True
        # Delta deletes old entries once a checkpoint holds what they said.
        return any(name.endswith((".json", ".parquet")) for name in self._storage.names(log))

    def read(self, table: str | TableFunction) -> DataFrame:
        """A table without the stamp of when its rows were written.

        Raises:
            MissingTableError: It is not built yet; the message says what builds it.
        """
        wanted = registry.get(table)
        if not self.has(wanted.name):
            notebook = NOTEBOOKS[wanted.layer]
            raise MissingTableError(
                f"{wanted.full_name} is not in {shown(self.location)} yet.",
                f"It is built by notebooks/{notebook}.ipynb. "
                f"Build it now with:  lakehouse run --to {notebook[:2]}",
            )
        frame = self.spark.read.format("delta").load(self.path(wanted.name))
        return frame.drop(STAMPS.get(wanted.layer, "spark_updated_at"))

    @property
    def as_of_date(self) -> date:
        """The day to look back from: the one given, or that of the last completed order.

        Raises:
            InputError: No date was given and there is no completed order to take it from.
        """
        if self._given_date:
            return self._given_date
        if self._default_date is None:
            orders = self.read("stg_orders").where("is_completed")
            row = orders.agg(F.max("order_date").cast("string")).head()
            if row is None or row[0] is None:
                raise InputError(
                    "There is no completed order, so there is no day to look back from.",
                    "Name one with:  --as-of yyyy-mm-dd   (a job:  --date yyyy-mm-dd)",
                )
            self._default_date = date.fromisoformat(row[0])
        return self._default_date

    # Building --------------------------------------------------------------------------

    def compute(self, table: str | TableFunction) -> DataFrame:
        """The result of a table's function on this lakehouse's tables, not written."""
        wanted = registry.get(table)
        return wanted.function(**{name: self._input(name) for name in wanted.parameters})

    def _input(self, name: str) -> DataFrame | date:
        if name == "as_of_date":
            return self.as_of_date
        if name.startswith("raw_"):
            return self.read_raw(name.removeprefix("raw_"))
        return self.read(name)

    def build(self, table: str | TableFunction) -> DataFrame:
        """Compute a table, write it, and read back what was written.

        Args:
            table: The function that makes it, or its name.

        Returns:
            The table as it now stands in the lakehouse.
        """
        wanted = registry.get(table)
        self._write(wanted, self.compute(wanted.name))
        return self.read(wanted.name)

    def merge(self, table: str | TableFunction) -> DataFrame:
        """Compute a table and write only the rows that are new, changed or gone.

        A table without a key, one not built yet and one whose columns changed is built anew.

        Args:
            table: The function that makes it, or its name.

        Returns:
            The table as it now stands in the lakehouse.
        """
        wanted = registry.get(table)
        frame = self.compute(wanted.name)
        if not wanted.key or not self.has(wanted.name):
            self._write(wanted, frame)
            return self.read(wanted.name)
        if self.read(wanted.name).dtypes != frame.dtypes:
            self._write(wanted, frame)
            return self.read(wanted.name)
        same_row = " AND ".join(f"old.{name} = new.{name}" for name in wanted.key)
        same_cells = " AND ".join(f"old.{name} <=> new.{name}" for name in frame.columns)
        merge = (
            DeltaTable.forPath(self.spark, self.path(wanted.name))
            .alias("old")
            .merge(self._stamped(wanted, frame).alias("new"), same_row)
            .whenMatchedUpdateAll(f"NOT ({same_cells})")
            .whenNotMatchedInsertAll()
            .whenNotMatchedBySourceDelete()
        )
        with _only_writer(wanted):
            merge.execute()
        self._forget_date(wanted)
        return self.read(wanted.name)

    def _stamped(self, table: Table, frame: DataFrame) -> DataFrame:
        stamp = STAMPS.get(table.layer, "spark_updated_at")
        return frame.withColumn(stamp, F.current_timestamp())

    def _forget_date(self, table: Table) -> None:
        if table.name == "stg_orders":
            self._default_date = None

    def _write(self, table: Table, frame: DataFrame) -> None:
        stamped = self._stamped(table, frame)
        if table.layer == "bronze":
            others = [name for name in stamped.columns if name != "_corrupt_record"]
            stamped = stamped.select(*others, "_corrupt_record")
        writer = stamped.write.format("delta").mode("overwrite").option("overwriteSchema", True)
        with _only_writer(table):
            writer.save(self.path(table.name))
        self._register(table)
        self._forget_date(table)

    def _register(self, table: Table) -> None:
        """Give a table its SQL name. The path is the truth; the catalog only points to it."""
        if not self._sql_names:
            return
        if self.spark.conf.get("spark.sql.catalogImplementation") == "in-memory":
            # Forget where another lakehouse had it. An external table's files stay.
            self.spark.sql(f"DROP TABLE IF EXISTS {table.full_name}")
        location = self.path(table.name).replace("'", "\\'")
        self.spark.sql(
            f"CREATE TABLE IF NOT EXISTS {table.full_name} USING delta LOCATION '{location}'"
        )

    # Raw files -------------------------------------------------------------------------

    def read_raw(self, entity: str) -> DataFrame:
        """The rows of an entity's CSV files, as text.

        Raises:
            InputError: A file is missing, or a header is not the contract's.
        """
        from ecommerce_lakehouse.layers import bronze

        files = [self._storage.exactly(file) for file in self.raw_files()[entity]]
        return bronze.read_raw(self.spark, files, bronze.RAW_COLUMNS[entity])

    def raw_files(self) -> dict[str, list[str]]:
        """Each entity's files in delivery order, their headers checked.

        Raises:
            InputError: A file is missing, or a header is not the contract's.
        """
        if self._raw_files is None:
            self._raw_files = find_raw_files(self._storage, self.data_dir, self._later)
        return self._raw_files
