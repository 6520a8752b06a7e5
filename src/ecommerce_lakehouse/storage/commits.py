"""Commits of Delta tables: one writer each, and with each what the table was made from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from delta import exceptions
from pyspark.sql import SparkSession

from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.storage.delta_log import Provenance

CONFLICTS = tuple(getattr(exceptions, name) for name in exceptions.__all__)
"""Delta's errors of two writers in each other's way; they have no class in common."""
USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
"""The setting of a session whose text Delta puts into each of its commits."""


@contextmanager
def one_writer(table: str) -> Iterator[None]:
    """Say it plainly when another run has written the same table meanwhile; nothing is mixed.

    Raises:
        LakehouseError: Another run has.
    """
    try:
        yield
    except CONFLICTS:
        raise conflict(table) from None


def conflict(table: str) -> LakehouseError:
    """What to raise when another run has written the same table."""
    return LakehouseError(
        f"{table} was changed by another run while this one wrote it.",
        "Wait until the other has ended, then run this one again.",
    )


@contextmanager
def with_setting(spark: SparkSession, name: str, value: str) -> Iterator[None]:
    """Set a session otherwise, meanwhile."""
    before = spark.conf.get(name, None)
    spark.conf.set(name, value)
    try:
        yield
    finally:
        if before is None:
            spark.conf.unset(name)
        else:
            spark.conf.set(name, before)


def with_provenance(
    spark: SparkSession, provenance: Provenance | None
) -> AbstractContextManager[None]:
    """Put what a table was made from into the commits that are made meanwhile."""
    # In a setting Spark puts others' values in for `${name}`, and a file may be called so. In JSON
    # a dollar may be written as its number.
    text = "" if provenance is None else str(provenance).replace("$", "\\u0024")
    return with_setting(spark, USER_METADATA, text)
