"""The environment of the Java that this project starts: its own, whoever calls.

A cluster's settings, another Spark's variables or a terminal without UTF-8 would decide what a
build does. What a caller tells spark-submit is not touched: there the Java is the caller's.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

import pyspark

from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.paths import find_home, work_folder
from ecommerce_lakehouse.spark.java import quote_option, without_a_jvm

FOREIGN = re.compile(
    r"(PY)?SPARK_(?!GATEWAY_).+|(HADOOP|YARN)_CONF_DIR"
    r"|_JAVA_OPTIONS|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS"
)
"""Variables of another Spark, of a Hadoop, or for every Java."""
UTF_8 = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
"""A locale that every machine of the kind has: names of files are UTF-8, messages English."""

LEAST_FILES = 512
"""How many files Java may have open: Spark's JARs alone are 250."""


def foreign_variables() -> list[str]:
    """The variables that are set here, and that a Java of this project is not given."""
    return sorted(filter(FOREIGN.fullmatch, os.environ))


def own_variables(java: Path) -> dict[str, str]:
    """What is said to a Java on this machine in place of what the caller's environment says."""
    return {
        "JAVA_HOME": os.fspath(java.resolve().parents[1]),
        "LC_ALL": UTF_8,
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_HOME": pyspark.__path__[0],
        # A first, small Java writes the command line for the one that works.
        "SPARK_LAUNCHER_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


def own_environment(java: Path) -> dict[str, str]:
    """The variables for a process that starts a Java of its own on this machine."""
    kept = {name: v for name, v in without_a_jvm().items() if not FOREIGN.fullmatch(name)}
    return kept | own_variables(java)


def has_name() -> bool:
    """Whether the system has a name for the user: in a container it may know but a number."""
    if sys.platform == "win32":
        return True
    import pwd

    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    return True


def refuse_few_files() -> None:
    """Refuse a limit of open files with which Java does not get as far as to name it.

    Raises:
        LakehouseError: There is one.
    """
    if sys.platform == "win32":
        return
    import resource

    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # up to which Java goes by itself
    if 0 <= allowed < LEAST_FILES:
        raise LakehouseError(
            f"{allowed} files may be open at once, needed: {LEAST_FILES}.",
            "Raise the limit:  ulimit -n 4096",
        )


def temporary_folder() -> str | None:
    """A temporary folder for Java, which loads libraries that it unpacks there.

    On Linux it takes /tmp, whatever TMPDIR says.

    Returns:
        The first that may hold programs: Java's own, TMPDIR's, the project's; None where none may.
    """
    java_s = "/tmp" if sys.platform == "linux" else tempfile.gettempdir()
    own = work_folder() / "tmp"
    own.mkdir(parents=True, exist_ok=True)
    places = (java_s, tempfile.gettempdir(), os.fspath(own))
    return next((place for place in places if _runs_programs(place)), None)


def _runs_programs(folder: str) -> bool:
    return not os.statvfs(folder).f_flag & getattr(os, "ST_NOEXEC", 0)


def own_java_options() -> list[str]:
    """What is said to a Java on this machine beside its variables, as Spark's settings want it."""
    options = ["-Duser.language=en", "-Duser.country=US", "-Duser.timezone=UTC"]
    options += ["-Dfile.encoding=UTF-8"]
    if not has_name():  # Java takes the home from the system's list of users, not from HOME
        options.append(quote_option(f"-Duser.home={find_home()}"))
    options.append(quote_option(f"-Djava.io.tmpdir={temporary_folder() or tempfile.gettempdir()}"))
    return options
