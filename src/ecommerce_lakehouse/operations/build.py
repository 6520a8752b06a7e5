"""Bring layers of a lakehouse up to date, or check its tables: what every program does."""

from __future__ import annotations

from collections.abc import Sequence

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.artifacts import artifacts_folder, is_written_from, write_parquet
from ecommerce_lakehouse.layers.bronze import RAW_COLUMNS
from ecommerce_lakehouse.operations.account import (
    tell_day,
    tell_files,
    tell_quarantine,
    warnings_last,
)
from ecommerce_lakehouse.operations.change import Change, Outcome
from ecommerce_lakehouse.operations.from_raw import look_at_files
from ecommerce_lakehouse.operations.gate import Gate
from ecommerce_lakehouse.operations.run import Run
from ecommerce_lakehouse.operations.score import tell_old_scores
from ecommerce_lakehouse.paths import FOLDERS
from ecommerce_lakehouse.registry import Table
from ecommerce_lakehouse.spark.session import get_spark
from ecommerce_lakehouse.spark.settings import is_this_machine
from ecommerce_lakehouse.storage.writing import TableWriter
from ecommerce_lakehouse.tables.as_of import parse_date
from ecommerce_lakehouse.tables.lakehouse import Lakehouse
from ecommerce_lakehouse.tables.preflight import (
    check_data,
    check_writable,
    raw_bytes,
)


def build_layers(
    layers: Sequence[str],
    *,
    as_of_date: str = "",
    full_refresh: bool = False,
    evolve: bool = False,
    data_dir: str = FOLDERS["data_dir"],
    lakehouse_dir: str = FOLDERS["lakehouse_dir"],
    artifacts_dir: str = FOLDERS["artifacts_dir"],
    master: str = "",
    writer: type[TableWriter] = TableWriter,
) -> list[Change]:
    """Bring the tables of some layers up to date with the files and the earlier layers.

    Args:
        layers: Layer names, in order.
        as_of_date: The day to look back from; empty for the last completed order's.
        full_refresh: Compute all rows anew, not only those that new deliveries touch.
        evolve: Take columns into bronze that the contract does not name.
        data_dir: The folder of raw files.
        lakehouse_dir: The folder of tables.
        artifacts_dir: Where the features go as a file.
        master: A Spark master; empty for spark-submit's, or every core of this machine.
        writer: The kind of writer; another one where somebody watches what is written.

    Returns:
        What became of each table.

    Raises:
        LakehouseError: Bad input, a table of an earlier layer is missing, or a later run began.
    """
    day = parse_date(as_of_date)
    if "bronze" in layers:
        check_data(data_dir, lakehouse_dir, evolve=evolve, full_refresh=full_refresh)
    check_writable(lakehouse_dir, "--lakehouse-dir FOLDER")
    if "ml" in layers:
        check_writable(artifacts_dir, "--artifacts-dir FOLDER")
    lake = Lakehouse(
        get_spark("lakehouse-job", master, raw_bytes(data_dir)),
        lakehouse_dir,
        data_dir,
        day,
        sql_names=False,  # nobody asks this session for gold.x, and naming it takes time
        evolve=evolve,
        gate=Gate(),
        writer=writer,
    )
    if "bronze" in layers:
        # All files are looked at before the first table is written.
        for sentence in find_new_columns(lake):
            print(sentence, flush=True)
        for table in registry.tables("bronze"):
            look_at_files(lake, table, anew=full_refresh)
    tables = [table for layer in layers for table in registry.tables(layer)]
    had = {table: lake.folder.files_in(table) for table in registry.tables("bronze")}
    for source in (source for table in tables for source in table.input_tables):
        if source not in tables:
            lake.folder.read(source)  # a clear message now, if it is missing
    changes: list[Change] = []

    def say(change: Change) -> None:
        changes.append(change)
        print(change, flush=True)

    Run(lake, layers, full_refresh=full_refresh).build(tables, say)
    if "ml" in layers:
        print(
            _write_features(lake, registry.get("ml_customer_features"), artifacts_dir), flush=True
        )
    for line in _account(lake, tables, changes, had):
        print(line, flush=True)
    if "ml" in layers:
        for line in tell_old_scores(lake):
            print(line, flush=True)
    return changes


