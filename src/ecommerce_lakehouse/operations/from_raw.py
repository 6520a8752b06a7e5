"""Tables that are made from raw files or raw rows: bronze, silver and the quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ecommerce_lakehouse.layers.silver import judge, keep_latest, typed_key
from ecommerce_lakehouse.operations.change import Change, Outcome, change_of, rebuild
from ecommerce_lakehouse.operations.changed_keys import collect_keys, read_feed, read_once
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


def look_at_files(lake: Lakehouse, table: Table, *, anew: bool) -> None:
    """Look at the raw files of a bronze table, before any table is written.

    Args:
        lake: The lakehouse.
        table: The table.
        anew: Whether it takes in all files as they are now, also those that it read before.

    Raises:
        InputError: One cannot be read as it is, or has changed since it was read: its rows are not
            taken in twice, nor others' in their place.
    """
    before = None
    if lake.folder.has(table) and not anew:
        before = lake.folder.log(table).provenance()
    now = provenance_of(lake, table, before)
    if before is not None:
        refuse_changed(table, str(lake.data_dir), before.inputs, now.inputs)


def update_from_raw(lake: Lakehouse, table: Table, before: Provenance, now: Provenance) -> Change:
    """Judge the new raw rows, and what they need of the earlier ones with the same keys."""
    arrivals = [_look_at(lake, source, before, now) for source in table.input_tables]
    new_rows_win = table.latest_wins and all(arrival.is_last for arrival in arrivals)
    if new_rows_win and not lake.writer.is_watched:
        return _judge_new(lake, table, arrivals, now)
    return _judge_again(lake, table, arrivals, now)


@dataclass(frozen=True)
class Arrival:
    """What has come into a bronze table.

    Attributes:
        entity: The table's name.
        raw: All of its rows.
        new: Those that have come.
        keys: Their keys, as silver understands them.
        files: The names of the new files; none where nothing has come.
        is_last: Whether they come after all earlier ones by name.
    """

    entity: str
    raw: DataFrame
    new: DataFrame
    keys: DataFrame
    files: set[str]
    is_last: bool


def _look_at(lake: Lakehouse, source: Table, before: Provenance, now: Provenance) -> Arrival:
    """Find out what has come into a bronze table since a version of it."""
    raw, feed = lake.folder.read(source), read_feed(lake, source, before, now)
    new = raw.where("false") if feed is None else feed.select(*raw.columns)
    keys = new.select(typed_key(source.name).alias("key")).where("key IS NOT NULL").distinct()
    if feed is None:
        return Arrival(source.name, raw, new, keys, files=set(), is_last=True)
    log = lake.folder.log(source)
    then, today = log.provenance(until=int(before.inputs[source.name])), log.provenance()
    old = set(then.inputs) if then else set()
    files = (set(today.inputs) if today else set()) - old
    is_last = bool(old and files) and min(files) > max(old)
    return Arrival(source.name, raw, new, keys, files, is_last)


def _judge_new(
    lake: Lakehouse, table: Table, arrivals: Sequence[Arrival], now: Provenance
) -> Change:
    """Judge the new rows only: they win by rule, and those that have lost to them are rejected."""
    if table.key:
        fresh = read_once(table.function(**{each.entity: each.new for each in arrivals}))
        return merge_rows(lake, table, fresh, now, fresh.select(*table.key))
    rows = {
        each.entity: each.new.unionByName(_find_rivals(each), True) if each.files else each.new
        for each in arrivals
    }
    version = lake.folder.log(table).versions()[0]
    lake.writer.append(table, table.function(**rows), now, after=version, new_columns=False)
    return change_of(lake, table, Outcome.MERGED)


def _find_rivals(arrival: Arrival) -> DataFrame:
    """The earlier rows that silver has kept so far, of the keys that have come again."""
    earlier = arrival.raw.where(~F.col("_source_file").isin(*arrival.files))
    same_key = _with_key(earlier, typed_key(arrival.entity), collect_keys(arrival.keys))
    kept = keep_latest(judge(same_key, arrival.entity), arrival.entity).where("_reason IS NULL")
    return kept.select("_raw.*", "_source_file")


def _judge_again(
    lake: Lakehouse, table: Table, arrivals: Sequence[Arrival], now: Provenance
) -> Change:
    """Judge all raw rows of the keys that have come."""
    rows, keys = {}, {}
    for each in arrivals:
        key, keys[each.entity] = typed_key(each.entity), collect_keys(each.keys)
        again = _with_key(each.raw, key, keys[each.entity])
        rows[each.entity] = again.unionAll(each.new.where(key.isNull()))
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
