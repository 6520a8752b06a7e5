"""Spark starts from Java's archive of classes where there is one, and goes without where not."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from ecommerce_lakehouse import doctor
from ecommerce_lakehouse.spark import class_archive
from ecommerce_lakehouse.spark.java import ensure_java, without_a_jvm


def train(command: list[str], **_: object) -> None:
    """In place of a Java that writes its archive."""
    Path(command[-1], "classes.jsa").write_bytes(b"whole")


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that has no archive yet, in a folder of an unlucky name."""
    ensure_java()  # remembered: what a test puts in place of a program is not Java
    folder = tmp_path / 'a "lake" \\house'
    monkeypatch.setattr(sys, "prefix", str(folder))
    return folder


def test_the_running_jvm_started_from_the_archive(spark: SparkSession) -> None:
    made = class_archive.archive_of(ensure_java())
    assert made.is_file(), "make setup makes it"
    gateway: Any = spark.sparkContext._gateway
    java_lang = gateway.jvm.java.lang
    beans = java_lang.management.ManagementFactory.getRuntimeMXBean()
    arguments = list(beans.getInputArguments())
    assert f"-XX:SharedArchiveFile={made}" in arguments
    loader = java_lang.Thread.currentThread().getContextClassLoader()
    delta = loader.loadClass("io.delta.tables.DeltaTable").getClassLoader()
    assert "AppClassLoader" in delta.toString(), "the archive holds classes of the class path only"


def test_the_classes_of_spark_come_out_of_the_archive(tmp_path: Path) -> None:
    """Not where the folder that this environment stands in has a space in its name."""
    if not class_archive.holds_spark():
        assert "some seconds slower here" in doctor.check_archive().what
        return
    said = tmp_path / "classes"
    options = {"LAKEHOUSE_JAVA_OPTIONS": f"-Xlog:class+load:file={said}"}
    code = "from ecommerce_lakehouse import get_spark; get_spark().range(3).collect()"
    subprocess.run([sys.executable, "-c", code], env=without_a_jvm() | options, check=True)
    spark = [line for line in said.read_text().splitlines() if " org.apache.spark." in line]
    archived = [line for line in spark if line.endswith("source: shared objects file (top)")]
    read = [line for line in spark if "source: file:" in line]
    assert len(archived) > 1000
    assert len(read) < 100


@pytest.mark.parametrize(("name", "holds"), [("a lake", False), ("Müller", False), ("plain", True)])
def test_a_folder_whose_name_java_would_escape_is_known_to_start_slower(
    name: str, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Java leaves the classes of its JARs out; the doctor says so."""
    monkeypatch.setattr(class_archive.pyspark, "__path__", [f"/opt/{name}/pyspark"])
    assert class_archive.holds_spark() == holds


def test_without_an_archive_java_is_told_of_none(environment: Path) -> None:
    assert class_archive.archive_option(ensure_java()) == ""


def test_spark_reads_the_option_as_one_word(spark: SparkSession, environment: Path) -> None:
    made = class_archive.archive_of(ensure_java())
    made.parent.mkdir(parents=True)
    made.touch()
    gateway: Any = spark.sparkContext._gateway
    java_lang = gateway.jvm.java.lang
    launcher = java_lang.Class.forName("org.apache.spark.launcher.CommandBuilderUtils")
    parse = next(m for m in launcher.getDeclaredMethods() if m.getName() == "parseOptionString")
    parse.setAccessible(True)
    words = gateway.new_array(java_lang.Object, 1)
    words[0] = f"-Xss4m {class_archive.archive_option(ensure_java())}"
    assert list(parse.invoke(None, words)) == [
        "-Xss4m",
        f"-XX:SharedArchiveFile={made}",
        "-Xlog:cds*=off",
    ]


def test_set_up_goes_on_without_an_archive(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(command: list[str], **_: object) -> None:
        Path(command[-1], "classes.jsa").write_bytes(b"half")
        raise subprocess.CalledProcessError(137, command, stderr="OutOfMemoryError: Java heap")

    monkeypatch.setattr(class_archive.subprocess, "run", die)
    assert class_archive.make_archive(["java"]) == "OutOfMemoryError: Java heap"
    assert not list(environment.rglob("*.jsa"))


def test_set_up_says_why_there_is_no_archive(
    environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(class_archive.subprocess, "run", lambda *_, **__: None)
    doctor.fetch()
    said = capsys.readouterr().err
    assert said.startswith("Java's archive of classes was not made, so Spark starts slowly: ")
    assert "classes.jsa" in said


def test_another_spark_or_java_has_another_archive(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the one that fits no more is deleted: it is as large as everything else here."""

    monkeypatch.setattr(class_archive.subprocess, "run", train)
    assert not class_archive.make_archive(["java"])
    before = class_archive.archive_of(ensure_java())
    os.utime(before, (0, 0))
    assert not class_archive.make_archive(["java"])
    assert before.stat().st_mtime == 0, "made once"

    monkeypatch.setattr(class_archive.pyspark, "__path__", [str(tmp_path)])
    assert not class_archive.make_archive(["java"])
    assert not before.exists()
    assert class_archive.archive_of(ensure_java()).read_bytes() == b"whole"
