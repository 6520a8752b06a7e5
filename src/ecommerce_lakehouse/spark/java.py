"""Find a Java that Spark 4 runs on, or say how to get one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.paths import cache_dir

SUPPORTED = (17, 21)


def fetched_to() -> Path:
    """Where a Java that was fetched stays, so that it is found without the network."""
    return cache_dir() / "java"


def without_a_jvm() -> dict[str, str]:
    """The environment for a process that starts a JVM of its own, whatever runs here."""
    return {name: v for name, v in os.environ.items() if not name.startswith("PYSPARK_GATEWAY")}


def quote_option(option: str) -> str:
    """An option for Java that may hold spaces, as Spark's settings want it."""
    escaped = option.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@cache
def java_version(java: Path) -> int | None:
    """The major version of a `java` program, None when it does not answer."""
    try:
        done = subprocess.run(
            [java, "-version"], capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+)', done.stderr + done.stdout)
    return int(found[1]) if found else None


def candidates() -> list[Path]:
    """Every `java` worth asking: JAVA_HOME's, the environment's, PATH's, the system's, ours."""
    found: list[Path] = []
    if os.environ.get("JAVA_HOME"):
        found.append(Path(os.environ["JAVA_HOME"]) / "bin" / "java")
    found.append(Path(sys.prefix) / "bin" / "java")
    on_path = shutil.which("java")
    if on_path:
        found.append(Path(on_path))
    found += sorted(Path("/usr/lib/jvm").glob("*/bin/java"))
    found += sorted(Path("/Library/Java/JavaVirtualMachines").glob("*/Contents/Home/bin/java"))
    found += sorted(fetched_to().glob("**/bin/java"))
    return [java for java in dict.fromkeys(found) if java.is_file()]


def find_java() -> Path | None:
    """The first `java` of a supported version; a foreign JAVA_HOME does not get in the way."""
    return next((java for java in candidates() if java_version(java) in SUPPORTED), None)


def ensure_java() -> Path:
    """A `java` 17 or 21: one that is here, else a Temurin fetched through cjdk.

    Raises:
        LakehouseError: None here, and none could be fetched.
    """
    java = find_java()
    if java:
        return java
    seen = ", ".join(f"{j} is Java {java_version(j)}" for j in candidates()) or "no java found"
    try:
        import cjdk

        home = cjdk.java_home(vendor="temurin", version="17", cache_dir=fetched_to())
    except Exception as problem:  # cjdk passes on whatever its download ran into
        raise LakehouseError(
            f"Spark needs Java 17 or 21 ({seen}), and Temurin 17 could not be fetched.",
            "Install one, for example:  apt install openjdk-17-jre-headless   "
            "(macOS: brew install openjdk@17; conda: conda install openjdk=17)",
        ) from problem
    return home / "bin" / "java"
