"""Data folders for tests, what is delivered to them later, and the lakehouses made from them."""

import csv
import io
import shutil
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from oracle.raw import COLUMNS
from pyspark.sql import SparkSession

from ecommerce_lakehouse import Lakehouse
from ecommerce_lakehouse.operations import Gate
from ecommerce_lakehouse.paths import EXAMPLE_DATA

JULY = date(2023, 7, 31)

ANN, BEN = "1,ann@shop.com,Ann,Lee,US,2023-01-01", "2,ben@shop.com,Ben,Lee,US,2023-01-02"
CID = "3,cid@shop.com,Cid,Lee,US,2023-01-03"
MOUSE = "1,Mouse,Accessories,5.00,9.99"

SEPTEMBER = {
    "orders": [
        "1004,3,2023-04-10,returned,5.99",  # was completed
        "1006,2,2023-05-25,completed,7.99",  # as it was
        "1008,5,2023-06-15,completed,5.99",  # was customer 3's
        "1011,6,2023-07-25,completed,5.99",  # of a customer who is not here yet
        "1012,1,2023-08-02,completed,5.99",  # after the day we look back from
        "1013,1,2023-07-32,completed,5.99",  # on no day
    ],
    "order_items": [
        "8,1008,103,-2,19.99",  # no correction: nobody buys -2
        "9,1009,103,1,29.99",  # was product 101
        "11,1011,102,1,49.99",
        "12,1012,106,1,10.00",  # of a product that is not here yet
    ],
}

AUGUST = {
    "customers": [
        "2,jane@smith.com,Jane,Smith,UK,2023-02-20",  # has a new address
        "6,fay@shop.com,Fay,Lee,US,2023-07-01",
    ],
    "orders": [
        "1004,3,2023-04-10,pending,5.99",  # September knows better
        "1009,5,2023-07-01,cancelled,5.99",  # was completed
    ],
    "products": ["106,Mouse Pad,Accessories,4.00,10.00"],
}


def open_lake(
    spark: SparkSession, folder: Path, day: date | None = JULY, **options: Any
) -> Lakehouse:
    """The lakehouse of programs in `folder/lake`, made from `folder/data`."""
    options = {"sql_names": False, "gate": Gate(), **options}
    return Lakehouse(spark, folder / "lake", folder / "data", day, **options)


def a_few(folder: Path, **files: list[str]) -> Path:
    """A data folder with these rows: of an entity, or of a delivery such as `orders_2`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in [*COLUMNS, *(set(files) - set(COLUMNS))]:
        entity = max((each for each in COLUMNS if name.startswith(each)), key=len)
        text = "\n".join([",".join(COLUMNS[entity]), *files.get(name, [])])
        (folder / f"raw_{name}.csv").write_text(text + "\n", encoding="utf-8")
    return folder


def deliver(data: Path, name: str, rows: dict[str, list[str]]) -> None:
    """Put later files beside those of a data folder."""
    for entity, lines in rows.items():
        text = "\n".join([",".join(COLUMNS[entity]), *lines])
        (data / f"raw_{entity}_{name}.csv").write_text(text + "\n", encoding="utf-8")


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
def any_files(draw: st.DrawFn) -> dict[str, bytes]:
    """The four files, and sometimes later ones that repeat their keys."""
    files = {f"raw_{entity}.csv": draw(csv_file(entity)) for entity in COLUMNS}
    for entity in COLUMNS:
        if draw(st.booleans()):
            files[f"raw_{entity}_2024-07.csv"] = draw(csv_file(entity))
    return files


def write_files(folder: Path, **texts: str) -> Path:
    """A data folder of headers only, but for the files whose whole text is given."""
    for entity, columns in COLUMNS.items():
        text = texts.get(entity, ",".join(columns) + "\n")
        (folder / f"raw_{entity}.csv").write_text(text, encoding="utf-8")
    return folder


def copy_example(folder: Path) -> Path:
    """The example's four files, to be changed."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in EXAMPLE_DATA.glob("raw_*.csv"):
        shutil.copy(file, folder)
    return folder
