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
FOR_MUCH = {
    "spark.sql.shuffle.partitions": "4",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.codegen.factoryMode": "FALLBACK",
}


def settings_for(raw_bytes: int) -> dict[str, str]:
    """What a session is set to.

    Args:
        raw_bytes: The size of all raw files; 0 where it is not known.
    """
    return FOR_LITTLE if 0 < raw_bytes < LITTLE else FOR_MUCH


def apply(spark: SparkSession, raw_bytes: int) -> None:
    """Set a session for the size of its data; what its user set stays as it is.

    Args:
        spark: A session of this project.
        raw_bytes: The size of all raw files; 0 where it is not known.
    """
    given = spark.sparkContext.getConf()
    for key, value in settings_for(raw_bytes).items():
        if not given.contains(key):
            spark.conf.set(key, value)
