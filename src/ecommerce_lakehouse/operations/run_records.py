"""The tables of the `ops` layer: what a run writes down of itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from typing import Any

import pyarrow as pa
from delta.tables import DeltaTable as SparkDeltaTable
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from ecommerce_lakehouse.contracts import contract_of
from ecommerce_lakehouse.errors import InputError, LakehouseError
from ecommerce_lakehouse.paths import is_local
from ecommerce_lakehouse.spark.causes import find_cause
from ecommerce_lakehouse.spark.jvm import errors_to_log
from ecommerce_lakehouse.storage.commits import conflict, one_writer
from ecommerce_lakehouse.storage.delta_log import DeltaLog
from ecommerce_lakehouse.storage.files import Storage
from ecommerce_lakehouse.storage.writing import describe

NOT_FOR_DELTA_RS = re.compile(r"[\x00-\x1f%\[\]\\^|]")
"""Characters of a folder's name that delta-rs takes for something else: it makes it a URL."""
MAX_TRIES = 3
"""How often a record is mended while other runs write theirs."""
_MOMENT = pa.timestamp("us", "UTC")
SCHEMAS = {
    "runs": {
        "run_id": pa.string(),
        "started_at": _MOMENT,
        "layers": pa.string(),
        "as_of_date": pa.date32(),
        "full_refresh": pa.bool_(),
    },
    "steps": {
        "run_id": pa.string(),
        "table": pa.string(),
        "outcome": pa.string(),
        "rows_read": pa.int64(),
        "rows_inserted": pa.int64(),
        "rows_updated": pa.int64(),
        "rows_deleted": pa.int64(),
        "rows_quarantined": pa.int64(),
        "version": pa.int64(),
        "started_at": _MOMENT,
        "seconds": pa.float64(),
    },
    "checks": {
        "run_id": pa.string(),
        "table": pa.string(),
        "check": pa.string(),
        "severity": pa.string(),
        "rows": pa.int64(),
        "broken": pa.int64(),
        "version": pa.int64(),
    },
}
"""The columns of each table."""
GRAINS = {
    "runs": "One row per run. The day is the one that it looked back from; NULL where none of its "
    "tables depends on it.",
    "steps": "One row per table that a run looked at. Read are the rows that were new to it: those "
    "of its files, or those of its inputs that changed; all of them where it was built. "
    "Quarantined are those that a silver table did not take.",
    "checks": "One row per check of what a run wrote.",
}
"""What a row of each is."""


class RunRecords:
    """The records of one lakehouse: written by delta-rs in a local folder, by Spark elsewhere.

    To write a table is the first thing that costs a Java seconds; a run that finds nothing new is
    spared them.
    """

    def __init__(self, spark: SparkSession, location: str) -> None:
        self._spark = spark
        self._storage = Storage(spark)
        self._location = location
        self._by_spark = not is_local(location) or bool(NOT_FOR_DELTA_RS.search(location))

    def append(self, name: str, rows: Sequence[tuple[Any, ...]], metadata: str = "") -> None:
        """Append rows; records of an older release may lack a column.

        Args:
            name: The table's name.
            rows: Their cells, in the order of `SCHEMAS`.
            metadata: The text of the commit.

        Raises:
            LakehouseError: Another run wrote at the same moment.
            InputError: The disk cannot hold the records.
        """
        full_name = f"ops.{name}"
        contract = contract_of(full_name)
        assert contract is not None  # each has one
        comments = {column.name: {"comment": column.comment} for column in contract.columns}
        schema = pa.schema(
            [pa.field(*it, metadata=comments[it[0]]) for it in SCHEMAS[name].items()]
        )
        cells = [dict(zip(schema.names, row, strict=True)) for row in rows]
        table = pa.Table.from_pylist(cells, schema)
        if self._by_spark:
            frame = describe(full_name, self._spark.createDataFrame(table).coalesce(1))
            writer = frame.write.format("delta").mode("append").option("mergeSchema", True)
            with one_writer(full_name):
                writer.option("userMetadata", metadata).save(self._uri(name))
            return
        commit = CommitProperties(custom_metadata={"userMetadata": metadata})
        try:
            with errors_to_log():
                write_deltalake(
                    self._place(name),
                    table,
                    mode="append",
                    schema_mode="merge",
                    description=contract.comment,
                    commit_properties=commit,
                )
        except CommitFailedError:
            raise conflict(full_name) from None
        except OSError as problem:  # delta-rs commits with a hard link
            cause = find_cause(str(problem))
            if cause:
                raise cause from None
            raise InputError(
                f"The records of this run cannot be written to {self._place(name)} ({problem}).",
                "If the disk has no hard links, name the lakehouse as a URI:  "
                f"--lakehouse-dir file://{self._location}",
            ) from None

    def newest_run(self) -> str:
        """The id of the run that began last; empty where none has."""
        return DeltaLog(self._storage, self._place("runs")).newest_metadata()

    def set_as_of_date(self, run_id: str, day: date) -> None:
        """Write down the day of a run that did not know it when it began.

        Where other runs write their records each time it stays unknown: the tables are right.
        """
        for _ in range(MAX_TRIES):
            with suppress(CommitFailedError, LakehouseError):
                self._set_as_of_date(run_id, day)
                return

    def _set_as_of_date(self, run_id: str, day: date) -> None:
        mine, value = f"run_id = '{run_id}'", f"CAST('{day}' AS DATE)"
        if self._by_spark:
            with one_writer("ops.runs"):
                table = SparkDeltaTable.forPath(self._spark, self._uri("runs"))
                table.update(mine, {"as_of_date": F.expr(value)})
        else:
            DeltaTable(self._place("runs")).update(updates={"as_of_date": value}, predicate=mine)

    def _place(self, name: str) -> str:
        return f"{self._location}/ops/{name}"

    def _uri(self, name: str) -> str:
        return self._storage.uri(self._place(name))