def _account(
    lake: Lakehouse, tables: Sequence[Table], changes: Sequence[Change], had: dict[Table, set[str]]
) -> list[str]:
    """What the run says at its end: its day, its files, and warnings last."""
    lines = []
    if any(table.depends_on_date for table in tables):
        unchanged = {c.table for c in changes if c.how == Outcome.UNCHANGED}
        lines += tell_day(lake, doubt="silver.stg_orders" not in unchanged)
    if any(table.layer == "bronze" for table in tables):
        anew = {change.table for change in changes if change.how == Outcome.BUILT}
        files = {
            table.name: lake.folder.files_in(table) - (set() if table.full_name in anew else before)
            for table, before in had.items()
        }
        read = sum(c.inserted for c in changes if c.table.startswith("bronze."))
        judged = any(table.rejects for table in tables)
        lines += tell_files(lake, read, files, judged=judged)
        if judged and not any(files.values()) and _was_judged(changes):
            lines += tell_quarantine(lake)  # of files that a run read which got no further
    elif any(table.rejects for table in tables):
        lines += tell_quarantine(lake)
    return warnings_last(lines)


def _was_judged(changes: Sequence[Change]) -> bool:
    rejecting = {table.full_name for table in registry.tables() if table.rejects}
    return any(c.table in rejecting and c.how != Outcome.UNCHANGED for c in changes)


def find_new_columns(lake: Lakehouse) -> list[str]:
    """One sentence for each column that bronze does not have yet, and the file that brings it."""
    sentences: dict[tuple[str, str], str] = {}
    for entity, files in lake.raw.find().items():
        table = registry.get(entity)
        for file in files:
            for column in file.columns[len(RAW_COLUMNS[entity]) :]:
                if not lake.folder.has_column(table, column):
                    sentences.setdefault(
                        (entity, column.lower()),
                        f'{file.name} has a new column "{column}": '
                        f"{table.full_name} takes it in as text.",
                    )
    return list(sentences.values())


def _write_features(lake: Lakehouse, table: Table, artifacts_dir: str) -> str:
    """Write a table of customers as one file, unless it is the one that is there already.

    Returns:
        A line that says which.
    """
    source = f"{lake.folder.path(table)}, {lake.folder.log(table).last_change()}"
    file = artifacts_folder(artifacts_dir) / f"{table.name}.parquet"
    if is_written_from(file, source):
        return f"{file.name} is up to date"
    write_parquet(
        lake.folder.read(table),
        table.name,
        order_by="customer_id",
        to=artifacts_dir,
        by_way_of="" if is_this_machine(lake.spark.sparkContext.master) else lake.location,
        source=source,
    )
    return f"exported {file.name}"


def check_tables(
    *,
    as_of_date: str = "",
    lakehouse_dir: str = FOLDERS["lakehouse_dir"],
    master: str = "",
    **_: object,
) -> None:
    """Check every table that is built, whole, and print what is broken.

    Args:
        as_of_date: The last day whose orders should be there; empty for the last completed
            order's.
        lakehouse_dir: The folder of tables.
        master: A Spark master; empty for spark-submit's, or every core of this machine.
        **_: The other flags that all jobs have; they mean nothing here.

    Raises:
        QualityError: A check of severity `error` is broken.
    """
    day = parse_date(as_of_date)
    spark = get_spark("lakehouse-check", master)
    lake = Lakehouse(spark, lakehouse_dir, None, day, sql_names=False)
    results = Run(lake, ["quality"]).check(registry.tables(scored=True), Gate())
    broken = [row for row in results if row.broken]
    for line in tell_day(lake, doubt=False):
        print(line)
    for row in broken:
        print(f"{row.severity}: {row.table}: {row.check}: {row.broken:,} of {row.rows:,} rows")
    print(f"{len(results)} checks, {len(broken)} broken", flush=True)
