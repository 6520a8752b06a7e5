"""Every way a table is written: all of it, more of it, what differs, or as it was before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from ecommerce_lakehouse.contracts import contract_of
from ecommerce_lakehouse.registry import Table
from ecommerce_lakehouse.spark.settings import SETTINGS
from ecommerce_lakehouse.storage.commits import conflict, one_writer, with_provenance, with_setting
from ecommerce_lakehouse.storage.delta_log import Provenance
from ecommerce_lakehouse.storage.folder import TableFolder, stamp_of

MAX_MERGE_KEYS = 100_000
"""The most keys for which the rows of a MERGE are sent to where its table's are."""
MAX_RANGES = 20
"""How many ranges of keys a MERGE names, so that files without any need not be read."""
ROWS_A_FILE = 32_768
"""The most rows of a data file. To check keys the gate has each task's rows in their order, so a
file has a narrow range of keys, and a change writes few files again."""
MAX_RECORDS = "spark.sql.files.maxRecordsPerFile"
"""The setting of a session that says how many rows a data file has at most; 0 for any number."""


class OpenGate:
    """What a writer asks before it writes. This one lets every row pass, as lessons have it.

    Programs, which nobody watches, have `operations.gate.Gate`.
    """

    @contextmanager
    def admit(
        self, table: Table, rows: DataFrame, folder: TableFolder, *, whole: bool
    ) -> Iterator[DataFrame]:
        """The rows that may be written; an error where they may not."""
        yield rows

    def constraints(self, table: Table) -> dict[str, str]:
        """What a table that is made refuses from then on, as Delta's table properties."""
        return {}

    def pop_results(self, table: Table) -> list[Row]:
        """What was checked with the last write of a table, once."""
        return []


def stamp(table: Table, rows: DataFrame) -> DataFrame:
    """The rows of a table with the time they are written."""
    stamped = rows.withColumn(stamp_of(table), F.current_timestamp())
    if table.layer != "bronze":
        return stamped
    others = [name for name in stamped.columns if name != "_corrupt_record"]
    return stamped.select(*others, "_corrupt_record")


def describe(full_name: str, rows: DataFrame) -> DataFrame:
    """The rows of a table with what its contract says of each column, as Delta's comments.

    They are a part of the schema, so they come with the commit that makes the table, and to
    append or merge rows keeps them.
    """
    contract = contract_of(full_name)
    return rows.withColumns(
        {
            column.name: F.col(column.name).alias(column.name, metadata={"comment": column.comment})
            for column in (contract.columns if contract else ())
            if column.name in rows.columns
        }
    )


