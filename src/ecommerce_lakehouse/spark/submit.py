"""Start a program the way a cluster's scheduler does: with spark-submit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.spark.class_archive import archive_option
from ecommerce_lakehouse.spark.environment import own_environment, own_java_options
from ecommerce_lakehouse.spark.jars import delta_jars
from ecommerce_lakehouse.spark.java import ensure_java

SMALL_DRIVER = ("--driver-memory", "512m", "--conf", "spark.ui.enabled=false")
"""For a run on little data beside other programs: little memory and no web page."""

COMPILE_QUICKLY = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=192m"
"""For a short run: no thorough compiling. The code takes more room then, and the 48 MB that Java
has for it by default are full after a few tables."""


def spark_submit(program: str, *arguments: str) -> str:
    """Run a program with this environment's spark-submit, in a JVM of its own.

    It is as if it were typed in the project folder: there relative paths start.

    Args:
        program: A Python file.
        *arguments: Its flags.

    Returns:
        What it printed.

    Raises:
        LakehouseError: It ended with an error; the message is the program's own.

    Examples:
        >>> print(spark_submit("src/jobs/build_gold.py", "--as-of", "2023-02-31"))
        Traceback (most recent call last):
        ...
        ecommerce_lakehouse.errors.LakehouseError: src/jobs/build_gold.py: as_of_date is ...
    """
    own = Path(sys.executable).parent
    found = shutil.which("spark-submit", path=f"{own}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise LakehouseError(
            "There is no spark-submit in this environment.",
            "Install it with:  make setup   (or:  pip install pyspark)",
        )
    java = ensure_java()
    options = " ".join([COMPILE_QUICKLY, archive_option(java), *own_java_options()])
    start = (
        *("--driver-class-path", os.pathsep.join(map(os.fspath, delta_jars(java)))),
        *("--driver-java-options", options),
    )
    done = subprocess.run(
        [found, *SMALL_DRIVER, *start, program, *arguments],
        cwd=PROJECT,
        env=own_environment(java),  # not the JVM of the notebooks, which is theirs
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        # spark-submit hands on what the program wrote, also to stderr, on its own stdout.
        said = done.stdout.strip() or f"exit code {done.returncode}\n{done.stderr.strip()}"
        raise LakehouseError(f"{program}: {said}")
    return done.stdout
