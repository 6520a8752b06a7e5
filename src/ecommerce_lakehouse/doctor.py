"""`lakehouse doctor`: what the project needs, and the command that mends what is missing."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
import pyspark
from py4j.protocol import Py4JError
from pyspark import SparkContext
from rich.console import Console
from rich.text import Text

from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.paths import IS_CHECKOUT, PROJECT, find_home, work_folder
from ecommerce_lakehouse.spark.causes import cause_of, last_cause
from ecommerce_lakehouse.spark.class_archive import archive_of, holds_spark, make_archive
from ecommerce_lakehouse.spark.environment import (
    foreign_variables,
    has_name,
    refuse_few_files,
    temporary_folder,
)
from ecommerce_lakehouse.spark.jars import delta_jars, missing_jars
from ecommerce_lakehouse.spark.java import (
    SUPPORTED,
    VERSIONS,
    ask,
    describe_candidates,
    ensure_java,
    find_java,
    find_obstacle,
)
from ecommerce_lakehouse.spark.jvm import log_file
from ecommerce_lakehouse.spark.settings import memory_for

REINSTALL = "make -B setup" if IS_CHECKOUT else "pip install --force-reinstall ecommerce-lakehouse"
TESTED = ((3, 11),)
"""The versions of Python on which every test has run."""
UNTESTED = ((3, 12), (3, 13), (3, 14))
"""Those that every package is there for."""
NEEDED = {"pyspark": "4.2.0", "delta-spark": "4.4.0"}


@dataclass(frozen=True)
class Finding:
    """One line of the report; `fix` is empty when all is well."""

    what: str
    fix: str = ""


def check_python() -> Finding:
    """Python 3.11 to 3.14."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] in TESTED:
        return Finding(f"Python {found}")
    if sys.version_info[:2] in UNTESTED:
        tested = ", ".join(".".join(map(str, version)) for version in TESTED)
        return Finding(f"Python {found}; the tests have run on {tested}")
    return Finding(
        f"Python {found}, needed: 3.11 to 3.14", "make distclean && make setup PYTHON=python3.12"
    )


def check_versions() -> Finding:
    """pyspark and delta-spark of the versions that work together."""
    for name, wanted in NEEDED.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "missing"
        if found != wanted:
            return Finding(f"{name} {found}, needed: {wanted}", REINSTALL)
    return Finding(", ".join(f"{name} {wanted}" for name, wanted in NEEDED.items()))


def check_java() -> Finding:
    """A Java of a supported version, and a JAVA_HOME that says otherwise."""
    java = find_java()
    home = os.environ.get("JAVA_HOME")
    if java is None:
        cause = find_obstacle()
        if cause:
            return Finding(cause.message, cause.remedy)
        return Finding(
            f"{VERSIONS} not found ({describe_candidates()})"
            + (f"; JAVA_HOME is {home}" if home else ""),
            "lakehouse doctor --fetch   or   apt install openjdk-17-jre-headless",
        )
    others = ""
    if home and ask(Path(home) / "bin" / "java").version not in SUPPORTED:
        others = f"; JAVA_HOME ({home}) is no such version and is not used"
    return Finding(f"Java {ask(java).version}: {java}{others}")


def check_variables() -> Finding:
    """Variables of another Spark or for every Java: they are named, and not used."""
    foreign = [name for name in foreign_variables() if name != "PYSPARK_PYTHON"]
    if foreign:
        return Finding(f"set for other programs, and not used here: {', '.join(foreign)}")
    return Finding("no variable of another Spark is set")


def check_user() -> Finding:
    """A user whom the system has a name for, with a home."""
    if has_name():
        return Finding("the user has a name")
    return Finding(f"the user has no name, but a number; files that need a home: {find_home()}")


def check_limits() -> Finding:
    """How much one process may have open at once."""
    try:
        refuse_few_files()
    except LakehouseError as problem:
        return Finding(problem.message, problem.remedy)
    return Finding("enough files may be open at once")


def check_temporary() -> Finding:
    """A temporary folder from which Java may run what it unpacks."""
    folder = temporary_folder()
    if folder is None:
        return Finding(
            "every temporary folder is mounted with noexec: Java may not run what it unpacks",
            "export TMPDIR=/a/folder/of/yours",
        )
    return Finding(f"Java unpacks in {folder}, which may hold programs")


def check_jars() -> Finding:
    """Delta's two JARs, cached and intact."""
    missing = missing_jars()
    if missing:
        return Finding(
            f"Delta's JARs are not here yet: {', '.join(missing)}", "lakehouse doctor --fetch"
        )
    return Finding("Delta's two JARs are cached and intact")


def check_ports() -> Finding:
    """Spark's parts talk over the loopback address."""
    try:
        with socket.create_server(("127.0.0.1", 0)):
            return Finding("a local port can be opened")
    except OSError as problem:
        return Finding(
            f"no local port can be opened ({problem})", "allow 127.0.0.1 in your firewall"
        )


def check_memory() -> Finding:
    """Room for a JVM, a kernel and the runner; more for Java where a variable says so."""
    try:
        memory_for(0, psutil.virtual_memory().total)
    except LakehouseError as problem:
        return Finding(problem.message, problem.remedy)
    free = psutil.virtual_memory().available / 2**30
    if free < 2.5:
        return Finding(f"{free:.1f} GB of memory free, needed: 2.5", "close other programs")
    return Finding(f"{free:.1f} GB of memory free")


