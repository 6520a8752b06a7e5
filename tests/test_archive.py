"""Spark starts from Java's archive of classes where there is one, and goes without where not."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from ecommerce_lakehouse import archive
from ecommerce_lakehouse.java import ensure_java


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that has no archive yet, in a folder of an unlucky name."""
    folder = tmp_path / 'a "lake" \\house'
    monkeypatch.setattr(sys, "prefix", str(folder))
    return folder


def test_the_running_jvm_started_from_the_archive(spark: SparkSession) -> None:
    made = archive.archive_of(ensure_java())
    assert made.is_file(), "make setup makes it"
    gateway: Any = spark.sparkContext._gateway
    java_lang = gateway.jvm.java.lang
    beans = java_lang.management.ManagementFactory.getRuntimeMXBean()
    arguments = list(beans.getInputArguments())
    assert f"-XX:SharedArchiveFile={made}" in arguments
    loader = java_lang.Thread.currentThread().getContextClassLoader()
    delta = loader.loadClass("io.delta.tables.DeltaTable").getClassLoader()
    assert "AppClassLoader" in delta.toString(), "the archive holds classes of the class path only"


def test_without_an_archive_java_is_told_of_none(environment: Path) -> None:
    assert archive.archive_option(ensure_java()) == ""


def test_spark_reads_the_option_as_one_word(spark: SparkSession, environment: Path) -> None:
    made = archive.archive_of(ensure_java())
    made.parent.mkdir(parents=True)
    made.touch()
    gateway: Any = spark.sparkContext._gateway
    java_lang = gateway.jvm.java.lang
    launcher = java_lang.Class.forName("org.apache.spark.launcher.CommandBuilderUtils")
    parse = next(m for m in launcher.getDeclaredMethods() if m.getName() == "parseOptionString")
    parse.setAccessible(True)
    words = gateway.new_array(java_lang.Object, 1)
    words[0] = f"-Xss4m {archive.archive_option(ensure_java())}"
    assert list(parse.invoke(None, words)) == ["-Xss4m", f"-XX:SharedArchiveFile={made}"]


def test_set_up_goes_on_without_an_archive(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(command: list[str], **_: object) -> None:
        Path(command[-1], "classes.jsa").write_bytes(b"half")
        raise subprocess.CalledProcessError(137, command)

    monkeypatch.setattr(archive.subprocess, "run", die)
    assert not archive.make_archive()
    assert not list(environment.rglob("*.jsa"))


def test_another_spark_or_java_has_another_archive(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the one that fits no more is deleted: it is as large as everything else here."""

    def train(command: list[str], **_: object) -> None:
        Path(command[-1], "classes.jsa").write_bytes(b"whole")

    monkeypatch.setattr(archive.subprocess, "run", train)
    assert archive.make_archive()
    before = archive.archive_of(ensure_java())
    os.utime(before, (0, 0))
    assert archive.make_archive()
    assert before.stat().st_mtime == 0, "made once"

    monkeypatch.setattr(archive.pyspark, "__path__", [str(tmp_path)])
    assert archive.make_archive()
    assert not before.exists()
    assert archive.archive_of(ensure_java()).read_bytes() == b"whole"
