"""The Spark session every notebook, job and test works with.

A process that finds `PYSPARK_GATEWAY_PORT` in its environment uses the JVM that already
runs there; any other starts its own. The calling code is the same: `get_spark()`.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.paths import work_folder
from ecommerce_lakehouse.spark import settings
from ecommerce_lakehouse.spark.causes import cause_of, last_cause
from ecommerce_lakehouse.spark.jars import delta_jars
from ecommerce_lakehouse.spark.java import ensure_java
from ecommerce_lakehouse.spark.jvm import (
    free_what_ended_processes_held,
    set_language_and_user,
    start_jvm,
    stop_active_context,
)
from ecommerce_lakehouse.spark.settings import SETTINGS, is_this_machine
from ecommerce_lakehouse.spark.stop import SPARK_ERRORS


def get_spark(
    app_name: str = "lakehouse", master: str | None = None, raw_bytes: int = 0
) -> SparkSession:
    """The Spark session: the running one, or a new one with Delta ready.

    Args:
        app_name: What Spark calls the application.
        master: A Spark master URL; by default what spark-submit said, else every local core.
        raw_bytes: The size of all raw files, where it is known; see `settings`.

    Raises:
        LakehouseError: Spark cannot start here; the message says what to do.

    Examples:
        >>> get_spark("lesson").range(3).count()
        3
    """
    running = SparkSession.getActiveSession()
    if running is not None and SparkContext._active_spark_context is not None:
        return running
    is_first = SparkContext._gateway is None
    gateway = SparkContext._gateway or start_jvm(master, raw_bytes)
    SparkContext._ensure_initialized(gateway=gateway)
    set_language_and_user(gateway)
    if gateway.proc is None:
        stop_active_context(gateway)
        if is_first:  # later, what is held may be ours
            free_what_ended_processes_held(gateway)
    conf = SparkConf(_jvm=gateway.jvm)
    for key, value in SETTINGS.items():
        conf.setIfMissing(key, value)
    conf.setIfMissing("spark.sql.warehouse.dir", os.fspath(work_folder() / "spark-warehouse"))
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
    try:
        context = SparkContext(conf=conf, gateway=gateway)
    except SPARK_ERRORS as problem:
        raise cause_of(problem) or LakehouseError(
            f"Spark did not start: {last_cause(str(problem))}",
            "Look what this machine lacks with:  lakehouse doctor",
        ) from problem
    context.setLogLevel("ERROR")
    # PySpark logs a page of JSON, with a timestamp, beside every analysis error it raises.
    for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger"):
        logging.getLogger(name).disabled = True
    session = SparkSession(context)
    settings.begin(session, raw_bytes)
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
