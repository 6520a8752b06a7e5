"""Tables that are made from raw files or raw rows: bronze, silver and the quarantine."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ecommerce_lakehouse.layers.silver import typed_key
from ecommerce_lakehouse.operations.change import Change, Outcome, change_of, rebuild
from ecommerce_lakehouse.operations.changed_keys import collect_keys, read_feed
from ecommerce_lakehouse.registry import Table
from ecommerce_lakehouse.storage.delta_log import Provenance
from ecommerce_lakehouse.tables.lakehouse import Lakehouse, provenance_of
from ecommerce_lakehouse.tables.raw_files import refuse_changed


def append_new_files(lake: Lakehouse, table: Table) -> Change:
    """Append the rows of the files that a bronze table does not have yet, in one commit.

    Raises:
        InputError: A file was changed after it had been read.
    """
    log = lake.folder.log(table)
    newest, before = log.versions()[0], log.provenance()
    now = provenance_of(lake, table, before)
    if before is None:
        rows = lake.folder.read(table).select("_source_file").distinct().collect()
        before = Provenance({row[0]: now.inputs.get(row[0], "") for row in rows})
    refuse_changed(table, str(lake.data_dir), before.inputs, now.inputs)
    new = [file for file in now.inputs if file not in before.inputs]
    if not new:
        return Change(table.full_name, Outcome.UNCHANGED)
    provenance = Provenance({**before.inputs, **now.inputs}, code=now.code)
    lake.raw.take_in(
        table,
        new,
        lambda rows: lake.writer.append(
            table, rows, provenance, after=newest, new_columns=lake.evolve
        ),
    )
    return change_of(lake, table, Outcome.MERGED)


def refuse_changed_files(lake: Lakehouse, table: Table) -> None:
    """Look for files that a bronze table has read and that have changed since.

    Raises:
        InputError: There are some. Their rows are not taken in twice, nor others' in their place.
    """
    before = lake.folder.log(table).provenance() if lake.folder.has(table) else None
    if before is not None:
        now = provenance_of(lake, table, before)
        refuse_changed(table, str(lake.data_dir), before.inputs, now.inputs)


def update_from_raw(lake: Lakehouse, table: Table, before: Provenance, now: Provenance) -> Change:
    """Judge again all raw rows of the keys that came with the new ones."""
    rows, keys = {}, {}
    for source in table.input_tables:
        raw, feed = lake.folder.read(source), read_feed(lake, source, before, now)
        new = raw.where("false") if feed is None else feed.select(*raw.columns)
        key = typed_key(source.name)
        keys[source.name] = collect_keys(
            new.select(key.alias("key")).where("key IS NOT NULL").distinct()
        )
        same_key = _with_key(raw, key, keys[source.name])
        rows[source.name] = same_key.unionAll(new.where(key.isNull()))
    fresh = table.function(**rows)
    if table.key:
        (changed,) = keys.values()
        return merge_rows(lake, table, fresh, now, changed.toDF(*table.key))
    kept = _keep_other_rejects(lake, table, keys)
    # Rows without identity cannot be merged. They are few: all are written, in one commit.
    lake.writer.replace(table, reduce(DataFrame.unionAll, [*kept, fresh]), now)
    return change_of(lake, table, Outcome.BUILT)


def _keep_other_rejects(
    lake: Lakehouse, table: Table, keys: dict[str, DataFrame]
) -> list[DataFrame]:
    """The rejected rows that have none of the keys, by the input that they were rejected from."""
    assert table.rejects, f"{table.full_name} has neither a key nor says what its rows are"
    of_input, with_key = table.rejects
    rejected = lake.folder.read(table)
    return [
        _with_key(
            rejected.where(F.col(of_input) == name), typed_key(name, with_key), changed, "left_anti"
        )
        for name, changed in keys.items()
    ]


def _with_key(rows: DataFrame, key: Column, keys: DataFrame, how: str = "left_semi") -> DataFrame:
    """The rows whose key is among some keys, or with `left_anti` the others."""
    return rows.join(keys, key == keys["key"], how)


def merge_rows(
    lake: Lakehouse,
    table: Table,
    fresh: DataFrame,
    provenance: Provenance,
    keys: DataFrame | None = None,
) -> Change:
    """Merge rows into a table, or build it anew where it has other columns; see `TableWriter`."""
    if lake.folder.read(table).dtypes != fresh.dtypes:
        return rebuild(lake, table)
    lake.writer.merge(table, fresh, provenance, keys)
    return change_of(lake, table, Outcome.MERGED)
