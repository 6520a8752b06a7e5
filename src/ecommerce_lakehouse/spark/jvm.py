"""The JVM that Spark lives in: started once, and handed from one process to the next."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pyspark
from py4j.java_gateway import JavaObject
from pyspark import SparkConf
from pyspark.java_gateway import launch_gateway

from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.paths import PROJECT, work_folder
from ecommerce_lakehouse.spark.causes import find_cause, last_cause
from ecommerce_lakehouse.spark.class_archive import archive_option
from ecommerce_lakehouse.spark.environment import (
    has_name,
    own_environment,
    own_java_options,
    refuse_few_files,
)
from ecommerce_lakehouse.spark.jars import delta_jars
from ecommerce_lakehouse.spark.java import ensure_java
from ecommerce_lakehouse.spark.settings import (
    FOR_LITTLE_MEMORY,
    LITTLE_PAGE,
    ON_THIS_MACHINE,
    SETTINGS,
    WITHOUT_UI,
    is_this_machine,
    java_options,
    memory_for,
)

GATEWAY = ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET")
"""The variables by which PySpark is told of a JVM that already runs."""


KEPT_LOGS = 20
"""How many logs of Spark are kept, the newest."""


def log_file() -> Path:
    """Where the JVM's own output goes: it never belongs in a notebook.

    Each process has a file: what another one suffers must not be read as the cause of its own.
    """
    folder = work_folder() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"spark-{os.getpid()}.log"


def delete_old_logs() -> None:
    """Keep the newest logs only."""
    with suppress(OSError):  # another process deletes them just now, or they are somebody else's
        for log in sorted(log_file().parent.glob("spark-*.log"), key=os.path.getmtime)[:-KEPT_LOGS]:
            log.unlink()


@contextmanager
def errors_to_log() -> Iterator[None]:
    """Let what a library writes to this process's error output go to the log.

    delta-rs, which is no Java, prints a trace of its own where a disk is full.
    """
    sys.stderr.flush()
    before = os.dup(2)
    with log_file().open("ab") as log:
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


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
        return launch_gateway()
    refuse_few_files()
    java = ensure_java()
    conf = _launch_settings(java, master, raw_bytes)
    if is_this_machine(master):
        take_own_environment(java)
    else:  # what the caller says of the cluster stays
        os.environ["SPARK_HOME"] = pyspark.__path__[0]
        os.environ["JAVA_HOME"] = os.fspath(java.resolve().parents[1])
    delete_old_logs()
    with log_file().open("ab") as log:
        begins, others = log.tell(), psutil.Process().children()
        try:
            output = {"stdout": log, "stderr": log, "cwd": _folder()}
            gateway = launch_gateway(conf, popen_kwargs=output)
        except BaseException as problem:  # also Ctrl-C: nobody else would end that Java
            for child in psutil.Process().children():
                if child not in others:
                    child.kill()
            if isinstance(problem, Exception):
                raise _did_not_start(log_file(), begins) from problem
            raise
    return gateway


def take_own_environment(java: Path) -> None:
    """Set this process, and so all that it starts, as Java on this machine wants it."""
    own = own_environment(java)
    for name in os.environ.keys() - own.keys():
        del os.environ[name]
    os.environ.update(own)


def _folder() -> str:
    """Where Java starts: here, or where this folder was deleted, in the project's."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return os.fspath(PROJECT)


def _did_not_start(log: Path, begins: int) -> LakehouseError:
    with log.open("rb") as file:
        file.seek(begins)
        said = file.read().decode(errors="replace")
    return find_cause(said) or LakehouseError(
        f"Spark did not start: {last_cause(said)}\nThe whole log: {log}",
        "Look what this machine lacks with:  lakehouse doctor",
    )


def _launch_settings(java: Path, master: str | None, raw_bytes: int) -> SparkConf:
    """What is said to Spark before there is a JVM to say it to."""
    conf = SparkConf(loadDefaults=False)
    local = is_this_machine(master)
    where = ON_THIS_MACHINE if local else {"spark.master": str(master)}
    for key, value in {**SETTINGS, **WITHOUT_UI, **where}.items():
        conf.set(key, value)
    memory = memory_for(raw_bytes, psutil.virtual_memory().total)
    conf.set("spark.driver.memory", memory)
    if memory == FOR_LITTLE_MEMORY:
        conf.set("spark.buffer.pageSize", LITTLE_PAGE)
    jars = [os.fspath(jar) for jar in delta_jars(java)]
    options = java_options(*own_java_options() if local else ())
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


def set_language_and_user(gateway: Any) -> None:
    """Tell a Java what it would else ask the system: a language, and a name for the user.

    What text functions make of letters must not depend on the language. And for a user who has but
    a number Hadoop would look for a name, and fail.
    """
    locale = gateway.jvm.java.util.Locale
    locale.setDefault(locale.US)
    if not has_name():
        users = gateway.jvm.org.apache.hadoop.security.UserGroupInformation
        users.setLoginUser(users.createRemoteUser(f"user-{os.getuid()}"))


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
