"""The JARs Spark is given: fetched once, checked, found without the network ever after."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pyspark

from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.paths import cache_dir, find_home

VERSION = "4.4.0"
JARS = {
    ("io.delta", "delta-spark_4.2_2.13", VERSION): (
        "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead"
    ),
    ("io.delta", "delta-storage", VERSION): (
        "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc"
    ),
}
"""Maven coordinates and the SHA-256 of what they must bring."""

LISTENER = {
    ("io.openlineage", "openlineage-spark_2.13", "1.53.0"): (
        "5d84b0ae7e72909b5aae7ed87df878bf06b28d9ac3005765c3529d0a66dbae6f"
    ),
}
"""42 MB that only lineage needs: fetched when it is asked for."""


def _file(coordinates: tuple[str, str, str]) -> Path:
    _, artifact, version = coordinates
    return cache_dir() / "jars" / f"{artifact}-{version}.jar"


def _is_intact(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _fetch(java: Path, coordinates: tuple[str, str, str], sha256: str, again: str) -> None:
    """Fetch one JAR with the Ivy that Spark ships; it honours the user's own Ivy settings.

    Raises:
        LakehouseError: It did not arrive, or it is not the one.
    """
    group, artifact, version = coordinates
    ivy = next((Path(pyspark.__path__[0]) / "jars").glob("ivy-*.jar"))
    target = _file(coordinates)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        settings = find_home() / ".ivy2" / "ivysettings.xml"
        command = [os.fspath(java), "-jar", os.fspath(ivy)]
        command += ["-settings", os.fspath(settings)] if settings.exists() else []
        command += ["-dependency", group, artifact, version, "-notransitive", "-types", "jar"]
        command += ["-cache", f"{scratch}/cache", "-retrieve", f"{scratch}/[artifact].[ext]"]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
        fetched = Path(scratch) / f"{artifact}.jar"
        if not fetched.is_file():
            lines = (done.stdout + done.stderr).strip().splitlines()
            errors = [line.strip() for line in lines if "error" in line.lower() and "at" in line]
            raise LakehouseError(
                f"{target.name} is not in {target.parent} and could not be fetched:\n"
                f"{(errors or lines or ['Ivy said nothing.'])[-1]}",
                f"With a network (or a mirror in ~/.ivy2/ivysettings.xml), run:  {again}",
            )
        if not _is_intact(fetched, sha256):
            raise LakehouseError(
                f"{target.name} arrived, but it is not the file this project was tested with "
                "(its checksum differs).",
                f"Ask whoever runs your mirror, then run:  {again}",
            )
        # Beside the target first, then renamed: two processes may fetch at once.
        beside = target.with_suffix(f".{os.getpid()}")
        shutil.copyfile(fetched, beside)
        os.replace(beside, target)


def delta_jars(java: Path) -> list[Path]:
    """The JARs to put into `spark.jars`, fetched now if they are not cached yet.

    Raises:
        LakehouseError: Not cached, and it could not be fetched.
    """
    return [_find_or_fetch(java, *jar, again="lakehouse doctor --fetch") for jar in JARS.items()]


def listener_jar(java: Path) -> Path:
    """The JAR that tells what Spark reads and writes, fetched now if it is not cached yet.

    Raises:
        LakehouseError: Not cached, and it could not be fetched.
    """
    (jar,) = LISTENER.items()
    return _find_or_fetch(java, *jar, again="python scripts/generate_lineage.py")


def _find_or_fetch(java: Path, coordinates: tuple[str, str, str], sha256: str, again: str) -> Path:
    if not _is_intact(_file(coordinates), sha256):
        _fetch(java, coordinates, sha256, again)
    return _file(coordinates)


def missing_jars() -> list[str]:
    """File names of the JARs that every run needs and that are not cached or not intact."""
    return [_file(c).name for c, sha256 in JARS.items() if not _is_intact(_file(c), sha256)]
