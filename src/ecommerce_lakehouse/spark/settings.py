"""How Spark is set: what every session has, and what follows from the size of the data."""

from __future__ import annotations

import re
from pathlib import Path

from pyspark.sql import SparkSession

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.paths import variable, work_folder
from ecommerce_lakehouse.spark.java import quote_option

SETTINGS = {
    # Delta's SQL (MERGE, OPTIMIZE, VACUUM …) and its tables in the catalog.
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # Dates and times mean the same on every machine.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    # Any Delta reader can read what we write.
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
    # A table tells its readers which rows changed.
    "spark.databricks.delta.properties.defaults.enableChangeDataFeed": "true",
    # What a table was made from is written down also when no row of it changed.
    "spark.databricks.delta.skipRecordingEmptyCommits": "false",
    # Of rows that share a key, one is kept. Few do: sorting all of them once more, to drop some
    # before they are moved, is the dearer way.
    "spark.sql.optimizer.windowGroupLimitThreshold": "-1",
    # A MERGE writes rows and, beside them, what changed: to two files at once, else it would sort
    # all rows to write one after the other.
    "spark.sql.maxConcurrentOutputFileWriters": "2",
    # Java that was written and compiled for a query is kept for the next: a night repeats more than
    # the hundred that are kept by default.
    "spark.sql.codegen.cache.maxEntries": "2000",
    # Nothing is printed between the cells.
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # A deep stack: ALS sends plans of many steps, and Java unpacks them step within step. And one
    # language: what text functions make of letters must not depend on the machine's.
    "spark.executor.extraJavaOptions": "-Xss4m -Duser.language=en -Duser.country=US",
}
"""What differs from Spark's defaults in every session, and why."""

COMPILE_LATE = (
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)
"""Java compiles a method a second time, thoroughly, after ten times as many calls as by default.
The start then has both cores to itself; what millions of rows call is compiled soon enough."""

COMPILE_LONG_METHODS = "-XX:-DontCompileHugeMethods"
"""Java never compiles a method of more than 8,000 bytes by default. The loop of a MERGE that
also writes the change feed is longer."""

COMPILER_DIRECTIVES = Path(__file__).with_name("java_compiler.json")
"""What Java compiles quickly only: the compilers that Spark has of its own."""

WITHOUT_UI = {"spark.ui.enabled": "false"}
"""What only matters where this project starts the JVM."""


def java_options(*more: str) -> str:
    """What the JVM is started with, as Spark's settings want it quoted."""
    return " ".join(
        [
            "-Xss4m",
            "-XX:+UseParallelGC",
            COMPILE_LATE,
            COMPILE_LONG_METHODS,
            "-XX:+UnlockDiagnosticVMOptions",
            quote_option(f"-XX:CompilerDirectivesFile={COMPILER_DIRECTIVES}"),
            quote_option(f"-Dderby.system.home={work_folder()}"),
            *more,
            variable("LAKEHOUSE_JAVA_OPTIONS") or "",
        ]
    )


ON_THIS_MACHINE = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}
"""Where nobody else has to reach the driver. The executors of a cluster have to."""


def is_this_machine(master: str | None) -> bool:
    """Whether a Spark master is this machine alone, as it is where none is named."""
    return (master or "local").startswith("local")


LITTLE_BYTES = 4 * 2**20
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
LITTLE_PAGE = "1m"
"""Each sort, join and aggregation begins with so much of it; by default with 8 MB, however few
rows there are."""
LEAST_MEGABYTES = 512
"""With less than 450 MB for objects Spark refuses to start, and Java keeps some for itself."""
PARTITION_BYTES = 64 * 2**20
"""Bytes of raw files that one task reads, or whose rows it sorts or joins at a time, in a part of
Java's memory."""
FOR_MUCH = {
    "spark.sql.files.maxPartitionBytes": str(PARTITION_BYTES),
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.codegen.factoryMode": "FALLBACK",
}


TASKS_PER_CORE = 4
"""How many tasks read a file or table, so that no core waits long for another's last one."""


def settings_for(raw_bytes: int, cores: int) -> dict[str, str]:
    """What a session is set to.

    Args:
        raw_bytes: The size of all raw files; 0 where it is not known.
        cores: How many tasks run at once.
    """
    if 0 < raw_bytes < LITTLE_BYTES:
        return FOR_LITTLE
    return FOR_MUCH | {
        "spark.sql.shuffle.partitions": str(max(4, -(-raw_bytes // PARTITION_BYTES))),
        "spark.sql.files.minPartitionNum": str(TASKS_PER_CORE * cores),
    }


def memory_for(raw_bytes: int, machine: int) -> str:
    """What Java may fill with objects, as Spark's settings say it.

    LAKEHOUSE_DRIVER_MEMORY says it. Without the variable it is four times the raw files in whole
    gigabytes, but no more than four, and no more than half of the machine. What does not fit,
    Spark sorts on disk. Little data gets less than a gigabyte: a lesson has several programs
    running, and Java takes what it may before it tidies up.

    Args:
        raw_bytes: The size of all raw files; 0 where it is not known.
        machine: The bytes of memory that there are.

    Raises:
        InputError: The variable is no size of memory that Spark can work with.
    """
    given = variable("LAKEHOUSE_DRIVER_MEMORY")
    if given:
        return check_memory(given)
    if 0 < raw_bytes < LITTLE_BYTES:
        return FOR_LITTLE_MEMORY
    wanted = -(-4 * raw_bytes // 2**30)
    return f"{max(1, min(wanted, 4, machine // 2**31))}g"


def check_memory(given: str) -> str:
    """A size of memory as Spark and Java write it.

    Raises:
        InputError: It is written otherwise, or Spark does not start with so little.
    """
    found = re.fullmatch(r"(\d+)([mg])b?", given.strip(), re.IGNORECASE)
    if found and int(found[1]) * {"m": 1, "g": 1024}[found[2].lower()] >= LEAST_MEGABYTES:
        return "".join(found.groups())
    raise InputError(
        f"LAKEHOUSE_DRIVER_MEMORY is {given!r}, no size of memory from {LEAST_MEGABYTES}m up.",
        "Write a number with m or g:  export LAKEHOUSE_DRIVER_MEMORY=2g",
    )


LARGEST_OPENED = "spark.ecommerceLakehouse.largestRawBytes"
"""Where a session keeps the size of the largest lakehouse that was opened in it."""


def begin(spark: SparkSession, raw_bytes: int) -> None:
    """Set a session in which no lakehouse is open yet; what its user set stays as it is.

    Args:
        spark: A session of this project.
        raw_bytes: The size of all raw files; 0 where it is not known.
    """
    spark.conf.unset(LARGEST_OPENED)
    given = spark.sparkContext.getConf()
    for key, value in settings_for(raw_bytes, spark.sparkContext.defaultParallelism).items():
        if not given.contains(key):
            spark.conf.set(key, value)


def fit(spark: SparkSession, raw_bytes: int) -> None:
    """Set a session for a lakehouse that is opened, unless a larger one was opened before.

    Args:
        spark: A session of this project.
        raw_bytes: The size of its raw files; 0 where it is not known, which counts as much.
    """
    size = raw_bytes or LITTLE_BYTES
    if size > int(spark.conf.get(LARGEST_OPENED, "0") or 0):
        begin(spark, raw_bytes)
        spark.conf.set(LARGEST_OPENED, str(size))
