"""A large file is cut at its line ends, and what is read is what one task would have read."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse import Lakehouse, MemoryLakehouse, registry
from ecommerce_lakehouse.layers import bronze
from ecommerce_lakehouse.layers.bronze import as_they_stand, read_raw
from ecommerce_lakehouse.operations.update import update
from ecommerce_lakehouse.paths import EXAMPLE_DATA
from ecommerce_lakehouse.storage.files import Storage
from ecommerce_lakehouse.tables import read_csv
from ecommerce_lakehouse.tables.read_csv import LINE_IS_NO_ROW, read_lines

COLUMNS = ["id", "name", "price"]
HEADER = "id,name,price"
A_FEW_BYTES = {"spark.sql.files.maxPartitionBytes": "24", "spark.sql.files.openCostInBytes": "1"}


@pytest.fixture(autouse=True)
def many_tasks(spark: SparkSession) -> Iterator[None]:
    """Cut a file of a hundred bytes into five parts, most of them in the middle of a row."""
    before = {key: str(spark.conf.get(key)) for key in A_FEW_BYTES}
    for key, value in A_FEW_BYTES.items():
        spark.conf.set(key, value)
    yield
    for key, value in before.items():
        spark.conf.set(key, value)


def by_lines(spark: SparkSession, file: Path) -> DataFrame:
    lines = read_lines(spark, Storage(spark).uri(str(file)), HEADER, COLUMNS)
    return as_they_stand(lines, COLUMNS)


def rows(table: DataFrame) -> list[tuple[str | None, ...]]:
    return sorted((tuple(row) for row in table.collect()), key=str)


def written(folder: Path, text: str) -> Path:
    file = folder / "raw_orders.csv"
    file.write_bytes(text.encode())
    return file


def test_every_line_is_read_once_by_some_task(spark: SparkSession, tmp_path: Path) -> None:
    lines = [f"{number},name {number},{number}.50" for number in range(40)]
    table = by_lines(spark, written(tmp_path, "\n".join([HEADER, *lines]) + "\n"))
    assert table.rdd.getNumPartitions() > 20
    assert rows(table) == sorted(
        ((*line.split(","), "raw_orders.csv", None) for line in lines), key=str
    )


LINE = st.one_of(
    st.sampled_from([HEADER, "", " ", "1,a,2", "1,a", "1,a,2,3", '1,"a, b",2', '"1","a ""b""",""']),
    st.sampled_from(['1,"two', 'lines",2', '5" disk,1,2', '1,a"b"c,2', '"', '""', '1,"a"b,2']),
    st.text(st.sampled_from(["a", ",", '"', " ", "\r", "\ufeff", "é", "\\"]), max_size=8),
)


@given(st.lists(LINE, max_size=8), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\ufeff"]))
@example(["\ufeff", "\ufeff1,a,2"], "\n", "")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_a_file_holds_it_is_read_as_by_one_task_or_refused(
    spark: SparkSession, tmp_path: Path, lines: list[str], end: str, mark: str
) -> None:
    file = written(tmp_path, mark + end.join([HEADER, *lines, ""]))
    expected = rows(read_raw(spark, [Storage(spark).uri(str(file))], COLUMNS))
    try:
        found = rows(by_lines(spark, file))
    except (Py4JJavaError, PySparkException) as refused:
        assert LINE_IS_NO_ROW in str(refused)
        assert any(
            '"' in line or line.startswith("\ufeff") or line.strip("\r") == HEADER for line in lines
        )
    else:
        assert found == expected


@pytest.mark.parametrize(
    "text",
    [
        f'{HEADER}\n1,"two\nlines",2\n',
        f"{HEADER}\n1,a,2\n{HEADER}\n",
        '"id",name,price\n1,a,2\n',
        f'{HEADER}\r\n1,a,"2"\r\n',
    ],
    ids=["a row of two lines", "the header again", "another header", "quotes before a \\r"],
)
def test_a_line_that_may_be_no_row_stops_the_reading(
    spark: SparkSession, tmp_path: Path, text: str
) -> None:
    with pytest.raises((Py4JJavaError, PySparkException), match=LINE_IS_NO_ROW):
        by_lines(spark, written(tmp_path, text)).collect()


@pytest.mark.parametrize(
    "last",
    ["1003,1,2023-03-01,done,1.00", '1003,1,2023-03-01,"a\nb",1.00'],
    ids=["every line a row", "a row of two lines"],
)
def test_a_bronze_table_holds_the_rows_either_way(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    """Also a later delivery, and nothing is written twice where the first try is in vain."""
    data = tmp_path / "data"
    data.mkdir()
    for file in EXAMPLE_DATA.glob("raw_*.csv"):
        shutil.copy(file, data)
    orders = data / "raw_orders.csv"
    orders.write_text(orders.read_text() + last + "\n")
    expected = rows(MemoryLakehouse(spark, data).read("orders"))
    read: list[str] = []
    by_one_task: list[str] = []

    def alone(spark: SparkSession, files: list[str], columns: list[str]) -> DataFrame:
        by_one_task.extend(Path(file).name for file in files)
        return read_raw(spark, files, columns)

    def watched(spark: SparkSession, file: str, header: str, columns: list[str]) -> DataFrame:
        read.append(Path(file).name)
        return read_lines(spark, file, header, columns)

    monkeypatch.setattr(read_csv, "LARGE_FILE", 1)
    monkeypatch.setattr(read_csv, "read_lines", watched)
    monkeypatch.setattr(bronze, "read_raw", alone)
    lake = Lakehouse(spark, tmp_path / "lakehouse", data, sql_names=False)
    assert rows(lake.build("orders")) == expected
    (data / "raw_orders_2.csv").write_text(orders.read_text())
    lake = Lakehouse(spark, tmp_path / "lakehouse", data, sql_names=False)
    update(lake, "orders")
    twice = rows(lake.read("orders"))
    again = [tuple("raw_orders_2.csv" if c == "raw_orders.csv" else c for c in r) for r in expected]
    assert twice == sorted([*expected, *again], key=str)
    assert read == ["raw_orders.csv", "raw_orders_2.csv"]
    assert by_one_task == (read if "\n" in last else [])
    assert lake.folder.log(registry.get("orders")).versions() == [1, 0]
