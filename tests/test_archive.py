"""Spark starts from Java's archive of classes where there is one, and goes without where not."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from ecommerce_lakehouse import archive
from ecommerce_lakehouse.java import ensure_java, without_a_jvm
from ecommerce_lakehouse.paths import cache_dir


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


def test_the_classes_of_spark_come_out_of_the_archive(tmp_path: Path) -> None:
    """Whatever the folder is called that this environment stands in."""
    said = tmp_path / "classes"
    options = {"LAKEHOUSE_JAVA_OPTIONS": f"-Xlog:class+load:file={said}"}
    code = "from ecommerce_lakehouse import get_spark; get_spark().range(3).collect()"
    subprocess.run([sys.executable, "-c", code], env=without_a_jvm() | options, check=True)
    spark = [line for line in said.read_text().splitlines() if " org.apache.spark." in line]
    archived = [line for line in spark if line.endswith("source: shared objects file (top)")]
    read = [line for line in spark if "source: file:" in line]
    assert len(archived) > 1000
    assert len(read) < 100


def a_spark(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder such as PySpark's, in place of it."""
    (folder / "bin").mkdir(parents=True)
    (folder / "jars" / "connect-repl").mkdir(parents=True)
    for jar in ("one.jar", "connect-repl/two.jar"):
        (folder / "jars" / jar).write_bytes(b"classes")
    monkeypatch.setattr(archive.pyspark, "__path__", [str(folder)])
    return folder


@pytest.mark.parametrize("name", ["a lake", "Müller"])
def test_a_folder_whose_name_java_would_escape_gets_another(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_CACHE", str(tmp_path / "cache"))
    folder = a_spark(tmp_path / name, monkeypatch)
    home = archive.spark_home()
    assert home.parent == tmp_path / "cache"
    assert (home / "bin").samefile(folder / "bin")
    jar = home / "jars" / "one.jar"
    assert jar.samefile(folder / "jars" / "one.jar"), "no copy of a third of a gigabyte"
    assert jar.resolve() == jar, "Java looks through symbolic links"
    assert archive.spark_home() == home
    assert os.listdir(tmp_path / "cache") == [home.name]


def test_a_folder_of_a_plain_name_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_CACHE", str(tmp_path / "cache"))
    folder = a_spark(tmp_path / "plain", monkeypatch)
    assert archive.spark_home() == folder
    assert not (tmp_path / "cache").exists()


def test_where_nothing_can_be_linked_the_folder_keeps_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another_disk(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setenv("LAKEHOUSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(archive.os, "link", another_disk)
    folder = a_spark(tmp_path / "a lake", monkeypatch)
    assert archive.spark_home() == folder
    assert os.listdir(tmp_path / "cache") == []


def delete(folder: Path) -> None:
    shutil.rmtree(folder)


def upgrade(folder: Path) -> None:
    (folder / "jars" / "one.jar").rename(folder / "jars" / "three.jar")


def install_again(folder: Path) -> None:
    (folder / "jars" / "one.jar").unlink()
    (folder / "jars" / "one.jar").write_bytes(b"classes")


@pytest.mark.parametrize("change", [delete, upgrade, install_again])
def test_set_up_removes_the_second_name_of_jars_that_are_gone(
    change: Callable[[Path], None],
    environment: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive.subprocess, "run", train)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "jars").symlink_to(cache_dir() / "jars")
    monkeypatch.setenv("LAKEHOUSE_CACHE", str(tmp_path / "cache"))
    folder = a_spark(tmp_path / "a lake", monkeypatch)
    gone = archive.spark_home()
    change(folder)
    a_spark(tmp_path / "a pond", monkeypatch)
    in_use = archive.spark_home() / "in use"  # not made anew: a Java may be reading from it
    in_use.touch()
    assert archive.make_archive()
    assert (gone.exists(), in_use.exists()) == (False, True)


def test_an_environment_made_anew_has_its_own_jars_in_the_archive(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive.subprocess, "run", train)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "jars").symlink_to(cache_dir() / "jars")
    monkeypatch.setenv("LAKEHOUSE_CACHE", str(tmp_path / "cache"))
    folder = a_spark(tmp_path / "a lake", monkeypatch)
    home = archive.spark_home()
    install_again(folder)
    assert archive.make_archive()
    assert (home / "jars" / "one.jar").samefile(folder / "jars" / "one.jar")


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
