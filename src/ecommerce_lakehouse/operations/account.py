"""What a run says of itself at its end: the day, the rows it read and left out, and warnings."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.registry import Table
from ecommerce_lakehouse.spark.session import get_spark
from ecommerce_lakehouse.storage.folder import TableFolder
from ecommerce_lakehouse.tables.as_of import parse_date
from ecommerce_lakehouse.tables.lakehouse import Lakehouse
from ecommerce_lakehouse.tables.preflight import raw_bytes
from ecommerce_lakehouse.tables.raw_files import find_misnamed
from ecommerce_lakehouse.tables.scan import warn_of_swallowed_rows

REASONS_TOLD = 3
"""How many reasons for the quarantine are told, the most frequent first."""
LETTERS_TOLD = 60
"""How much of a bad value is shown."""
DAYS_APART = 60
"""How far the last order may stand from the one before it, before its day is doubted."""


@dataclass(frozen=True)
class FileAccount:
    """What became of the rows of one raw file.

    Attributes:
        entity: `customers`, `orders`, `order_items` or `products`.
        file: Its name.
        rows: How many it has.
        reasons: How many of them are in the quarantine, by reason.
        examples: A bad value for each reason.
        is_newest: Whether no later file that came with it could have replaced rows of it.
    """

    entity: str
    file: str
    rows: int
    reasons: Mapping[str, int]
    examples: Mapping[str, str]
    is_newest: bool

    @property
    def is_doubtful(self) -> bool:
        """Whether more than half of the rows are out, without those that a later file replaced."""
        out = sum(self.reasons.values())
        if not self.is_newest:
            out -= self.reasons.get("duplicate_key", 0)
        return 2 * out > self.rows

    def __str__(self) -> str:
        reason, times = _by_frequency(self.reasons)[0]
        return (
            f"{self.file}: {sum(self.reasons.values()):,} of {self.rows:,} rows are rejected, "
            f"{times:,} of them for {reason}, such as {self.examples[reason]}"
        )


def _by_frequency(reasons: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(reasons.items(), key=lambda found: (-found[1], found[0]))


def count_by_file(
    folder: TableFolder, rejected: DataFrame, files: Mapping[str, Collection[str]] | None = None
) -> list[FileAccount]:
    """What became of the rows of raw files, by file; those without a rejected row are left out.

    Args:
        folder: Holds the bronze tables.
        rejected: The rows of the quarantine.
        files: The names of the files by entity; None for all.
    """
    if files is not None:
        names = [name for mine in files.values() for name in mine]
        rejected = rejected.where(F.col("_source_file").isin(*names))
    found: dict[tuple[str, str], list[tuple[str, int, str]]] = {}
    counted = rejected.groupBy("source_table", "_source_file", "reason").agg(
        F.count(F.lit(1)), F.min("record")
    )
    for entity, file, reason, times, record in counted.orderBy("source_table", "reason").collect():
        found.setdefault((entity, file), []).append((reason, times, record))
    rows = _rows_of(folder, found)
    among = {} if files is None else files
    newest = {
        entity: max(among.get(entity) or folder.files_in(registry.get(entity)), default="")
        for entity, _ in found
    }
    return [
        FileAccount(
            entity,
            file,
            rows[entity, file],
            {reason: times for reason, times, _ in told},
            {reason: _bad_value(reason, record) for reason, _, record in told},
            file >= newest[entity],
        )
        for (entity, file), told in sorted(found.items())
    ]


def _rows_of(
    folder: TableFolder, files: Mapping[tuple[str, str], object]
) -> dict[tuple[str, str], int]:
    """How many rows each file has in bronze."""
    names: dict[str, list[str]] = {}
    for entity, file in files:
        names.setdefault(entity, []).append(file)
    counts = [
        folder.read(registry.get(entity))
        .where(F.col("_source_file").isin(*mine))
        .groupBy(F.lit(entity).alias("entity"), "_source_file")
        .count()
        for entity, mine in names.items()
    ]
    if not counts:
        return {}
    return {(row[0], row[1]): row[2] for row in reduce(DataFrame.unionAll, counts).collect()}


def _bad_value(reason: str, record: str) -> str:
    """The value that a row was rejected for, or where there is none, the row."""
    row = json.loads(record)
    column = reason.partition(",")[0].removeprefix("invalid_")
    value = row.get("_corrupt_record") or row.get(column) or record
    shown = value if len(value) <= LETTERS_TOLD else f"{value[:LETTERS_TOLD]}…"
    return json.dumps(shown, ensure_ascii=False) if value != record else shown


def warnings_last(lines: Iterable[str]) -> list[str]:
    """The lines of an account, in the order in which a person wants them."""
    return sorted(lines, key=lambda line: line.startswith("Warning: "))


def tell_day(lake: Lakehouse, *, doubt: bool = True) -> list[str]:
    """The day that a run looked back from.

    Args:
        lake: The lakehouse, as it stands now.
        doubt: Whether to look if one order, far from all others, made it.
    """
    day = lake.as_of_date
    if lake.as_of.given:
        return [f"Looked back from {day}, the day that was asked for."]
    said = f"Looked back from {day}, the day of the last completed order."
    before = _day_before(lake, day) if doubt else None
    if before is None or (day - before).days <= DAYS_APART:
        return [said]
    return [
        said,
        f"Warning: that order comes {(day - before).days:,} days after the one before it. "
        f"If its date is wrong, name the day:  --as-of {before}",
    ]


def _day_before(lake: Lakehouse, day: date) -> date | None:
    """The day of the last completed order before a day."""
    orders = lake.folder.read(registry.get("stg_orders"))
    earlier = orders.where(F.col("is_completed") & (F.col("order_date") < F.lit(day)))
    row = earlier.agg(F.max("order_date")).head()
    return row[0] if row else None


def tell_files(
    lake: Lakehouse, read: int, files: Mapping[str, Collection[str]], *, judged: bool
) -> list[str]:
    """What was read from raw files, what of it was left out and why, and warnings.

    Args:
        lake: The lakehouse, as it stands now.
        read: How many rows came into bronze.
        files: The names of their files, by entity.
        judged: Whether they came into silver or the quarantine, too.
    """
    storage = lake.folder.storage
    new = [
        file
        for entity, names in files.items()
        for file in lake.raw.find()[entity]
        if file.name in names
    ]
    warnings = [warn_of_swallowed_rows(storage, file.address) for file in new]
    warnings += find_misnamed(storage, str(lake.data_dir))
    accounts = []
    if judged and new:
        accounts = count_by_file(lake.folder, lake.folder.read(_quarantine()), files)
        warnings = [str(account) for account in accounts if account.is_doubtful] + warnings
    said = "No file was new."
    if new:
        said = f"Read {read:,} rows of {len(new)} {'file' if len(new) == 1 else 'files'}"
        said += f": {_tell_rejected(read, accounts)}." if judged else "."
    return [said, *(f"Warning: {warning}" for warning in warnings if warning)]


def tell_quarantine(lake: Lakehouse) -> list[str]:
    """What became of all rows in bronze, for a run that reads no files."""
    quarantine = _quarantine()
    accounts = count_by_file(lake.folder, lake.folder.read(quarantine))
    rows = sum(lake.folder.read(table).count() for table in quarantine.input_tables)
    return [
        f"Of {rows:,} rows in bronze: {_tell_rejected(rows, accounts)}.",
        *(f"Warning: {account}" for account in accounts if account.is_doubtful),
    ]


def _quarantine() -> Table:
    return next(table for table in registry.tables() if table.rejects)


def tell_run(parameters: Mapping[str, str], layers: Collection[str]) -> list[str]:
    """What a run says whose tables were made elsewhere, by the notebooks.

    Args:
        parameters: The notebooks' folders, and the day where one was given.
        layers: Those that were reached.
    """
    tables = [table for layer in layers for table in registry.tables(layer)]
    lake = Lakehouse(
        get_spark("account", raw_bytes=raw_bytes(parameters["data_dir"])),
        parameters["lakehouse_dir"],
        parameters["data_dir"],
        parse_date(parameters.get("as_of_date")),
        sql_names=False,
    )
    lines = []
    if any(table.depends_on_date and lake.folder.has(table) for table in tables):
        lines += tell_day(lake)
    if lake.folder.has(_quarantine()):
        bronze = _quarantine().input_tables
        read = sum(lake.folder.read(table).count() for table in bronze)
        files = {table.name: lake.folder.files_in(table) for table in bronze}
        lines += tell_files(lake, read, files, judged=True)
    return warnings_last(lines)


def _tell_rejected(read: int, accounts: Sequence[FileAccount]) -> str:
    """How many rows were kept, and how many not, for the most frequent reasons."""
    reasons = sum((Counter(account.reasons) for account in accounts), Counter[str]())
    out = reasons.total()
    said = f"{read - out:,} kept, {out:,} quarantined"
    if not out:
        return said
    most = _by_frequency(reasons)[:REASONS_TOLD]
    told = ", ".join(f"{reason} {n:,}" for reason, n in most)
    rest = out - sum(n for _, n in most)
    return f"{said} ({told}{f', others {rest:,}' if rest else ''})"