class TableWriter:
    """Writes the tables of a folder, each time in one commit that says what they were made from.

    Every method raises LakehouseError when another run wrote the same table meanwhile; those that
    bring rows raise what the gate raises. The table then stays as it was.

    Args:
        folder: Where the tables stand.
        gate: Asked before rows are written.
        forget: Is told of a table that has just been written.

    Attributes:
        is_watched: Whether somebody notes which tables are read. Then rows are not taken from a
            change feed, which no listener knows for a table.
    """

    is_watched = False

    def __init__(
        self, folder: TableFolder, gate: OpenGate, forget: Callable[[Table], object]
    ) -> None:
        self.gate = gate
        self._folder = folder
        self._forget = forget

    def replace(self, table: Table, rows: DataFrame, provenance: Provenance) -> None:
        """Write a table anew: all of its rows."""
        with (
            self._admit(table, rows, whole=True) as good,
            one_writer(table.full_name),
            with_provenance(self._folder.spark, provenance),
            with_setting(self._folder.spark, MAX_RECORDS, str(ROWS_A_FILE if table.key else 0)),
        ):
            is_new = not self._folder.has(table) and self._knows_paths()
            write = self._create if is_new else self._overwrite
            write(table, describe(table.full_name, stamp(table, good)))
        self._folder.register(table)
        self._forget(table)

    def append(
        self,
        table: Table,
        rows: DataFrame,
        provenance: Provenance,
        *,
        after: int,
        new_columns: bool,
    ) -> None:
        """Add rows, unless another run has added to the same version.

        Args:
            table: The table.
            rows: What to add.
            provenance: What the table is made from then.
            after: The version that was seen before.
            new_columns: Whether the rows may bring some.
        """
        # Delta refuses or skips a second append that starts from the same version:
        # https://docs.delta.io/latest/delta-streaming.html#idempotent-table-writes-in-foreachbatch
        with self._admit(table, rows, whole=False) as good, one_writer(table.full_name):
            writer = stamp(table, good).write.format("delta").mode("append")
            writer = writer.option("txnAppId", "ingest").option("txnVersion", after)
            writer = writer.option("mergeSchema", new_columns)
            writer.option("userMetadata", str(provenance)).save(self._folder.path(table))
        if self._folder.log(table).provenance() != provenance:
            raise conflict(table.full_name)
        self._forget(table)

    def merge(
        self,
        table: Table,
        rows: DataFrame,
        provenance: Provenance,
        keys: DataFrame | None = None,
    ) -> None:
        """Insert, update and delete what differs.

        Args:
            table: It has a key, and the columns of the rows.
            rows: The rows as they should be.
            provenance: What they were made from.
            keys: All keys that the rows may have; None for all there are.
        """
        same_row = " AND ".join(f"old.{name} = new.{name}" for name in table.key)
        same_cells = " AND ".join(f"old.{name} <=> new.{name}" for name in rows.columns)
        columns = stamp(table, rows).columns
        cells: dict[str, str | Column] = {name: F.col(f"new.{name}") for name in columns}
        with (
            self._admit(table, rows, whole=False) as good,
            self._stage(
                table, stamp(table, good).withColumn("_is_here", F.lit(True)), keys
            ) as source,
        ):
            few = None if keys is None else _collect_few(keys.select(*table.key))
            if few and table.is_from_raw:
                source = self._drop_unchanged(table, source, rows.columns, few)
                few = _collect_few(source.select(*table.key))
            statement = (
                self._delta(table)
                .alias("old")
                .merge(
                    (source if few is None else F.broadcast(source)).alias("new"),
                    " AND ".join([same_row, *_ranges(f"old.{table.key[0]}", few)]),
                )
                .whenMatchedDelete("new._is_here IS NULL")
                .whenMatchedUpdate(f"NOT ({same_cells})", cells)
                .whenNotMatchedInsert("new._is_here", cells)
            )
            if keys is None:
                statement = statement.whenNotMatchedBySourceDelete()
            spark = self._folder.spark
            with (
                one_writer(table.full_name),
                with_provenance(spark, provenance),
                with_setting(spark, MAX_RECORDS, str(ROWS_A_FILE)),
            ):
                statement.execute()
        self._forget(table)

    def restore_version(self, table: Table, version: int, provenance: Provenance | None) -> None:
        """Make an old version of a table the newest."""
        with one_writer(table.full_name), with_provenance(self._folder.spark, provenance):
            self._delta(table).restoreToVersion(version)
        self._forget(table)

    def write_provenance(self, table: Table, provenance: Provenance) -> None:
        """Say anew what a table was made from; its rows stay."""
        with one_writer(table.full_name), with_provenance(self._folder.spark, provenance):
            self._delta(table).delete("false")

    def drop(self, table: Table) -> None:
        """Delete a table with all its versions."""
        self._folder.drop(table)
        self._forget(table)

    def _knows_paths(self) -> bool:
        """Whether the session's catalog makes tables by path; one that somebody brings may not."""
        name = "spark.sql.catalog.spark_catalog"
        return self._folder.spark.conf.get(name, None) == SETTINGS[name]

    def _overwrite(self, table: Table, rows: DataFrame) -> None:
        """Write all rows of a table; what was set for it stays."""
        writer = rows.write.format("delta").mode("overwrite").option("overwriteSchema", True)
        writer.options(**self.gate.constraints(table)).save(self._folder.path(table))

    def _create(self, table: Table, rows: DataFrame) -> None:
        """Write a table for the first time, with a comment: Delta takes one from a creation only.

        See `comment` in https://docs.delta.io/latest/delta-batch.html#create-a-table.
        """
        path = self._folder.path(table).replace("`", "``")
        writer = rows.writeTo(f"delta.`{path}`").using("delta")
        contract = contract_of(table.full_name)
        properties = {"comment": contract.comment} if contract else {}
        for name, value in {**properties, **self.gate.constraints(table)}.items():
            writer = writer.tableProperty(name, value)
        writer.createOrReplace()

    def _delta(self, table: Table) -> DeltaTable:
        return DeltaTable.forPath(self._folder.spark, self._folder.path(table))

    def _admit(
        self, table: Table, rows: DataFrame, *, whole: bool
    ) -> AbstractContextManager[DataFrame]:
        return self.gate.admit(table, rows, self._folder, whole=whole)

    def _drop_unchanged(
        self, table: Table, source: DataFrame, columns: Sequence[str], few: Sequence[Any]
    ) -> DataFrame:
        """Leave out of what a MERGE reads the rows that the table has: deliveries repeat some.

        A MERGE would write the whole file again in which such a row stands.
        """
        old = self._folder.read(table)
        for within in _ranges(table.key[0], few):
            old = old.where(within)
        same_key, same = F.lit(True), source["_is_here"].isNotNull()
        for name in columns:
            if name in table.key:
                same_key &= old[name] == source[name]
            else:
                same &= old[name].eqNullSafe(source[name])
        key = [old[name] for name in table.key]
        found = old.join(F.broadcast(source), same_key).select(*key, same.alias("_same"))
        # Kept first: else Spark would join by all columns, which takes more memory than by a key.
        unchanged = found.localCheckpoint().where("_same").drop("_same")
        return source.join(F.broadcast(unchanged), list(table.key), "left_anti")

    @contextmanager
    def _stage(self, table: Table, rows: DataFrame, keys: DataFrame | None) -> Iterator[DataFrame]:
        """What a MERGE reads: the rows, and with keys also each of them that has no row."""
        yield rows if keys is None else keys.join(rows, list(table.key), "left")


def _collect_few(keys: DataFrame) -> list[Any] | None:
    """What stands in the first column of some keys, in order; None where there are many keys."""
    rows = keys.limit(MAX_MERGE_KEYS + 1).collect()
    return sorted({row[0] for row in rows} - {None}) if len(rows) <= MAX_MERGE_KEYS else None


def _ranges(column: str, numbers: Sequence[Any] | None) -> list[str]:
    """A condition, if there is one to tell, that holds for some numbers and few others.

    Delta reads only files that may have a row for which it holds:
    https://docs.delta.io/latest/delta-update.html#performance-tuning
    """
    if numbers is None or not all(isinstance(number, int) for number in numbers):
        return []
    if not numbers:
        return ["false"]
    gaps = sorted(range(1, len(numbers)), key=lambda at: numbers[at - 1] - numbers[at])
    starts = [0, *sorted(gaps[: MAX_RANGES - 1])]
    ends = [*(start - 1 for start in starts[1:]), -1]
    within = [
        f"{column} BETWEEN {numbers[start]} AND {numbers[end]}"
        for start, end in zip(starts, ends, strict=True)
    ]
    return [f"({' OR '.join(within)})"]
