"""The Spark session every notebook, job and test works with.

A process that finds `PYSPARK_GATEWAY_PORT` in its environment uses the JVM that already
runs there; any other starts its own. The calling code is the same: `get_spark()`.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from pathlib import Path
from typing import Any

import psutil
from py4j.java_gateway import JavaObject
from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from ecommerce_lakehouse import profile
from ecommerce_lakehouse.archive import archive_option, spark_home
from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.jars import delta_jars
from ecommerce_lakehouse.java import ensure_java, quoted
from ecommerce_lakehouse.paths import PROJECT

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
    # What a table was made from is noted also when no row of it changed.
    "spark.databricks.delta.skipRecordingEmptyCommits": "false",
    # Of rows that share a key, one is kept. Few do: sorting all of them once more, to drop some
    # before they are moved, is the dearer way.
    "spark.sql.optimizer.windowGroupLimitThreshold": "-1",
    # A MERGE writes rows and, beside them, what changed: to two files at once, else it would sort
    # all rows to write one after the other.
    "spark.sql.maxConcurrentOutputFileWriters": "2",
    # Nothing is printed between the cells.
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # A deep stack: ALS sends plans of many steps, and Java unpacks them step within step.
    "spark.executor.extraJavaOptions": "-Xss4m",
    "spark.sql.warehouse.dir": os.fspath(PROJECT / "build" / "spark-warehouse"),
}
"""What differs from Spark's defaults, and why. `profile` adds what follows from the data's size."""

THOROUGHLY = (
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)
"""When Java compiles a method for the second time, thoroughly: ten times later than by default.
Its start has the cores to itself then, and what is called for millions of rows gets there soon."""

LONG_METHODS = "-XX:-DontCompileHugeMethods"
"""The loop of a MERGE that also tells what changed is too long for Java's taste: it would never
be compiled."""

COMPILERS = Path(__file__).with_name("java_compiler.json")
"""What Java compiles quickly only: the compilers that Spark has of its own."""

LAUNCH = {
    "spark.driver.extraJavaOptions": f"-Xss4m -XX:+UseParallelGC {THOROUGHLY} {LONG_METHODS} "
    f"-XX:+UnlockDiagnosticVMOptions {quoted(f'-XX:CompilerDirectivesFile={COMPILERS}')} "
    f"-Dderby.system.home=build {os.environ.get('LAKEHOUSE_JAVA_OPTIONS', '')}",
    "spark.ui.enabled": "false",
}
"""What can only be said when the JVM starts (or only matters there)."""

ON_THIS_MACHINE = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}
"""Where nobody else has to reach the driver. The executors of a cluster have to."""


def is_this_machine(master: str | None) -> bool:
    """Whether a Spark master is this machine alone, as it is where none is named."""
    return (master or "local").startswith("local")


def log_file() -> Path:
    """Where the JVM's own output goes: it never belongs in a notebook."""
    path = PROJECT / "build" / "spark.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def start_jvm(master: str | None = None, raw_bytes: int = 0) -> Any:
    """Start a JVM with Spark in it, or attach to the one this process was given.

    Args:
        master: The Spark master it is for; by default this machine.
        raw_bytes: The size of all raw files, where it is known: much data gets more memory.

    Returns:
        PySpark's gateway; `gateway.proc` is the JVM's process, None when attached.

    Raises:
        LakehouseError: No suitable Java, no JARs, or a JVM that did not come up.
    """
    conf = SparkConf(loadDefaults=False)
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        java = ensure_java()
        local = is_this_machine(master)
        where = ON_THIS_MACHINE if local else {"spark.master": str(master)}
        for key, value in {**SETTINGS, **LAUNCH, **where}.items():
            conf.set(key, value)
        memory = profile.memory_for(raw_bytes, psutil.virtual_memory().total)
        conf.set("spark.driver.memory", os.environ.get("LAKEHOUSE_DRIVER_MEMORY", memory))
        jars = [os.fspath(jar) for jar in delta_jars(java)]
        if local:
            # Where Java's archive of classes has them from, and from where nothing is copied.
            conf.set("spark.driver.extraClassPath", os.pathsep.join(jars))
            options = f"{LAUNCH['spark.driver.extraJavaOptions']} {archive_option(java)}"
            conf.set("spark.driver.extraJavaOptions", options)
        else:
            conf.set("spark.jars", ",".join(jars))
        # A SPARK_HOME or JAVA_HOME of another installation must not decide for us.
        os.environ["SPARK_HOME"] = os.fspath(spark_home())
        os.environ["JAVA_HOME"] = os.fspath(java.resolve().parents[1])
        # A first, small Java writes the command line for the one that works.
        os.environ.setdefault("SPARK_LAUNCHER_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        if local:
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    try:
        with log_file().open("ab") as log:
            return launch_gateway(conf, popen_kwargs={"stdout": log, "stderr": log})
    except Exception as problem:
        raise LakehouseError(
            f"Spark did not start: {type(problem).__name__}. Its log: {log_file()}",
            "Find out what is wrong with:  lakehouse doctor",
        ) from problem


def stop_active_context(gateway: Any) -> None:
    """Stop what an earlier process left running in a shared JVM."""
    jvm = gateway.jvm
    session = jvm.org.apache.spark.sql.classic.SparkSession
    active = session.getDefaultSession()
    if active.isDefined():
        active.get().sparkContext().stop()
    session.clearDefaultSession()
    session.clearActiveSession()


def free_what_ended_processes_held(gateway: Any) -> None:
    """Let go of the Java objects that earlier processes had in their hands in a shared JVM.

    Py4J keeps them until the Python process says that it needs them no more. One that has ended
    says nothing: notebook after notebook, their tables and plans would fill the memory.
    """
    server = JavaObject("GATEWAY_SERVER", gateway._gateway_client)
    names = server.getGateway().getBindings().keySet()
    names.retainAll(["GATEWAY_SERVER", "j", "t"])  # the server, its imports, its entry point


def get_spark(
    app_name: str = "lakehouse", master: str | None = None, raw_bytes: int = 0
) -> SparkSession:
    """The Spark session: the running one, or a new one with Delta ready.

    Args:
        app_name: What Spark calls the application.
        master: A Spark master URL; by default what spark-submit said, else every local core.
        raw_bytes: The size of all raw files, where it is known; see `profile`.

    Raises:
        LakehouseError: Spark cannot start here; the message says what to do.
    """
    running = SparkSession.getActiveSession()
    if running is not None and SparkContext._active_spark_context is not None:
        return running
    is_first = SparkContext._gateway is None
    gateway = SparkContext._gateway or start_jvm(master, raw_bytes)
    SparkContext._ensure_initialized(gateway=gateway)
    if gateway.proc is None:
        stop_active_context(gateway)
        if is_first:  # later, what is held may be ours
            free_what_ended_processes_held(gateway)
    conf = SparkConf(_jvm=gateway.jvm)
    for key, value in SETTINGS.items():
        conf.setIfMissing(key, value)
    conf.setIfMissing("spark.master", "local[*]")
    conf.setAppName(app_name)
    if master:
        conf.setMaster(master)
    if is_this_machine(conf.get("spark.master")):
        # Workers run on this machine: with this Python, not with the first one on the PATH.
        os.environ["PYSPARK_PYTHON"] = sys.executable
    _put_delta_on_the_class_path(gateway, conf)
    # PySpark hands a wheel from --py-files to the executors, but there it imports from archives
    # of these names only.
    SparkContext.PACKAGE_EXTENSIONS = (".zip", ".egg", ".jar", ".whl")
    context = SparkContext(conf=conf, gateway=gateway)
    context.setLogLevel("ERROR")
    # PySpark logs a page of JSON, with a timestamp, beside every analysis error it raises.
    for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger"):
        logging.getLogger(name).disabled = True
    session = SparkSession(context)
    profile.apply(session, raw_bytes=0)
    return session


def _put_delta_on_the_class_path(gateway: Any, conf: SparkConf) -> None:
    """Under a plain spark-submit the JVM knows no Delta yet: add the JARs to its loader."""
    loader = gateway.jvm.java.lang.Thread.currentThread().getContextClassLoader()
    if loader.getResource("io/delta/tables/DeltaTable.class") is not None:
        return
    jars = delta_jars(ensure_java())
    for jar in jars:
        loader.addURL(gateway.jvm.java.io.File(os.fspath(jar)).toURI().toURL())
    listed = [conf.get("spark.jars", "") or "", *map(os.fspath, jars)]
    conf.set("spark.jars", ",".join(filter(None, listed)))


def reason(error: BaseException) -> str:
    """The first sentence of a Spark error, for showing an expected failure in a lesson."""
    text = str(error).strip()
    java = re.findall(r"^(?:Caused by)?: ?[\w.$]+: ", text, flags=re.MULTILINE)
    if java and not text.startswith("["):
        text = text.rpartition(java[-1])[2]
    told = re.split(r"\n\s*(?:at |\n|== )| SQLSTATE: | \(line ", text)[0]
    first = re.split(r"(?<=[a-z])\.\s", " ".join(told.split()))[0]
    return first.strip().rstrip(".") + "."
