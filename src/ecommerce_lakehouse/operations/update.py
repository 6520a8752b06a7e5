"""Bring tables up to date: read what is new, compute what it touches, write what changed.

A table's newest commit says from which version of each input it was made. What happened to
an input since then stands in its change feed; the keys found there are the ones to compute
again, with the table's own function on inputs cut down to them, and a MERGE writes the
difference. A run that was killed leaves tables whose provenance is older: the next run goes on
from there.
"""

from __future__ import annotations

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.operations.change import Change, Outcome, rebuild
from ecommerce_lakehouse.operations.changed_keys import (
    FeedGoneError,
    collect_changed_keys,
    cut_inputs,
    needs_rebuild,
)
from ecommerce_lakehouse.operations.from_raw import append_new_files, merge_rows, update_from_raw
from ecommerce_lakehouse.registry import Table, TableFunction
from ecommerce_lakehouse.spark.stop import SPARK_ERRORS, was_stopped_with
from ecommerce_lakehouse.storage.delta_log import Provenance
from ecommerce_lakehouse.tables.lakehouse import Lakehouse, compute, provenance_of

KEYS_LOST = "CHECKPOINT_RDD_BLOCK_ID_NOT_FOUND"
"""Spark's error when the machine is gone that kept some of the changed keys."""
MAX_TRIES = 3
"""How often a table is begun again when machines are lost."""


def update(lake: Lakehouse, table: str | TableFunction | Table) -> Change:
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

    Examples:
        >>> lake = Lakehouse(spark, scratch / "lakehouse", "data_seeds", sql_names=False)
        >>> print(update(lake, "orders"))
        bronze.orders                               built, 10 rows
        >>> print(update(lake, "orders"))
        bronze.orders                               unchanged
    """
    wanted = registry.get(table)
    for _ in range(MAX_TRIES):
        try:
            return _update(lake, wanted)
        except SPARK_ERRORS as problem:
            # Nothing was written, so it can begin again; that reads the keys anew.
            if not was_stopped_with(KEYS_LOST, problem):
                raise
    return rebuild(lake, wanted)


def _update(lake: Lakehouse, table: Table) -> Change:
    if table.layer == "bronze" and lake.folder.has(table):
        return append_new_files(lake, table)
    before = lake.folder.log(table).provenance() if lake.folder.has(table) else None
    now = provenance_of(lake, table, before)
    if before == now:
        return Change(table.full_name, Outcome.UNCHANGED)
    if before is None:
        return rebuild(lake, table)
    if before.code != now.code:
        return rebuild(lake, table, "its code is another")
    if needs_rebuild(lake, table, before, now):
        return rebuild(lake, table)
    try:
        if table.is_from_raw:
            return update_from_raw(lake, table, before, now)
        return _update_by_keys(lake, table, before, now)
    except FeedGoneError:
        return rebuild(lake, table)


def _update_by_keys(lake: Lakehouse, table: Table, before: Provenance, now: Provenance) -> Change:
    """Compute the rows of the changed keys, or all where a row depends on the others."""
    keys = None if table.needs_all_rows else collect_changed_keys(lake, table, before, now)
    if keys is None:
        return merge_rows(lake, table, lake.compute(table), now)
    inputs = cut_inputs(lake, table, keys)
    fresh = compute(table, inputs.__getitem__, lake.raw, lake.as_of)
    return merge_rows(lake, table, fresh, now, keys)
