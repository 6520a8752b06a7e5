"""Whatever a file holds: no row is lost, and both implementations say the same about it."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from deliveries import any_files, write_files
from hypothesis import HealthCheck, given, settings
from oracle.agree import assert_agrees
from oracle.raw import COLUMNS
from pyspark.sql import SparkSession

from ecommerce_lakehouse import MemoryLakehouse, registry
from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.layers import bronze
from ecommerce_lakehouse.spark.causes import cause_of
from ecommerce_lakehouse.spark.stop import SPARK_ERRORS

AS_OF = date(2024, 6, 30)


@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(files=any_files())
def test_no_row_is_lost_and_the_oracle_agrees(spark: SparkSession, files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        lake = MemoryLakehouse(spark, folder, AS_OF)
        names = [table.full_name for table in registry.tables()]
        assert_agrees(
            lambda name: lake.read(name.partition(".")[2]).toArrow(), names, Path(folder), AS_OF
        )
        for entity in COLUMNS:
            rejected = lake.read("quarantine").where(f"source_table = '{entity}'").count()
            assert lake.read(entity).count() == lake.read(f"stg_{entity}").count() + rejected


def test_files_with_headers_only_make_empty_tables(spark: SparkSession, tmp_path: Path) -> None:
    lake = MemoryLakehouse(spark, write_files(tmp_path), AS_OF)
    for table in registry.tables():
        assert lake.read(table.name).isEmpty(), table.name


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "raw_orders.csv"),
        ("\n\n", "raw_orders.csv"),
        ("order_id;customer_id;order_date;status;shipping_cost\n", "raw_orders.csv"),
        ("1,1,2024-01-05,completed,5.99\n", "raw_orders.csv"),
    ],
    ids=["empty", "blank lines", "semicolons", "no header"],
)
def test_a_file_that_is_no_such_file_is_one_clear_message(
    spark: SparkSession, tmp_path: Path, content: str, said: str
) -> None:
    folder = write_files(tmp_path, orders=content)
    with pytest.raises(InputError, match=said) as refused:
        MemoryLakehouse(spark, folder, AS_OF).read("orders")
    told: Any = str(refused.value)
    assert "order_id,customer_id,order_date,status,shipping_cost" in told


@pytest.mark.parametrize("fields", [16_384, 30_000, 300_000])
def test_a_row_of_any_number_of_fields_is_quarantined(
    spark: SparkSession, tmp_path: Path, fields: int
) -> None:
    long = "1,1,2024-01-05,completed,5.99" + "," * fields
    header = ",".join(COLUMNS["orders"])
    folder = write_files(tmp_path, orders=f"{header}\n{long}\n2,1,2024-01-05,completed,5.99\n")
    lake = MemoryLakehouse(spark, folder, AS_OF)
    assert [row.order_id for row in lake.read("stg_orders").collect()] == [2]
    assert [row.reason for row in lake.read("quarantine").collect()] == ["corrupt_row"]


def test_a_row_of_more_fields_than_spark_reads_is_told_in_words(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A million, in truth."""
    monkeypatch.setattr(bronze, "MAX_COLUMNS", 30)
    row = "1,1,2024-01-05,completed,5.99" + "," * 40
    folder = write_files(tmp_path, orders=f"{','.join(COLUMNS['orders'])}\n{row}\n")
    with pytest.raises(SPARK_ERRORS) as stopped:
        MemoryLakehouse(spark, folder, AS_OF).read("orders").collect()
    assert "more than a million fields" in str(cause_of(stopped.value))
