"""The JVM that Spark lives in: started once, and handed from one process to the next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pyspark
from py4j.java_gateway import JavaObject
from pyspark import SparkConf
from pyspark.java_gateway import launch_gateway

from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.paths import work_folder
from ecommerce_lakehouse.spark.class_archive import archive_option
from ecommerce_lakehouse.spark.jars import delta_jars
from ecommerce_lakehouse.spark.java import ensure_java
from ecommerce_lakehouse.spark.settings import (
    ON_THIS_MACHINE,
    SETTINGS,
    WITHOUT_UI,
    is_this_machine,
    java_options,
    memory_for,
)

GATEWAY = ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET")
"""The variables by which PySpark is told of a JVM that already runs."""


def log_file() -> Path:
    """Where the JVM's own output goes: it never belongs in a notebook."""
    path = work_folder() / "spark.log"
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
    if GATEWAY[0] in os.environ:
        return _launch()
    java = ensure_java()
    conf = _launch_settings(java, master, raw_bytes)
    # A SPARK_HOME or JAVA_HOME of another installation must not decide for us.
    os.environ["SPARK_HOME"] = pyspark.__path__[0]
    os.environ["JAVA_HOME"] = os.fspath(java.resolve().parents[1])
    # A first, small Java writes the command line for the one that works.
    os.environ.setdefault("SPARK_LAUNCHER_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    if is_this_machine(master):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    with log_file().open("ab") as log:
        return _launch(conf, popen_kwargs={"stdout": log, "stderr": log})


def _launch(*arguments: Any, **options: Any) -> Any:
    try:
        return launch_gateway(*arguments, **options)
    except Exception as problem:
        raise LakehouseError(
            f"Spark did not start: {type(problem).__name__}. Its log: {log_file()}",
            "Find out what is wrong with:  lakehouse doctor",
        ) from problem


def _launch_settings(java: Path, master: str | None, raw_bytes: int) -> SparkConf:
    """What is said to Spark before there is a JVM to say it to."""
    conf = SparkConf(loadDefaults=False)
    local = is_this_machine(master)
    where = ON_THIS_MACHINE if local else {"spark.master": str(master)}
    for key, value in {**SETTINGS, **WITHOUT_UI, **where}.items():
        conf.set(key, value)
    memory = memory_for(raw_bytes, psutil.virtual_memory().total)
    conf.set("spark.driver.memory", os.environ.get("LAKEHOUSE_DRIVER_MEMORY", memory))
    jars = [os.fspath(jar) for jar in delta_jars(java)]
    options = java_options()
    if local:
        # Where Java's archive of classes has them from, and from where nothing is copied.
        conf.set("spark.driver.extraClassPath", os.pathsep.join(jars))
        options += f" {archive_option(java)}"
    else:
        conf.set("spark.jars", ",".join(jars))
    conf.set("spark.driver.extraJavaOptions", options)
    return conf


@contextmanager
def warm_jvm(raw_bytes: int = 0) -> Iterator[None]:
    """One JVM for every kernel started inside: they attach to it instead of starting their own."""
    if GATEWAY[0] in os.environ:  # whoever started this process keeps one warm
        yield
        return
    gateway = start_jvm(raw_bytes=raw_bytes)
    address = gateway.java_parameters
    os.environ.update(zip(GATEWAY, (str(address.port), str(address.auth_token)), strict=True))
    try:
        yield
    finally:
        for key in GATEWAY:
            os.environ.pop(key, None)
        gateway.shutdown()
        if gateway.proc is not None:
            gateway.proc.stdin.close()
            gateway.proc.wait(timeout=30)


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
