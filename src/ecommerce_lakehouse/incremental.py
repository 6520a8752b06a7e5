"""Bring tables up to date: read what is new, compute what it touches, write what changed.

A table's newest commit notes from which version of each input it was made. What happened to
an input since then stands in its change feed; the keys found there are the ones to compute
again, with the table's own function on inputs cut down to them, and a MERGE writes the
difference. A run that was killed leaves tables whose notes are older: the next run goes on
from there.
"""

from __future__ import annotations

from datetime import date
from functools import reduce

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.conflicts import in_the_way, only_writer
from ecommerce_lakehouse.delta_log import Note
from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.lakehouse import Lakehouse
from ecommerce_lakehouse.layers.silver import RULES
from ecommerce_lakehouse.merging import Change, merge, told
from ecommerce_lakehouse.paths import shown
from ecommerce_lakehouse.registry import Table, TableFunction

LOST = "CHECKPOINT_RDD_BLOCK_ID_NOT_FOUND"
"""Spark's error when the machine is gone that kept some of the keys of `_keep`."""
TRIES = 3
"""How often a table is begun again when machines are lost."""


class FeedGoneError(Exception):
    """What changed in an input cannot be read any more."""


def update(lake: Lakehouse, table: str | TableFunction) -> Change:
    """Bring one table up to date with its inputs and the as-of date.

    The result is what a build from all rows would give; only what changed is written, and
    nothing where nothing is new.

    Args:
        lake: The lakehouse; the inputs have to be up to date.
        table: A function that makes a table, or its name.

    Raises:
        MissingTableError: An input is not built yet.
        InputError: A raw file was changed after it had been read.
        LakehouseError: Another run wrote the same table meanwhile.
    """
    wanted = registry.get(table)
    for _ in range(TRIES):
        try:
            return _bring_up_to_date(lake, wanted)
        except (Py4JJavaError, PySparkException) as problem:
            # Nothing was written, so it can begin again; that reads the keys anew.
            if LOST not in str(problem):
                raise
    return rebuild(lake, wanted.name)


def _bring_up_to_date(lake: Lakehouse, wanted: Table) -> Change:
    if wanted.layer == "bronze" and lake.has(wanted.name):
        return _ingest(lake, wanted)
    before = lake.log(wanted.name).note() if lake.has(wanted.name) else None
    now = lake.made_from(wanted, before)
    if before == now:
        return Change(wanted.full_name, "unchanged")
    if before is None or _all_of_it(lake, wanted, before, now):
        return rebuild(lake, wanted.name)
    try:
        change = _update_silver if _is_from_bronze(wanted) else _update
        return change(lake, wanted, before, now)
    except FeedGoneError:
        return rebuild(lake, wanted.name)


def _update(lake: Lakehouse, wanted: Table, before: Note, now: Note) -> Change:
    """Compute the rows of the touched keys, or all where a row depends on the others."""
    keys = None if wanted.whole else _touched(lake, wanted, before, now)
    if keys is None:
        return merge(lake, wanted, lake.compute(wanted.name), now)
    return merge(lake, wanted, wanted.function(**_cut(lake, wanted, keys)), now, keys)


def rebuild(lake: Lakehouse, table: str | TableFunction) -> Change:
    """Compute all of a table and write it anew."""
    wanted = registry.get(table)
    lake.build(wanted.name)
    return told(lake, wanted, "built")


# Bronze: every file once ---------------------------------------------------------------------


def _ingest(lake: Lakehouse, table: Table) -> Change:
    """Append the rows of the files that the table does not have yet, in one commit.

    A file that was changed after it had been read makes the table be read anew from all files,
    if all are still there.
    """
    start = lake.log(table.name).versions()[0]
    before = lake.log(table.name).note()
    now = lake.made_from(table, before)
    if before is None:
        rows = lake.read(table.name).select("_source_file").distinct().collect()
        before = Note({row[0]: now.inputs.get(row[0], "") for row in rows})
    changed = [
        file
        for file, state in before.inputs.items()
        if _content(now.inputs.get(file, state)) != _content(state)
    ]
    gone = before.inputs.keys() - now.inputs.keys()
    if changed and gone:
        raise InputError(
            f"{shown(lake.data_dir)}{changed[0]} has changed since it was read, and "
            f"{min(gone)} is not there to be read again.\n{table.full_name} was not written.",
            "Put the files back that are missing, or take the changed one as it was and its "
            f"corrections into a new one, such as raw_{table.name}_2.csv.",
        )
    if changed:
        return rebuild(lake, table.name)
    new = [file for file in now.inputs if file not in before.inputs]
    if not new:
        return Change(table.full_name, "unchanged")
    note = Note({**before.inputs, **now.inputs}, code=now.code)

    def append(rows: DataFrame) -> None:
        # Delta refuses or skips a second append that starts from the same version.
        writer = lake.stamped(table, rows).write.format("delta").mode("append")
        writer = writer.option("txnAppId", "ingest").option("txnVersion", start)
        writer = writer.option("mergeSchema", lake.evolve)
        with only_writer(table.full_name):
            writer.option("userMetadata", str(note)).save(lake.path(table.name))

    lake.take_in(table, new, append)
    if lake.log(table.name).note() != note:
        raise in_the_way(table.full_name)
    return told(lake, table, "merged")


