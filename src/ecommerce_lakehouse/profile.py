"""How Spark is set for little data and for much: by the size of the raw files, by one rule."""

from __future__ import annotations

from pyspark.sql import SparkSession

LITTLE = 4 * 2**20
"""Below these bytes of raw files, what Spark does before the first row costs more than the rows."""

FOR_LITTLE = {
    # One task a stage.
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
    # Plans are walked through row by row: writing and compiling Java for each takes longer.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
FOR_LITTLE_MEMORY = "600m"
"""Enough for the nine lessons, and as little as a lesson that starts a second Java can do with."""
A_PARTITION = 64 * 2**20
"""Bytes of raw files that one task reads, or whose rows it sorts or joins at a time, in a part of
Java's memory."""
FOR_MUCH = {
    "spark.sql.files.maxPartitionBytes": str(A_PARTITION),
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.codegen.factoryMode": "FALLBACK",
}


TASKS_A_CORE = 4
"""How many tasks read a file or table, so that no core waits long for another's last one."""


def settings_for(raw_bytes: int, cores: int) -> dict[str, str]:
    """What a session is set to.

    Args:
        raw_bytes: The size of all raw files; 0 where it is not known.
        cores: How many tasks run at once.
    """
    if 0 < raw_bytes < LITTLE:
        return FOR_LITTLE
    return FOR_MUCH | {
        "spark.sql.shuffle.partitions": str(max(4, -(-raw_bytes // A_PARTITION))),
        "spark.sql.files.minPartitionNum": str(TASKS_A_CORE * cores),
    }


def memory_for(raw_bytes: int, machine: int) -> str:
    """What Java may fill with objects, as Spark's settings say it.

    Four times the raw files in whole gigabytes, but no more than four, and no more than half of
    the machine. What does not fit, Spark sorts on disk. Little data gets less than a gigabyte:
    a lesson has several programs running, and Java takes what it may before it tidies up.

    Args:
        raw_bytes: The size of all raw files; 0 where it is not known.
        machine: The bytes of memory that there are.
    """
    if 0 < raw_bytes < LITTLE:
        return FOR_LITTLE_MEMORY
    wanted = -(-4 * raw_bytes // 2**30)
    return f"{max(1, min(wanted, 4, machine // 2**31))}g"


def apply(spark: SparkSession, raw_bytes: int) -> None:
    """Set a session for the size of its data; what its user set stays as it is.

    Args:
        spark: A session of this project.
        raw_bytes: The size of all raw files; 0 where it is not known.
    """
    given = spark.sparkContext.getConf()
    for key, value in settings_for(raw_bytes, spark.sparkContext.defaultParallelism).items():
        if not given.contains(key):
            spark.conf.set(key, value)
