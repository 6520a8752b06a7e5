"""Every byte of a raw file is looked at before Spark reads it: no row is lost to a quirk."""

from pathlib import Path

import pytest
from deliveries import COLUMNS, a_few, csv_file, deliver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from ecommerce_lakehouse import MemoryLakehouse
from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.storage.files import LocalFiles, Storage
from ecommerce_lakehouse.tables import scan as module
from ecommerce_lakehouse.tables.preflight import check_data
from ecommerce_lakehouse.tables.raw_files import find_misnamed
from ecommerce_lakehouse.tables.scan import scan

HEADER = ",".join(COLUMNS["orders"]) + "\n"
ROWS = [f"{number},1,2024-06-01,completed,4.90\n" for number in range(1, 2101)]
FEW = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def orders(*lines: str) -> bytes:
    return "".join(lines).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(
            orders(HEADER.replace("shipping", '"shipping'), *ROWS[:20]),
            "a quote that opens in line 1 is never closed",
            id="a header that opens a quote",
        ),
        pytest.param(
            orders(HEADER.replace("shipping", '"shipping'), '1,1,2024-06-01,"completed",4.90\n'),
            "a quote that opens in line 1 is never closed",
            id="a header whose quote a row closes",
        ),
        pytest.param(
            orders(HEADER, *ROWS[:499], '500,1,2024-06-01,completed,"4.90\n', *ROWS[500:]),
            "a quote that opens in line 501 is never closed",
            id="a price that opens a quote",
        ),
        pytest.param(
            orders(HEADER, '1,1,"2024\n-06",completed,4.90\n2,1,2024-06-01,"comp'),
            "a quote that opens in line 4 is never closed",
            id="after a row of two lines",
        ),
        pytest.param(
            orders(HEADER, *ROWS[:2]) + "3,1,2024-06-01,erledigt für heute,4.90\n".encode("cp1252"),
            "line 4 is not UTF-8 text",
            id="Windows-1252",
        ),
        pytest.param(
            orders(HEADER) + b"1,1,2024-06-01,\xc3", "line 2 is not UTF-8 text", id="half a letter"
        ),
    ],
)
def test_a_file_that_spark_would_misread_is_refused_with_its_line(
    tmp_path: Path, content: bytes, said: str
) -> None:
    """Before Java starts, so that nothing is written."""
    file = a_few(tmp_path / "data") / "raw_orders_2.csv"
    file.write_bytes(content)
    with pytest.raises(InputError) as refused:
        check_data(str(tmp_path / "data"), str(tmp_path / "lake"))
    assert refused.value.message == f"{file}: {said}.\nNothing was written."
    assert not (tmp_path / "lake").exists()


def test_a_lesson_refuses_it_too(spark: SparkSession, tmp_path: Path) -> None:
    """It does not pass by the command's checks."""
    data = a_few(tmp_path / "data", orders=["1,1,2024-06-01,Müller,4.90"])
    file = data / "raw_orders.csv"
    file.write_bytes(file.read_text("utf-8").encode("cp1252"))
    with pytest.raises(InputError, match="line 2 is not UTF-8 text"):
        MemoryLakehouse(spark, data).read("orders")


@FEW
@given(content=st.sampled_from(list(COLUMNS)).flatmap(csv_file), chunk=st.integers(1, 40))
def test_whatever_a_writer_of_csv_wrote_is_right(
    tmp_path: Path, content: bytes, chunk: int
) -> None:
    """However the file is cut into pieces while it is looked at."""
    assert is_right(tmp_path, content, chunk)


@FEW
@given(
    content=st.one_of(
        st.binary(max_size=40),
        st.text(st.sampled_from(list('",\n\r a1é')), max_size=30).map(str.encode),
    ),
    chunk=st.integers(1, 8),
)
def test_any_bytes_are_right_or_refused_however_they_are_cut(
    tmp_path: Path, content: bytes, chunk: int
) -> None:
    assert is_right(tmp_path, content, chunk) == is_right(tmp_path, content, 1 << 20)


def is_right(folder: Path, content: bytes, chunk: int) -> bool:
    """Whether bytes are a file of UTF-8 that does not end inside quotes."""
    file = folder / "raw.csv"
    file.write_bytes(content)
    module._checksum.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", chunk)
        try:
            scan(str(file))
        except InputError:
            return False
    content.decode()
    return True


def test_its_state_is_the_one_that_older_tables_know(spark: SparkSession, tmp_path: Path) -> None:
    """They were told by Java: the same size, time and checksum."""
    file = a_few(tmp_path / "data", orders=["1,1,2024-06-01,completed,4.90"]) / "raw_orders.csv"
    assert scan(str(file)) == Storage(spark).state(str(file))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("raw_orders_2024-08.CSV", "raw_orders_2024-08.csv"),
        ("raw_orders (1).csv", "raw_orders_1.csv"),
        ("raw_orders_2024-08.csv.gz", "raw_orders_2024-08.csv (unpacked)"),
        ("RAW_ORDERS_2024-08.csv", "raw_orders_2024-08.csv"),
        ("raw_orders-2024-08.csv", "raw_orders_2024-08.csv"),
        ("raw_order_2024-08.csv", "raw_orders_2024-08.csv"),
        ("raw_orders2024-12.csv", "raw_orders_2024-12.csv"),
        ("raw_order-items.csv", "raw_order_items.csv"),
        ("raw_orders.csv.bak", None),
        ("orders_2024-08.csv", None),
        ("notes.txt", None),
    ],
)
def test_a_file_whose_name_is_nearly_right_is_named(
    tmp_path: Path, name: str, wanted: str | None
) -> None:
    data = a_few(tmp_path)
    deliver(data, "2024-07", {"orders": []})
    (data / name).write_text("")
    told = [f"{name} is not read. Its name would have to be:  {wanted}"] if wanted else []
    assert find_misnamed(LocalFiles(), str(data)) == told
