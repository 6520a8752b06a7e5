"""An archive of Java's classes, made once at set-up: Spark comes up from it in half the time.

Java reads, checks and links some twenty thousand classes before Spark's first table is written.
It can keep them in a file (class data sharing) and map that into memory when it starts again.
Without the file, or with one that does not fit, everything works as before and starts slower.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyspark
from py4j.protocol import Py4JError
from pyspark import SparkContext

from ecommerce_lakehouse.jars import delta_jars
from ecommerce_lakehouse.java import ensure_java, quoted, without_a_jvm
from ecommerce_lakehouse.paths import EXAMPLE_DATA, cache_dir

TABLES = (
    *(f"bronze.{entity}" for entity in ("customers", "orders", "order_items", "products")),
    *("silver.stg_customers", "silver.stg_orders", "silver.stg_order_items"),
    "intermediate.int_customer_orders",
)
"""What is built to see which classes are wanted."""


def spark_home() -> Path:
    """PySpark's folder, by a name under which Java can archive its classes.

    Java takes a JAR's address, in which a space is `%20`, for its path, does not find it on the
    class path, and leaves the class out (JDK-8339460). It looks through symbolic links. So where
    the folder has such a name, its JARs get a second one (a hard link) in the cache.
    """
    folder = Path(pyspark.__path__[0])
    if quote(os.fspath(folder)) == os.fspath(folder):
        return folder
    name = hashlib.sha256(f"{folder}\n{pyspark.__version__}".encode()).hexdigest()[:12]
    home = cache_dir() / f"spark-{name}"
    # A cache on another disk, or without links, or made by another at this moment: slower, no more.
    with suppress(OSError):
        if not home.is_dir():
            home.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
                made = Path(scratch) / "spark"
                shutil.copytree(folder / "jars", made / "jars", copy_function=os.link)
                for entry in folder.iterdir():
                    if entry.name != "jars":
                        (made / entry.name).symlink_to(entry)
                os.rename(made, home)
    return home if home.is_dir() else folder


def remove_names_of_gone_jars() -> None:
    """Remove the second names of JARs that their environment has no more.

    The environment was deleted, upgraded or made anew, and a third of a gigabyte would stay on the
    disk for a name.
    """
    for home in cache_dir().glob("spark-*"):
        folder = (home / "bin").resolve().parent
        try:
            own = all(jar.samefile(folder / jar.relative_to(home)) for jar in home.rglob("*.jar"))
        except OSError:
            own = False
        if not own:
            shutil.rmtree(home, ignore_errors=True)


def archive_of(java: Path) -> Path:
    """Where the archive for a Java and this environment's Spark is, made or not.

    Args:
        java: The `java` program.
    """
    program = java.resolve()
    parts = (program, program.stat().st_mtime_ns, spark_home(), *delta_jars(java))
    name = hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:12]
    return Path(sys.prefix) / "share" / "ecommerce-lakehouse" / f"classes-{name}.jsa"


def archive_option(java: Path) -> str:
    """What tells Java to start from the archive, as Spark's settings want it quoted.

    Args:
        java: The `java` program.

    Returns:
        An option; empty where there is no archive.
    """
    archive = archive_of(java)
    return quoted(f"-XX:SharedArchiveFile={archive}") if archive.is_file() else ""


def make_archive() -> bool:
    """Make the archive where there is none: build some tables in a JVM that keeps its classes.

    Returns:
        Whether there is an archive now.
    """
    remove_names_of_gone_jars()  # before the archive notes where its classes come from
    archive = archive_of(ensure_java())
    if archive.is_file():
        return True
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
            # Made under another name and renamed: nobody starts from half an archive.
            made = Path(scratch) / "classes.jsa"
            subprocess.run(
                [sys.executable, "-m", "ecommerce_lakehouse.archive", scratch],
                env=without_a_jvm()
                | {"LAKEHOUSE_JAVA_OPTIONS": quoted(f"-XX:ArchiveClassesAtExit={made}")},
                check=True,
                capture_output=True,
            )
            os.replace(made, archive)
    except (OSError, subprocess.CalledProcessError):
        return False
    for older in set(archive.parent.glob("classes-*.jsa")) - {archive}:
        older.unlink(missing_ok=True)
    return True


def _train(scratch: str) -> None:
    """Build some tables, then let Java end by itself: it writes the archive as its last act."""
    from ecommerce_lakehouse.lakehouse import Lakehouse
    from ecommerce_lakehouse.session import get_spark

    spark = get_spark("archive")
    lake = Lakehouse(spark, f"{scratch}/lakehouse", EXAMPLE_DATA)
    for table in TABLES:
        lake.build(table)
    lake.read(TABLES[-1]).toPandas()
    gateway: Any = SparkContext._gateway
    # The connection breaks in the middle of this call.
    with suppress(Py4JError, OSError):
        gateway.jvm.java.lang.System.exit(0)
    gateway.proc.wait()


if __name__ == "__main__":
    _train(sys.argv[1])
