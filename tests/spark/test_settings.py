"""Spark is set by the size of the raw files, and what its user set stays."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from ecommerce_lakehouse import ExampleLakehouse, Lakehouse, MemoryLakehouse
from ecommerce_lakehouse.paths import EXAMPLE_DATA
from ecommerce_lakehouse.spark import settings
from ecommerce_lakehouse.tables.preflight import raw_bytes

PARTITIONS = "spark.sql.shuffle.partitions"
WHOLE_STAGE = "spark.sql.codegen.wholeStage"


def sized(folder: Path, size: int) -> Path:
    """A folder whose files are of this size together."""
    folder.mkdir()
    (folder / "raw_orders.csv").write_bytes(b"0" * (size - 1))
    (folder / "raw_products.csv").write_bytes(b"0")
    return folder


@pytest.mark.parametrize(
    ("size", "partitions", "compiled"),
    [(settings.LITTLE_BYTES - 1, "1", "false"), (settings.LITTLE_BYTES, "4", "true")],
)
def test_little_data_is_interpreted_in_one_partition(
    spark: SparkSession, tmp_path: Path, size: int, partitions: str, compiled: str
) -> None:
    Lakehouse(spark, tmp_path / "lakehouse", sized(tmp_path / "raw", size))
    assert (spark.conf.get(PARTITIONS), spark.conf.get(WHOLE_STAGE)) == (partitions, compiled)


@pytest.mark.parametrize(
    ("megabytes", "partitions"), [(0, "4"), (256, "4"), (257, "5"), (6_000, "94")]
)
def test_much_data_is_sorted_piece_by_piece(megabytes: int, partitions: str) -> None:
    assert settings.settings_for(megabytes * 2**20, cores=2)[PARTITIONS] == partitions


def test_much_data_is_read_by_several_tasks_a_core(spark: SparkSession, tmp_path: Path) -> None:
    """Files of 100 MB: two tasks of 64 and 36 MB would leave one of two cores idle for a while."""
    cores = spark.sparkContext.defaultParallelism
    Lakehouse(spark, tmp_path / "lakehouse", sized(tmp_path / "raw", settings.LITTLE_BYTES))
    (tmp_path / "lines").write_bytes(b"a line of text\n" * (100 * 2**20 // 15))
    assert spark.read.text(str(tmp_path / "lines")).rdd.getNumPartitions() >= 4 * cores


@pytest.mark.parametrize(
    ("megabytes", "machine_gb", "memory"),
    [(0, 24, "1g"), (256, 24, "1g"), (257, 24, "2g"), (100_000, 24, "4g"), (100_000, 4, "2g")],
)
def test_much_data_has_more_memory_but_not_more_than_half(
    megabytes: int, machine_gb: int, memory: str
) -> None:
    assert settings.memory_for(megabytes * 2**20, machine_gb * 2**30) == memory


@pytest.mark.parametrize(
    ("size", "memory"), [(settings.LITTLE_BYTES - 1, "600m"), (settings.LITTLE_BYTES, "1g")]
)
def test_little_data_has_less_memory(size: int, memory: str) -> None:
    assert settings.memory_for(size, 24 * 2**30) == memory


def test_a_run_measures_its_raw_files_before_java_starts(tmp_path: Path) -> None:
    (tmp_path / "next").mkdir()
    assert raw_bytes(str(sized(tmp_path / "raw", 1000))) == 1000
    assert raw_bytes(str(tmp_path)) == 0
    assert raw_bytes("s3a://bucket/raw") == 0


def test_a_folder_without_files_is_no_reason_to_call_the_data_little(
    spark: SparkSession, tmp_path: Path
) -> None:
    """The tables may be large though their raw files were put away."""
    Lakehouse(spark, tmp_path / "lakehouse", tmp_path / "put away")
    assert spark.conf.get(PARTITIONS) == "4"


def test_what_the_user_set_stays(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = spark.sparkContext.getConf().set(PARTITIONS, "48")
    monkeypatch.setattr(spark.sparkContext, "getConf", lambda: given)
    spark.conf.set(PARTITIONS, "48")
    Lakehouse(spark, tmp_path / "lakehouse", EXAMPLE_DATA)
    assert (spark.conf.get(PARTITIONS), spark.conf.get(WHOLE_STAGE)) == ("48", "false")


def test_a_session_is_set_for_the_largest_lakehouse_whatever_the_order(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Every lesson opens the example right after the shop."""
    large = sized(tmp_path / "large", 5 * settings.PARTITION_BYTES)
    small = sized(tmp_path / "small", 1000)
    Lakehouse(spark, tmp_path / "first", large, sql_names=False)
    Lakehouse(spark, tmp_path / "second", small, sql_names=False)
    ExampleLakehouse(spark)
    assert (spark.conf.get(PARTITIONS), spark.conf.get(WHOLE_STAGE)) == ("5", "true")
    larger = sized(tmp_path / "larger", 6 * settings.PARTITION_BYTES)
    Lakehouse(spark, tmp_path / "third", larger, sql_names=False)
    assert spark.conf.get(PARTITIONS) == "6"


def test_a_lakehouse_in_memory_sets_nothing(spark: SparkSession, tmp_path: Path) -> None:
    MemoryLakehouse(spark, sized(tmp_path / "large", 5 * settings.PARTITION_BYTES))
    assert spark.conf.get(PARTITIONS) == "1"


def test_a_command_on_tables_alone_does_not_take_them_for_little(
    spark: SparkSession, tmp_path: Path
) -> None:
    """The raw files of the project's own shop say nothing of a lakehouse elsewhere."""
    Lakehouse(spark, tmp_path / "lakehouse", None, sql_names=False)
    assert spark.conf.get(PARTITIONS) == "4"
