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
    for source in table.input_tables:
        feed = read_feed(lake, source, before, now)
        if feed is None:
            continue
        if set(key) <= set(feed.columns):
            found.append(feed.select(*key))
            continue
        # By way of an input that knows both keys: an order touches the products of its lines.
        link = list(source.key)
        inputs = [lake.folder.read(each) for each in table.input_tables]
        through = [rows for rows in inputs if {*key, *link} <= set(rows.columns)]
        if not through:
            return None
        found.append(through[0].join(feed.select(*link), link, "left_semi").select(*key))
    if before.as_of_date != now.as_of_date and table.event_date:
        first, last = sorted([str(before.as_of_date), str(now.as_of_date)])
        for rows in map(lake.folder.read, table.input_tables):
            if table.event_date in rows.columns:
                day = F.col(table.event_date)
                found.append(rows.where((day > first) & (day <= last)).select(*key))
    return collect_keys(reduce(DataFrame.unionAll, found).distinct())


def collect_keys(keys: DataFrame) -> DataFrame:
    """Keys, read from the change feeds once, however often they are used.

    Raises:
        FeedGoneError: VACUUM has deleted files that the feed needs.
    """
    try:
        kept = keys.localCheckpoint()
    except SPARK_ERRORS as problem:
        raise FeedGoneError from problem
    return F.broadcast(kept) if kept.count() <= MAX_BROADCAST_KEYS else kept
