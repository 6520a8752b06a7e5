"""Every byte of a raw file is looked at before Spark reads it: no row is lost to a quirk."""

import os
import socket
import zlib
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import pytest
from deliveries import COLUMNS, MOUSE, a_few, csv_file, deliver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from ecommerce_lakehouse import MemoryLakehouse
from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.operations.build import build_layers
from ecommerce_lakehouse.storage.files import LocalFiles, Storage
from ecommerce_lakehouse.tables import scan as module
from ecommerce_lakehouse.tables.preflight import check_data
from ecommerce_lakehouse.tables.raw_files import find_misnamed
from ecommerce_lakehouse.tables.scan import scan, warn_of_swallowed_rows

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
        pytest.param(
            orders(HEADER, *ROWS[:2], *(row.replace("\n", "\r") for row in ROWS[2:6])),
            "the rows from line 4 on do not end in LF or CRLF",
            id="rows of another system",
        ),
        pytest.param(
            orders(
                HEADER, '1,1,2024-06-01,"a\r\nb",4.90\r\n2,1,2024-06-01,x,4.90\r3,1,2024-06-01,y,1'
            ),
            "the rows from line 4 on do not end in LF or CRLF",
            id="one row of another system",
        ),
    ],
)
@pytest.mark.parametrize("name", ["raw_orders.csv", "raw_orders_2.csv"])
def test_a_file_that_spark_would_misread_is_refused_with_its_line(
    tmp_path: Path, content: bytes, said: str, name: str
) -> None:
    """Before Java starts, so that nothing is written."""
    file = a_few(tmp_path / "data") / name
    file.write_bytes(content)
    with pytest.raises(InputError) as refused:
        check_data(str(tmp_path / "data"), str(tmp_path / "lake"))
    assert refused.value.message == f"{file}: {said}.\nNothing was written."
    assert ("UTF-8" in said) == ("It may be Windows-1252" in refused.value.remedy)
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
    module._scans.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", chunk)
        try:
            scan(LocalFiles(), str(file))
        except InputError:
            return False
    content.decode()
    return True


def test_its_state_is_that_of_the_same_file_by_uri(spark: SparkSession, tmp_path: Path) -> None:
    file = a_few(tmp_path / "data", orders=["1,1,2024-06-01,completed,4.90"]) / "raw_orders.csv"
    found = file.stat()
    looks = f"{found.st_size} bytes, {found.st_mtime_ns // 1_000_000}, "
    state = f"{looks}{zlib.crc32(file.read_bytes()):08x}"
    assert scan(LocalFiles(), str(file)) == state
    assert scan(Storage(spark), file.as_uri()) == state


def test_a_file_of_a_uri_is_looked_at_too(spark: SparkSession, tmp_path: Path) -> None:
    data = a_few(tmp_path / "data", orders=["1,1,2024-06-01,completed,4.90"])
    (data / "raw_orders_2.csv").write_bytes(orders(HEADER, '1,1,2024-06-01,"comp,4.90\n'))
    with pytest.raises(InputError, match="a quote that opens in line 2 is never closed"):
        MemoryLakehouse(spark, data.as_uri()).read("orders")


@pytest.mark.parametrize("full_refresh", [False, True])
def test_no_table_is_written_for_a_uri_of_which_one_file_is_wrong(
    spark: SparkSession, tmp_path: Path, full_refresh: bool
) -> None:
    """Only Spark can look there, so the session is up by then."""
    data = a_few(tmp_path / "data", products=["1,Mug,Kitchen,2.00,5.00", '2,"Pen,Office,0.50,1.00'])
    with pytest.raises(InputError, match="a quote that opens in line 3 is never closed"):
        build_layers(
            ["bronze"],
            full_refresh=full_refresh,
            data_dir=data.as_uri(),
            lakehouse_dir=str(tmp_path / "lake"),
        )
    assert not (tmp_path / "lake" / "bronze").exists()


