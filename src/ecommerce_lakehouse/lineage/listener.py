"""Let OpenLineage's own listener watch a Spark session, and write so that it sees everything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from pyspark.errors import IllegalArgumentException
from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.lineage.declared import NAMESPACE
from ecommerce_lakehouse.paths import for_message
from ecommerce_lakehouse.registry import Table
from ecommerce_lakehouse.spark.jars import listener_jar
from ecommerce_lakehouse.spark.java import ensure_java
from ecommerce_lakehouse.storage.files import Storage
from ecommerce_lakehouse.storage.writing import TableWriter

STAGING = "_staging_"
"""How the name of a table begins in which rows wait for their MERGE; it is deleted after that."""
MAX_WAIT_MS = 600_000
"""How long the listener may take to tell of what has already happened."""


@contextmanager
def listen(spark: SparkSession, lakehouse: str, to: Path) -> Iterator[None]:
    """Have every query that runs meanwhile told to a file.

    Args:
        spark: The session. It goes on as before when this is over.
        lakehouse: Where tables are written.
        to: A file; an event is appended as one JSON line. No event, no file.

    Raises:
        InputError: The lakehouse has a name with which the listener does not see what is written.
        LakehouseError: The listener's JAR is not cached and could not be fetched.
    """
    jvm = _jvm(spark)
    try:
        jvm.java.net.URI.create(Storage(spark).uri(lakehouse))
    except IllegalArgumentException:
        raise InputError(
            f"{for_message(lakehouse)} has a character in its name, such as a space, "
            "with which OpenLineage's listener does not see what is written there.",
            "Name a folder without:  --lakehouse-dir FOLDER",
        ) from None
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
        context.listenerBus().waitUntilEmpty(MAX_WAIT_MS)
        context.removeSparkListener(listener)
        listener.close()


def _jvm(spark: SparkSession) -> Any:
    return spark._jvm


class ListenedWriter(TableWriter):
    """Writes tables that come out the same, in a way that a listener understands.

    It does not follow a WITH clause, and of a MERGE it tells what was read only where that is a
    table.
    """

    is_watched = True

    def _admit(
        self, table: Table, rows: DataFrame, *, whole: bool
    ) -> AbstractContextManager[DataFrame]:
        """Check rows whose WITH clauses stand where they are used, as Spark would put them.

        Never on their way: the listener would take the checks for a part of the table's making.
        """
        spark = self._folder.spark
        inline = _jvm(spark).org.apache.spark.sql.catalyst.optimizer.InlineCTE(False, False)
        plan = inline.apply(rows._jdf.queryExecution().analyzed())
        same = _jvm(spark).org.apache.spark.sql.classic.Dataset.ofRows(spark._jsparkSession, plan)
        return super()._admit(table, DataFrame(same, spark), whole=whole and bool(table.rejects))

    def _create(self, table: Table, rows: DataFrame) -> None:
        """Without a comment: of a creation the listener does not tell the columns."""
        self._overwrite(table, rows)

    @contextmanager
    def _stage(self, table: Table, rows: DataFrame, keys: DataFrame | None) -> Iterator[DataFrame]:
        """What a MERGE reads, written to a table first."""
        storage = self._folder.storage
        place = f"{self._folder.location}/{STAGING}{table.name}"
        uri = storage.uri(place)
        try:
            rows.write.format("delta").mode("overwrite").save(uri)
            if keys is not None:
                gone = keys.join(rows, list(table.key), "left_anti")
                gone.write.format("delta").mode("append").save(uri)
            yield self._folder.spark.read.format("delta").load(uri)
        finally:
            storage.delete(place)
