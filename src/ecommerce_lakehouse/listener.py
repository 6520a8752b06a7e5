"""Let OpenLineage's own listener watch a Spark session, and write so that it sees everything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyspark.errors import IllegalArgumentException
from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.guarded import GuardedLakehouse
from ecommerce_lakehouse.jars import listener_jar
from ecommerce_lakehouse.java import ensure_java
from ecommerce_lakehouse.lineage import NAMESPACE
from ecommerce_lakehouse.paths import shown
from ecommerce_lakehouse.registry import Table

STAGING = "_staging_"
"""How the table is called in which rows wait for their MERGE; it is deleted after that."""
PATIENCE_MS = 600_000
"""How long the listener may take to tell of what has already happened."""


@contextmanager
def listening(spark: SparkSession, to: Path) -> Iterator[None]:
    """Have every query that runs meanwhile told to a file.

    Args:
        spark: The session. It goes on as before when this is over.
        to: A file; an event is appended as one JSON line. No event, no file.

    Raises:
        LakehouseError: The listener's JAR is not cached, and not to be had.
    """
    jvm = _jvm(spark)
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    if loader.getResource("io/openlineage/spark/agent/OpenLineageSparkListener.class") is None:
        jar = listener_jar(ensure_java())
        loader.addURL(jvm.java.io.File(os.fspath(jar)).toURI().toURL())
    conf = jvm.org.apache.spark.SparkConf(False)
    conf.set("spark.openlineage.namespace", NAMESPACE)
    conf.set("spark.openlineage.transport.type", "file")
    conf.set("spark.openlineage.transport.location", os.fspath(to))
    listener = jvm.io.openlineage.spark.agent.OpenLineageSparkListener(conf)
    context = spark._jsc.sc()
    context.addSparkListener(listener)
    try:
        yield
    finally:
        # Spark tells its listeners later, from a queue.
        context.listenerBus().waitUntilEmpty(PATIENCE_MS)
        context.removeSparkListener(listener)
        listener.close()


def _jvm(spark: SparkSession) -> Any:
    return spark._jvm


class ListenedLakehouse(GuardedLakehouse):
    """The lakehouse of programs, whose tables come out the same, for a listener to understand.

    The listener does not follow a WITH clause, and of a MERGE it tells what was read only where
    that is a table.
    """

    def _open(self) -> None:
        try:
            _jvm(self.spark).java.net.URI.create(self._storage.uri(self.location))
        except IllegalArgumentException:
            raise InputError(
                f"{shown(self.location)} has a character in its name, such as a space, with which "
                "OpenLineage's listener does not see what is written there.",
                "Name a folder without:  --lakehouse-dir FOLDER",
            ) from None
        super()._open()

    @contextmanager
    def admitted(self, table: Table, rows: DataFrame, *, once: bool = False) -> Iterator[DataFrame]:
        """Check rows whose WITH clauses stand where they are used, as Spark would put them.

        Never on their way: the listener would take the checks for a part of the table's making.
        """
        jvm = _jvm(self.spark)
        inline = jvm.org.apache.spark.sql.catalyst.optimizer.InlineCTE(False, False)
        plan = inline.apply(rows._jdf.queryExecution().analyzed())
        same = jvm.org.apache.spark.sql.classic.Dataset.ofRows(self.spark._jsparkSession, plan)
        with super().admitted(table, DataFrame(same, self.spark)) as checked:
            yield checked

    @contextmanager
    def staged(self, table: Table, rows: DataFrame, keys: DataFrame | None) -> Iterator[DataFrame]:
        """What a MERGE reads, written to a table first."""
        folder = f"{self.location}/{STAGING}{table.name}"
        uri = self._storage.uri(folder)
        try:
            rows.write.format("delta").mode("overwrite").save(uri)
            if keys is not None:
                gone = keys.join(rows, list(table.key), "left_anti")
                gone.write.format("delta").mode("append").save(uri)
            yield self.spark.read.format("delta").load(uri)
        finally:
            self._storage.delete(folder)
