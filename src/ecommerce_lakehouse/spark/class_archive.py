"""An archive of Java's classes, made once at set-up: Spark comes up from it in half the time.

Java reads, checks and links some twenty thousand classes before Spark's first table is written.
It can keep them in a file (class data sharing) and map that into memory when it starts again.
Without the file, or with one that does not fit, everything works as before and starts slower.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import pyspark

from ecommerce_lakehouse.spark.causes import last_cause
from ecommerce_lakehouse.spark.jars import delta_jars
from ecommerce_lakehouse.spark.java import ensure_java, quote_option, without_a_jvm


def archive_of(java: Path) -> Path:
    """Where the archive for a Java and this environment's Spark is, made or not."""
    program = java.resolve()
    parts = (program, program.stat().st_mtime_ns, pyspark.__path__[0], *delta_jars(java))
    name = hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:12]
    return Path(sys.prefix) / "share" / "ecommerce-lakehouse" / f"classes-{name}.jsa"


def holds_spark() -> bool:
    """Whether an archive can hold Spark's own classes, and not only Java's.

    Java takes a JAR's address, in which a space is `%20`, for its path, does not find it on the
    class path, and leaves the class out: https://bugs.openjdk.org/browse/JDK-8339460
    """
    folder = pyspark.__path__[0]
    return quote(folder) == folder


def archive_option(java: Path) -> str:
    """What tells Java to start from the archive, as Spark's settings want it quoted.

    Returns:
        Options; empty where there is no archive.
    """
    archive = archive_of(java)
    # One that does not fit is no error: Java 25 would say so into what a program prints.
    option = f"{quote_option(f'-XX:SharedArchiveFile={archive}')} -Xlog:cds*=off"
    return option if archive.is_file() else ""


def make_archive(training: Sequence[str]) -> str:
    """Make the archive where there is none, from the classes that a program uses.

    Args:
        training: The command of a program that starts a JVM, uses what is wanted of Spark, and
            lets Java end by itself. A folder for it to work in is added as the last argument.

    Returns:
        Why there is none; empty where there is one now.
    """
    archive = archive_of(ensure_java())
    if archive.is_file():
        return ""
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
            # Made under another name and renamed: nobody starts from half an archive.
            made = Path(scratch) / "classes.jsa"
            subprocess.run(
                [*training, scratch],
                env=without_a_jvm()
                | {"LAKEHOUSE_JAVA_OPTIONS": quote_option(f"-XX:ArchiveClassesAtExit={made}")},
                check=True,
                capture_output=True,
                text=True,
            )
            os.replace(made, archive)
    except subprocess.CalledProcessError as problem:
        return last_cause(problem.stderr)
    except OSError as problem:
        return str(problem)
    for older in set(archive.parent.glob("classes-*.jsa")) - {archive}:
        older.unlink(missing_ok=True)
    return ""