def _content(state: int | str) -> list[str]:
    """The size and the checksum of a file: a copy has another time."""
    return str(state).split(", ")[::2]


# Silver: the raw rows that share a key with a new one ----------------------------------------


def _is_from_bronze(table: Table) -> bool:
    return set(table.inputs) <= set(RULES)


def _update_silver(lake: Lakehouse, table: Table, before: Note, now: Note) -> Change:
    """Judge again all raw rows of the keys that came with the new ones."""
    rows, keys = {}, {}
    for entity in table.inputs:
        raw, feed = lake.read(entity), _feed(lake, entity, before, now)
        new = raw.where("false") if feed is None else feed.select(*raw.columns)
        key = _typed_key(entity, next(iter(RULES[entity])))
        keys[entity] = _keep(new.select(key.alias("key")).where("key IS NOT NULL").distinct())
        rows[entity] = _with_key(raw, key, keys[entity]).unionAll(new.where(key.isNull()))
    fresh = table.function(**rows)
    if table.key:
        (touched,) = keys.values()
        return merge(lake, table, fresh, now, touched.toDF(*table.key))
    kept = [
        _with_key(of_entity, _typed_key(entity, "record_key"), keys[entity], "left_anti")
        for entity in table.inputs
        for of_entity in [lake.read(table.name).where(F.col("source_table") == entity)]
    ]
    # Rows without identity cannot be merged. They are few: all are written, in one commit.
    lake.replace(table, reduce(DataFrame.unionAll, [*kept, fresh]), now)
    return told(lake, table, "built")


def _typed_key(entity: str, column: str) -> Column:
    """The key of a raw row as silver understands it: ` 007` and `7` are one."""
    kind = next(iter(RULES[entity].values()))
    return kind(F.nullif(F.trim(column), F.lit("")))


def _with_key(rows: DataFrame, key: Column, keys: DataFrame, how: str = "left_semi") -> DataFrame:
    """The rows whose key is among some keys, or with `left_anti` the others."""
    return rows.join(keys, key == keys["key"], how)


# Above: the rows of the keys that changed ----------------------------------------------------


def _all_of_it(lake: Lakehouse, table: Table, before: Note, now: Note) -> bool:
    """Whether the changes of single rows do not tell what to compute."""
    # A raw row has no key to find it by: silver can follow new ones only.
    known = [set(), {"append"}]
    if not _is_from_bronze(table):
        known += [{"rows"}, {"append", "rows"}]
    return (
        before.code != now.code
        or (before.as_of_date != now.as_of_date and table.follows_date)
        or any(
            lake.log(name).changes(since=int(before.inputs[name])) not in known
            for name in table.inputs
            if not name.startswith("raw_")
        )
    )


def _feed(lake: Lakehouse, name: str, before: Note, now: Note) -> DataFrame | None:
    """The rows of an input that changed, as they were and as they are; None where none did."""
    since, until = int(before.inputs[name]), int(now.inputs[name])
    if since == until:
        return None
    feed = lake.spark.read.format("delta").option("readChangeFeed", True)
    feed = feed.option("startingVersion", since + 1).option("endingVersion", until)
    return feed.load(lake.path(name))


def _touched(lake: Lakehouse, table: Table, before: Note, now: Note) -> DataFrame | None:
    """The keys whose rows may differ now; None if that cannot be told."""
    key = list(table.key)
    found = [lake.read(table.name).select(*key).where("false")]
    for name in table.inputs:
        if name.startswith("raw_"):
            return None
        feed = _feed(lake, name, before, now)
        if feed is None:
            continue
        if set(key) <= set(feed.columns):
            found.append(feed.select(*key))
            continue
        # By way of an input that knows both keys: an order touches the products of its lines.
        link = list(registry.get(name).key)
        through = [i for i in table.inputs if {*key, *link} <= set(lake.read(i).columns)]
        if not through:
            return None
        found.append(lake.read(through[0]).join(feed.select(*link), link, "left_semi").select(*key))
    if before.as_of_date != now.as_of_date and table.counts_from:
        first, last = sorted([str(before.as_of_date), str(now.as_of_date)])
        for rows in (lake.read(name) for name in table.inputs):
            if table.counts_from in rows.columns:
                day = F.col(table.counts_from)
                found.append(rows.where((day > first) & (day <= last)).select(*key))
    return _keep(reduce(DataFrame.unionAll, found).distinct())


def _keep(keys: DataFrame) -> DataFrame:
    """Keys, read from the change feeds once, however often they are used.

    Few are sent to where the rows are, so that many rows are not moved for few keys.

    Raises:
        FeedGoneError: VACUUM has deleted files that the feed needs.
    """
    try:
        kept = keys.localCheckpoint()
    except (Py4JJavaError, PySparkException) as problem:
        raise FeedGoneError from problem
    return F.broadcast(kept) if kept.count() <= 1_000_000 else kept


def _cut(lake: Lakehouse, table: Table, keys: DataFrame) -> dict[str, DataFrame | date]:
    """The inputs of a table's function; those that know its key only with some keys."""
    found = {name: lake.compute_input(name) for name in table.parameters}
    for name, rows in found.items():
        if isinstance(rows, DataFrame) and set(table.key) <= set(rows.columns):
            found[name] = rows.join(keys, list(table.key), "left_semi")
    return found