THREE = '2,"Thing 2,Cat 2,2.00,6.50\n3,Thing 3,Cat 2,3.00,7.50\n4,Thing 4",Cat 2,4.00,12.50'


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([MOUSE, THREE, MOUSE], 3),
        ([THREE.replace("\n", "\r\n")], 2),
        ([MOUSE, '2,"a\n7,b,c,1.00,2.00\nd",Cat,1.00,2.00'], 3),
        ([MOUSE, '2,"Size:\n3, 4 and 5",Cat,1.00,2.00'], None),
        ([MOUSE, '2,"One\n2024, a year\nThree",Cat,1.00,2.00'], None),
        ([MOUSE, '2,"a\nb\r7,x,y,1.00,2.00\nc",Cat,1.00,2.00'], None),
        ([MOUSE, '2,"says ""hi""",Cat,1.00,2.00', MOUSE], None),
    ],
)
@pytest.mark.parametrize("without_end", [False, True])
@pytest.mark.parametrize("chunk", [7, 1 << 20])
def test_a_text_that_looks_as_if_it_held_rows_is_named(
    tmp_path: Path,
    rows: list[str],
    line: int | None,
    without_end: bool,
    chunk: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is legal, so it is kept."""
    monkeypatch.setattr(module, "CHUNK", chunk)
    file = str(a_few(tmp_path, products=rows) / "raw_products.csv")
    if without_end:
        Path(file).write_bytes(Path(file).read_bytes().rstrip(b"\r\n"))
    scan(LocalFiles(), file)
    said = warn_of_swallowed_rows(LocalFiles(), file)
    assert (f"raw_products.csv: the quoted text that begins in line {line} " in said) == bool(line)
    assert bool(said) == bool(line)


def test_a_quote_that_never_closes_is_found_without_reading_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 100)
    monkeypatch.setattr(module, "LONGEST_ROW", 1000)
    file = a_few(tmp_path) / "raw_orders.csv"
    file.write_bytes(orders(HEADER, *ROWS[:7], '8,1,2024-06-01,"comp,4.90\n', *ROWS))
    with pytest.raises(InputError, match="the row that begins in line 9 is longer than"):
        scan(LocalFiles(), str(file))


@pytest.mark.parametrize(
    ("header", "wrong", "helps"),
    [
        (HEADER[:-1] + ",", "column 6 has no name: a comma too many", "Remove it."),
        (HEADER[:-1] + ",,", "column 6 has no name: a comma too many", "Remove it."),
        (
            "\ufeff\ufeff" + HEADER[:-1],
            'column 1 is "order_id" with a character in it that is not seen: '
            "ZERO WIDTH NO-BREAK SPACE",
            "The first line must be:",
        ),
        (
            HEADER[:-1].replace("status", "sta\u200btus"),
            'column 4 is "status" with a character in it that is not seen: ZERO WIDTH SPACE',
            "The first line must be:",
        ),
        (
            HEADER[:-1].replace("status", "\xa0status"),
            'column 4 is "status" with a character in it that is not seen: NO-BREAK SPACE',
            "The first line must be:",
        ),
        (HEADER[:-1] + ",coupon", 'column 6 is "coupon", expected no more', "--evolve"),
    ],
)
def test_a_header_is_told_what_is_wrong_with_it(
    tmp_path: Path, header: str, wrong: str, helps: str
) -> None:
    data = a_few(tmp_path / "data")
    (data / "raw_orders.csv").write_text(header + "\n", encoding="utf-8")
    with pytest.raises(InputError) as refused:
        check_data(str(data), str(tmp_path / "lake"))
    assert f": {wrong}." in refused.value.message
    assert helps in refused.value.remedy
    assert ("--evolve" in refused.value.remedy) == (helps == "--evolve")


@pytest.mark.parametrize(
    ("name", "good"),
    [
        (b"raw_orders_2024-07-01T10:00.csv", "raw_orders_2024-07-01T10-00.csv"),
        (b"raw_orders_\xfc.csv", "raw_orders_-.csv"),
        (b"raw_orders_a\nb.csv", "raw_orders_a-b.csv"),
    ],
)
def test_a_name_that_java_cannot_read_is_refused_before_it_starts(
    tmp_path: Path, name: bytes, good: str
) -> None:
    data = a_few(tmp_path / "data")
    Path(os.fsdecode(os.fsencode(data) + b"/" + name)).write_text(HEADER)
    with pytest.raises(InputError, match="has a letter in its name") as refused:
        check_data(str(data), str(tmp_path / "lake"))
    assert refused.value.remedy.endswith(f"  {good}")
    str(refused.value).encode("utf-8")


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as here, chdir(path.parent):  # a long path does not fit
        here.bind(path.name)


@pytest.mark.parametrize(
    "make",
    [os.mkfifo, os.mkdir, make_socket, lambda path: path.symlink_to("nowhere.csv")],
    ids=["pipe", "folder", "socket", "dangling link"],
)
def test_what_is_no_file_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """To read a pipe would wait for somebody who writes."""
    make(a_few(tmp_path / "data") / "raw_orders_2.csv")
    with pytest.raises(InputError, match=r"raw_orders_2\.csv cannot be read \(it is no file\)"):
        check_data(str(tmp_path / "data"), str(tmp_path / "lake"))


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
        ("raw_order-items.csv", "raw_order_items_2.csv"),
        ("raw_orders_2024-08.csv.txt", "raw_orders_2024-08.csv"),
        ("raw_orders_2024-08.csv ", "raw_orders_2024-08.csv"),
        ("raw_orders_2024-08.csv.bz2", "raw_orders_2024-08.csv (unpacked)"),
        ("raw_orders_2024-08.tsv", "raw_orders_2024-08.csv"),
        ("raw__orders_2024-08.csv", "raw_orders_2024-08.csv"),
        ("raw_orders_.csv", "raw_orders_2.csv"),
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


def test_no_name_is_advised_that_another_file_has(tmp_path: Path) -> None:
    data = a_few(tmp_path)
    deliver(data, "2", {"orders": []})
    (data / "raw_orders_.csv").touch()
    (told,) = find_misnamed(LocalFiles(), str(data))
    assert told.endswith("  raw_orders_2_2.csv")
