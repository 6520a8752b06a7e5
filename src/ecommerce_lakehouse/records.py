"""The tables of the `ops` layer: what a run writes down of itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from ecommerce_lakehouse.conflicts import in_the_way, only_writer
from ecommerce_lakehouse.paths import is_local
from ecommerce_lakehouse.storage import Storage

_NOT_FOR_DELTA_RS = re.compile(r"[\x00-\x1f%\[\]\\^|]")
"""Characters of a folder's name that it takes for something else."""
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
    "runs": "One row per run. The version in which it appears is its number.",
    "steps": "One row per table that a run looked at. Read are the rows that were new to it: those "
    "of its files, or those of its inputs that changed; all of them where it was built. "
    "Quarantined are those that a silver table did not take.",
    "checks": "One row per check of what a run wrote.",
}
"""What a row of each is."""


def append(
    spark: SparkSession, location: str, name: str, rows: Sequence[tuple[Any, ...]], words: str = ""
) -> None:
    """Append rows to a table of the `ops` layer; records of an older release may lack a column.

    Args:
        spark: Writes where nothing smaller can.
        location: The lakehouse's folder or URI.
        name: The table's name.
        rows: Their cells, in the order of `SCHEMAS`.
        words: What the commit says beside.

    Raises:
        LakehouseError: Another run wrote at the same moment.
    """
    schema = pa.schema(SCHEMAS[name])
    table = pa.Table.from_pylist(
        [dict(zip(schema.names, row, strict=True)) for row in rows], schema
    )
    folder = f"{location}/ops/{name}"
    if is_local(location) and _append_here(folder, table, words):
        return
    writer = spark.createDataFrame(table).coalesce(1).write.format("delta").mode("append")
    writer = writer.option("mergeSchema", True).option("userMetadata", words)
    with only_writer(f"ops.{name}"):
        writer.save(Storage(spark).uri(folder))


def _append_here(folder: str, table: pa.Table, words: str) -> bool:
    """Append without Spark: the first table that a Java writes takes it four seconds.

    Returns:
        Whether it could. The commit is a hard link, which some disks do not know.
    """
    if _NOT_FOR_DELTA_RS.search(folder):
        return False
    from deltalake import CommitProperties, write_deltalake
    from deltalake.exceptions import CommitFailedError

    said = CommitProperties(custom_metadata={"userMetadata": words})
    try:
        write_deltalake(folder, table, mode="append", schema_mode="merge", commit_properties=said)
    except CommitFailedError:
        raise in_the_way(f"ops.{folder.rpartition('/')[2]}") from None
    except OSError:
        return False
    return True
