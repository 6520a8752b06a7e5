"""Which keys of a table may have other rows now: found in the change feeds of its inputs."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ecommerce_lakehouse.registry import Table
from ecommerce_lakehouse.spark.stop import SPARK_ERRORS
from ecommerce_lakehouse.storage.delta_log import Provenance, RowChange
from ecommerce_lakehouse.tables.lakehouse import Lakehouse

MAX_BROADCAST_KEYS = 1_000_000
"""The most keys that are sent to where the rows are, so that many rows are not moved for them."""


class FeedGoneError(Exception):
    """What changed in an input cannot be read any more."""


def needs_rebuild(lake: Lakehouse, table: Table, before: Provenance, now: Provenance) -> bool:
    """Whether the changes of single rows do not tell what to compute."""
    # A raw row has no key to find it by: silver can follow new ones only.
    known = [set(), {RowChange.APPEND}]
    if not table.is_from_raw:
        known += [{RowChange.BY_KEY}, {RowChange.APPEND, RowChange.BY_KEY}]
    return (before.as_of_date != now.as_of_date and table.rows_change_with_date) or any(
        lake.folder.log(source).changes(since=int(before.inputs[source.name])) not in known
        for source in table.input_tables
    )


def read_feed(
    lake: Lakehouse, source: Table, before: Provenance, now: Provenance
) -> DataFrame | None:
    """The rows of an input that changed, as they were and as they are; None where none did."""
    since, until = int(before.inputs[source.name]), int(now.inputs[source.name])
    if since == until:
        return None
    feed = lake.spark.read.format("delta").option("readChangeFeed", True)
    feed = feed.option("startingVersion", since + 1).option("endingVersion", until)
    return feed.load(lake.folder.path(source))


def collect_changed_keys(
    lake: Lakehouse, table: Table, before: Provenance, now: Provenance
) -> DataFrame | None:
    """The keys whose rows may differ now; None if that cannot be told.

    Raises:
        FeedGoneError: VACUUM has deleted files that a feed needs.
    """
    if len(table.input_tables) < len(table.inputs):
        return None  # it reads raw files, which have no feed
    key = list(table.key)
    found = [lake.folder.read(table).select(*key).where("false")]
    feeds = {source: read_feed(lake, source, before, now) for source in table.input_tables}
    for source, feed in feeds.items():
        if feed is None:
            continue
        if set(key) <= set(feed.columns):
            found.append(feed.select(*key))
            continue
        changed = lake.folder.log(source).rows_changed(since=int(before.inputs[source.name]))
        hinted = F.broadcast(feed) if changed <= MAX_BROADCAST_KEYS else feed
        completed = _complete(lake, table, source, feeds | {source: hinted})
        if completed is None:
            return None
        found.append(completed.select(*key))
    if before.as_of_date != now.as_of_date and table.event_date:
        first, last = sorted([str(before.as_of_date), str(now.as_of_date)])
        for rows in map(lake.folder.read, table.input_tables):
            if table.event_date in rows.columns:
                day = F.col(table.event_date)
                found.append(rows.where((day > first) & (day <= last)).select(*key))
    return collect_keys(reduce(DataFrame.unionAll, found).distinct())


def _complete(
    lake: Lakehouse, table: Table, source: Table, feeds: dict[Table, DataFrame | None]
) -> DataFrame | None:
    """The changed rows of an input that knows a part of a table's key, with the rest of it.

    An item knows its product, and its order knows the customer. The other input's rows as they
    were count, too: a night may change both.
    """
    feed = feeds[source]
    assert feed is not None
    for other in table.input_tables:
        rows, feed_of_other = lake.folder.read(other), feeds[other]
        rest = [name for name in table.key if name not in feed.columns]
        link = _link(other, source, {*feed.columns} & {*rows.columns})
        if other == source or not link or not {*rest} <= {*rows.columns}:
            continue
        known = [name for name in table.key if name in feed.columns and name not in link]
        partners = [rows] if feed_of_other is None else [rows, feed_of_other]
        partners = [each.select(*link, *rest) for each in partners]
        return reduce(DataFrame.unionAll, partners).join(feed.select(*link, *known), link)
    return None


def _link(one: Table, other: Table, common: set[str]) -> list[str]:
    """The key by which two inputs refer to each other; empty where none does."""
    return next(([*each.key] for each in (one, other) if {*each.key} <= common), [])


def cut_inputs(lake: Lakehouse, table: Table, keys: DataFrame) -> dict[Table, DataFrame]:
    """What is wanted of a table's inputs to compute the rows of some keys: a little more at most.

    Args:
        lake: The lakehouse.
        table: The table.
        keys: Some of its keys.

    Returns:
        Each input. Where one knows the whole key, those that know it are cut to the keys. Else
        one that knows a part is cut to that, and the others to the rows that refer to it.
    """
    inputs = {source: lake.folder.read(source) for source in table.input_tables}
    key = [*table.key]
    cut = {
        source: rows.join(keys, key, "left_semi")
        for source, rows in inputs.items()
        if {*key} <= {*rows.columns}
    }
    if cut:
        return inputs | cut
    for source, rows in inputs.items():
        part = [name for name in key if name in rows.columns]
        others = {other: inputs[other] for other in inputs if other != source}
        if part and all({*source.key} <= {*theirs.columns} for theirs in others.values()):
            mine = rows.join(collect_keys(keys.select(*part).distinct()), part, "left_semi")
            links = collect_keys(mine.select(*source.key))
            return {source: mine} | {
                other: theirs.join(links, [*source.key], "left_semi")
                for other, theirs in others.items()
            }
    return inputs


def read_once(rows: DataFrame) -> DataFrame:
    """Rows that come from change feeds, computed now and kept, however often they are used.

    Raises:
        FeedGoneError: VACUUM has deleted files that a feed needs.
    """
    try:
        return rows.localCheckpoint()
    except SPARK_ERRORS as problem:
        raise FeedGoneError from problem


def collect_keys(keys: DataFrame) -> DataFrame:
    """Keys, read from the change feeds once; few of them are sent to where they are needed.

    Raises:
        FeedGoneError: VACUUM has deleted files that a feed needs.
    """
    kept = read_once(keys)
    return F.broadcast(kept) if kept.count() <= MAX_BROADCAST_KEYS else kept