def check_disk() -> Finding:
    """Room for tables, logs and copies."""
    free = shutil.disk_usage(PROJECT).free / 2**30
    if free < 1:
        return Finding(f"{free:.1f} GB of disk free, needed: 1", "make clean")
    return Finding(f"{free:.0f} GB of disk free")


def check_folder() -> Finding:
    """Logs and what can be thrown away have a folder."""
    folder = work_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError
    except OSError:
        return Finding(f"{folder} cannot be written", f'chmod -R u+w "{folder.parent}"')
    return Finding(f"{folder} can be written")


def check_archive() -> Finding:
    """Java's archive of classes, without which Spark starts slower."""
    java = find_java()
    if java is None or missing_jars() or not archive_of(java).is_file():
        return Finding(
            "Spark starts slowly: it has no archive of its classes until  lakehouse doctor --fetch"
        )
    if not holds_spark():
        return Finding(
            "Spark starts some seconds slower here: Java cannot archive the classes of a folder "
            f"with such a name ({pyspark.__path__[0]})"
        )
    return Finding("Spark starts from an archive of its classes")


def check_spark() -> Finding:
    """Spark starts in this environment, and writes and reads a Delta table."""
    from ecommerce_lakehouse.spark.session import get_spark

    begun, read_log = time.monotonic(), f"less +G {shlex.quote(str(log_file()))}"
    try:
        with tempfile.TemporaryDirectory(dir=work_folder()) as scratch:
            spark = get_spark("doctor", raw_bytes=1)
            table = os.path.join(scratch, "table")
            spark.range(3).write.format("delta").save(table)
            rows = spark.read.format("delta").load(table).count()
    except Exception as problem:
        cause = problem if isinstance(problem, LakehouseError) else cause_of(problem)
        if cause is None:
            return Finding(f"Spark starts, and then fails: {last_cause(str(problem))}", read_log)
        return Finding(cause.message, cause.remedy if "doctor" not in cause.remedy else read_log)
    took = time.monotonic() - begun
    return Finding(f"Spark starts, wrote a Delta table and read its {rows} rows ({took:.0f} s)")


QUICK_CHECKS = (check_python, check_versions, check_folder)
ALL_CHECKS = (
    check_python,
    check_versions,
    check_java,
    check_variables,
    check_user,
    check_jars,
    check_archive,
    check_ports,
    check_memory,
    check_limits,
    check_disk,
    check_folder,
    check_temporary,
)
"""What can be looked at without starting Spark."""


def quick() -> None:
    """The part that every command checks first; fetches Java and JARs when they are missing.

    Raises:
        LakehouseError: Something is missing; the message names the command that mends it.
    """
    for check in QUICK_CHECKS:
        finding = check()
        if finding.fix:
            raise LakehouseError(finding.what, f"Mend it with:  {finding.fix}")
    delta_jars(ensure_java())


def fetch() -> None:
    """What set-up does after the packages: fetch what is missing, and make Java's archive.

    Raises:
        LakehouseError: Something is missing; the message names the command that mends it.
    """
    quick()
    problem = make_archive([sys.executable, "-m", "ecommerce_lakehouse.doctor"])
    if problem:
        print(
            f"Java's archive of classes was not made, so Spark starts slowly: {problem}",
            file=sys.stderr,
        )


def report(console: Console) -> int:
    """Print every finding.

    Returns:
        0 when all is well, 1 otherwise.
    """
    broken = 0
    for check in (*ALL_CHECKS, check_spark):
        if check is check_spark and (find_java() is None or missing_jars()):
            continue  # named already
        finding = check()
        mark = Text("[fix]", "red") if finding.fix else Text("[ok] ", "green")
        console.print(Text.assemble("  ", mark, f" {finding.what}"), soft_wrap=True)
        if finding.fix:
            broken += 1
            console.print(f"        {finding.fix}", soft_wrap=True)
    console.print("All is well." if not broken else f"{broken} to mend.")
    return 1 if broken else 0


TRAINING_TABLES = (
    *(f"bronze.{entity}" for entity in ("customers", "orders", "order_items", "products")),
    *("silver.stg_customers", "silver.stg_orders", "silver.stg_order_items"),
    "intermediate.int_customer_orders",
)
"""What is built to see which classes belong into the archive."""


def train(scratch: str) -> None:
    """Build some tables, then let Java end by itself: it writes the archive as its last act."""
    from ecommerce_lakehouse.shop import generate
    from ecommerce_lakehouse.spark.session import get_spark
    from ecommerce_lakehouse.tables.lakehouse import Lakehouse

    generate(20, Path(scratch) / "data")
    lake = Lakehouse(get_spark("archive"), f"{scratch}/lakehouse", f"{scratch}/data")
    for table in TRAINING_TABLES:
        lake.build(table)
    lake.read(TRAINING_TABLES[-1]).toPandas()
    gateway: Any = SparkContext._gateway
    # The connection breaks in the middle of this call.
    with suppress(Py4JError, OSError):
        gateway.jvm.java.lang.System.exit(0)
    gateway.proc.wait()


if __name__ == "__main__":
    train(sys.argv[1])
