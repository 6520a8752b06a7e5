"""Write the difference between a table and what it should be, in one commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from ecommerce_lakehouse.conflicts import only_writer
from ecommerce_lakehouse.delta_log import Note
from ecommerce_lakehouse.lakehouse import Lakehouse
from ecommerce_lakehouse.registry import Table

FEW = 100_000
"""The most keys for which the rows of a MERGE are sent to where its table's are."""
META_DATA = "spark.databricks.delta.commitInfo.userMetadata"


@dataclass(frozen=True)
class Change:
    """What became of a table.

    Attributes:
        table: Its full name.
        how: `built` (all rows written), `merged`, `unchanged`, `restored` or `failed`.
        inserted: Rows; for a table that was built, all of them.
        updated: Rows.
        deleted: Rows.
    """

    table: str
    how: str
    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    def __str__(self) -> str:
        told = {
            "built": f"built, {self.inserted:,} rows",
            "merged": f"{self.inserted:,} new, {self.updated:,} changed, {self.deleted:,} gone",
        }
        return f"{self.table:34} {told.get(self.how, self.how)}"


def merge(
    lake: Lakehouse, table: Table, fresh: DataFrame, note: Note, keys: DataFrame | None = None
) -> Change:
    """Insert, update and delete what differs, in one commit.

    Args:
        lake: Where the table is.
        table: It has a key.
        fresh: The rows as they should be.
        note: What they were made from.
        keys: All keys that `fresh` may have; None for all there are.
    """
    if lake.read(table.name).dtypes != fresh.dtypes:
        lake.build(table.name)
        return told(lake, table, "built")
    same_row = " AND ".join(f"old.{name} = new.{name}" for name in table.key)
    same_cells = " AND ".join(f"old.{name} <=> new.{name}" for name in fresh.columns)
    columns = lake.stamped(table, fresh).columns
    cells: dict[str, str | Column] = {name: F.col(f"new.{name}") for name in columns}
    with (
        lake.admitted(table, fresh) as rows,
        lake.staged(
            table, lake.stamped(table, rows).withColumn("_is_here", F.lit(True)), keys
        ) as source,
    ):
        statement = (
            DeltaTable.forPath(lake.spark, lake.path(table.name))
            .alias("old")
            .merge(_sent(source, keys).alias("new"), same_row)
            .whenMatchedDelete("new._is_here IS NULL")
            .whenMatchedUpdate(f"NOT ({same_cells})", cells)
            .whenNotMatchedInsert("new._is_here", cells)
        )
        if keys is None:
            statement = statement.whenNotMatchedBySourceDelete()
        with only_writer(table.full_name), noted(lake.spark, note):
            statement.execute()
    lake.written(table)
    return told(lake, table, "merged")


def _sent(source: DataFrame, keys: DataFrame | None) -> DataFrame:
    """What a MERGE reads, with a word to Spark where it is little: Delta keeps it out of sight."""
    return F.broadcast(source) if keys is not None and keys.count() <= FEW else source


def told(lake: Lakehouse, table: Table, how: str) -> Change:
    """What the table's newest commit says it did."""
    return Change(table.full_name, how, *next(lake.log(table.name).commits()).rows)


@contextmanager
def noted(spark: SparkSession, note: Note | None) -> Iterator[None]:
    """Leave a note in the commit."""
    spark.conf.set(META_DATA, "" if note is None else str(note))
    try:
        yield
    finally:
        spark.conf.unset(META_DATA)


def go_back(lake: Lakehouse, table: Table, version: int, note: Note | None) -> None:
    """Make an old version of a table the newest, with the note that says what it was made from."""
    with only_writer(table.full_name), noted(lake.spark, note):
        DeltaTable.forPath(lake.spark, lake.path(table.name)).restoreToVersion(version)
    lake.written(table)
