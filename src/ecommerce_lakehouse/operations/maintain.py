"""Keep the files of the tables in order: small ones put together, old ones deleted.

The rows stay as they are, so nothing has to be built anew afterwards: a commit of OPTIMIZE or
VACUUM says that no data changed, and `DeltaLog` passes over it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from rich.filesize import decimal

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.errors import MissingTableError
from ecommerce_lakehouse.paths import for_message
from ecommerce_lakehouse.registry import LAYERS
from ecommerce_lakehouse.storage.commits import one_writer, with_setting
from ecommerce_lakehouse.storage.delta_log import DeltaLog
from ecommerce_lakehouse.storage.writing import ROWS_A_FILE
from ecommerce_lakehouse.tables.lakehouse import Lakehouse

RETENTION_HOURS = 168
"""A week: how long files that no table needs any more are kept for readers and for RESTORE."""
ZORDER_COLUMN = "category"
"""A column by which the tables that have it are often asked."""
MAX_FILE_SIZE = "spark.databricks.delta.optimize.maxFileSize"
"""The setting of a session for how large the files are that OPTIMIZE writes."""
HEADER = f"{'table':43}{'files':>14}{'size':>22}{'deletable':>10}"


@dataclass(frozen=True)
class Files:
    """The files of one table; before and after are the same where nothing was done.

    Attributes:
        table: Its full name.
        before: How many files hold its rows, and their bytes.
        after: The same once small files are put together.
        deletable: Files that no version of the last week needs.
    """

    table: str
    before: tuple[int, int]
    after: tuple[int, int]
    deletable: int

    def __str__(self) -> str:
        states = [self.before] if self.before == self.after else [self.before, self.after]
        files = " → ".join(f"{number:,}" for number, _ in states)
        sizes = " → ".join(decimal(size) for _, size in states)
        return f"{self.table:43}{files:>14}{sizes:>22}{self.deletable:>10,}"


def maintain(
    lake: Lakehouse, *, apply: bool = False, say: Callable[[Files], object] = str
) -> list[Files]:
    """OPTIMIZE and VACUUM every table of a lakehouse, those of its `ops` layer as well.

    Args:
        lake: The lakehouse.
        apply: Do it. Otherwise nothing is changed, only counted.
        say: Is told of each table when it is done.

    Returns:
        The files of each table.

    Raises:
        MissingTableError: There is no table.
        LakehouseError: Another run wrote a table meanwhile.
    """
    storage = lake.folder.storage
    found = []
    for layer in (*LAYERS, "ops"):
        for name in storage.names(f"{lake.location}/{layer}"):
            folder = f"{lake.location}/{layer}/{name}"
            log = DeltaLog(storage, folder)
            if log.versions():
                place = storage.uri(folder)
                found.append(
                    _maintain_table(lake.spark, f"{layer}.{name}", place, log, apply=apply)
                )
                say(found[-1])
    if not found:
        raise MissingTableError(
            f"There is no table in {for_message(lake.location)} yet.",
            "Build them with:  lakehouse build",
        )
    return found


def _maintain_table(
    spark: SparkSession, name: str, place: str, log: DeltaLog, *, apply: bool
) -> Files:
    table = DeltaTable.forPath(spark, place)
    before, clustered = _live(table)
    after = before
    if apply and before[0] > 1 and _has_changed(log):
        _optimize(name, table, [] if clustered else _order(name, table), _file_bytes(log, before))
        after, _ = _live(table)
    quoted = place.replace("`", "``")
    vacuum = spark.sql(f"VACUUM delta.`{quoted}` RETAIN {RETENTION_HOURS} HOURS DRY RUN")
    deletable = vacuum.where("path LIKE '%.parquet'").count()
    if apply and deletable:
        # Not where there is nothing to delete: each VACUUM writes two commits, and after many of
        # them Delta drops from the log what the last real change was made from.
        table.vacuum(RETENTION_HOURS)
    return Files(name, before, after, deletable)


def _live(table: DeltaTable) -> tuple[tuple[int, int], bool]:
    """How many files hold a table's rows, their bytes, and whether Delta clusters them."""
    (detail,) = table.detail().collect()
    return (detail.numFiles, detail.sizeInBytes), bool(detail.clusteringColumns)


def _has_changed(log: DeltaLog) -> bool:
    """Whether rows came since the last OPTIMIZE: ZORDER would write all files again each time."""
    for commit in log.commits():
        if commit.change or commit.operation == "OPTIMIZE":
            return bool(commit.change)
    return True


def _order(name: str, table: DeltaTable) -> list[str]:
    """The column by which the rows of a table are brought together; none where it has no key."""
    if ZORDER_COLUMN in table.toDF().columns:
        return [ZORDER_COLUMN]
    return next(([*each.key[:1]] for each in registry.tables() if each.full_name == name), [])


def _file_bytes(log: DeltaLog, live: tuple[int, int]) -> int:
    """How large a file of as many rows is as a writer puts into one.

    One large file would be written again for each row of it that changes.
    """
    rows = log.size()
    return live[1] * ROWS_A_FILE // rows if rows else live[1]


def _optimize(name: str, table: DeltaTable, order: Sequence[str], file_bytes: int) -> None:
    # It says no provenance. Rows that another run appends meanwhile come before this commit, and
    # one that was read before them would hide theirs.
    with one_writer(name):
        if not order:
            table.optimize().executeCompaction()
            return
        with with_setting(table.toDF().sparkSession, MAX_FILE_SIZE, str(file_bytes)):
            table.optimize().executeZOrderBy(*order)
