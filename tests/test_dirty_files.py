"""Whatever a file holds: no row is lost, and both implementations say the same about it."""

import csv
import io
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle.agree import assert_agrees
from oracle.raw import COLUMNS
from pyspark.sql import SparkSession

from ecommerce_lakehouse import MemoryLakehouse, registry
from ecommerce_lakehouse.errors import InputError

AS_OF = date(2024, 6, 30)
IDS = ["1", "2", "3", "4", "5", " 2 ", "007", "-1", "0", "9223372036854775807"]
BAD_IDS = ["9223372036854775808", "1.0", "1e3", "x", "", "  ", "+1", "½"]
DAYS = ["2024-01-05", "2024-06-30", "2024-07-01", "2023-12-31", "1900-01-01", "9999-12-31"]
BAD_DAYS = ["2024-02-30", "2023-02-29", "0000-00-00", "20240105", "2024-1-5", "05.01.2024", ""]
MONEY = ["0", "0.00", "5.99", "19.995", "0.005", " 5 ", "007.10", "99999999.99"]
BAD_MONEY = [
    "99999999.995",
    "100000000",
    "-1",
    "-0.01",
    "1e3",
    ".5",
    "5.",
    "1,5",
    "free",
    "NaN",
    "",
]
COUNTS = ["1", "2", "10", " 3 ", "2147483647"]
BAD_COUNTS = ["0", "-3", "1.5", "2147483648", "two", ""]
STATUSES = [
    "completed",
    "completed",
    "Completed ",
    " COMPLETED",
    "pending",
    "cancelled",
    "returned",
]
EMAILS = ["a@b.com", "A@B.COM", " c@d.org ", "a@b", "a b@c.de", "@", "", "żółw@łódź.pl"]
LETTERS = st.text(
    st.sampled_from(
        ["a", "B", " ", ",", '"', "'", "\n", "\t", "\\", "é", "ñ", "日", "🛒", ";", "=", "0"]
    ),
    max_size=6,
)


def mostly(good: list[str], bad: list[str]) -> st.SearchStrategy[str]:
    """A good value four times out of five."""
    return st.one_of(*[st.sampled_from(good)] * 4, st.sampled_from(bad))


TEXT = st.one_of(LETTERS, st.sampled_from(["", "John", "de la cruz", "OLD NAME", "z" * 300]))
FIELDS: dict[str, st.SearchStrategy[str]] = {
    **dict.fromkeys(
        ("customer_id", "order_id", "order_item_id", "product_id"), mostly(IDS, BAD_IDS)
    ),
    **dict.fromkeys(("created_at", "order_date"), mostly(DAYS, BAD_DAYS)),
    **dict.fromkeys(
        ("shipping_cost", "unit_price", "cost_price", "list_price"), mostly(MONEY, BAD_MONEY)
    ),
    "quantity": mostly(COUNTS, BAD_COUNTS),
    "status": st.one_of(st.sampled_from(STATUSES), LETTERS),
    "email": st.sampled_from(EMAILS),
    **dict.fromkeys(("first_name", "last_name", "country", "product_name", "category"), TEXT),
}


@st.composite
def csv_file(draw: st.DrawFn, entity: str) -> bytes:
    """A file with a right header and rows of every kind, written in one of the usual ways."""
    columns = COLUMNS[entity]
    rows = draw(st.lists(st.tuples(*[FIELDS[name] for name in columns]), max_size=25))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = io.StringIO(newline="")
    quoting: Any = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    csv.writer(text, lineterminator=end).writerow(columns)
    for row in rows:
        ragged = draw(st.sampled_from([0] * 12 + [-1, 1, -2]))
        fields = [*row, "extra"] if ragged > 0 else list(row[: len(row) + ragged])
        csv.writer(text, lineterminator=end, quoting=quoting).writerow(fields)
        if draw(st.integers(0, 15)) == 0:
            text.write(end)
    content = text.getvalue()
    if draw(st.booleans()):
        content = content.removesuffix(end)
    mark = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"]))
    return mark + content.encode("utf-8")


@st.composite
def deliveries(draw: st.DrawFn) -> dict[str, bytes]:
    """The four files, and sometimes later ones that repeat their keys."""
    files = {f"raw_{entity}.csv": draw(csv_file(entity)) for entity in COLUMNS}
    for entity in COLUMNS:
        if draw(st.booleans()):
            files[f"raw_{entity}_2024-07.csv"] = draw(csv_file(entity))
    return files


@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(files=deliveries())
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


def write_example(folder: Path, **changed: str) -> Path:
    """Header-only files, but for those that are given."""
    for entity, columns in COLUMNS.items():
        text = changed.get(entity, ",".join(columns) + "\n")
        (folder / f"raw_{entity}.csv").write_text(text, encoding="utf-8")
    return folder


def test_files_with_headers_only_make_empty_tables(spark: SparkSession, tmp_path: Path) -> None:
    lake = MemoryLakehouse(spark, write_example(tmp_path), AS_OF)
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
    folder = write_example(tmp_path, orders=content)
    with pytest.raises(InputError, match=said) as refused:
        MemoryLakehouse(spark, folder, AS_OF).read("orders")
    told: Any = str(refused.value)
    assert "order_id,customer_id,order_date,status,shipping_cost" in told
