"""Raw files as they are: nothing guessed, nothing lost, nothing repaired."""

from pathlib import Path

import pytest
from builders import by_key, frame
from pyspark.sql import DataFrame, SparkSession
from pyspark.testing import assertSchemaEqual

from ecommerce_lakehouse.layers import bronze
from ecommerce_lakehouse.layers.bronze import RAW_COLUMNS, read_raw
from ecommerce_lakehouse.storage.files import Storage

COLUMNS = ["id", "name", "price"]


def read(spark: SparkSession, folder: Path, **files: str | bytes) -> DataFrame:
    """Writes `id,name,price` files and reads them."""
    paths = []
    for name, content in files.items():
        path = folder / f"{name}.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(Storage(spark).uri(str(path)))
    return read_raw(spark, paths, COLUMNS)


def lines(table: DataFrame) -> list[tuple[str | None, ...]]:
    """The rows without their file, in the order of the file."""
    return [tuple(row) for row in table.select(*COLUMNS, "_corrupt_record").collect()]


def test_text_is_kept_exactly_as_it_stands(spark: SparkSession, tmp_path: Path) -> None:
    """Spaces, zeros, cases and what looks like a number, a date or NULL: all of it is text."""
    text = (
        "id,name,price\n 007 ,\tJoHN  ,1.50\nNULL,NaN,null\n#1,a\\n,-\nid,name,price\n1,'x',5\"\n"
    )
    assert lines(read(spark, tmp_path, raw=text)) == [
        (" 007 ", "\tJoHN  ", "1.50", None),
        ("NULL", "NaN", "null", None),
        ("#1", "a\\n", "-", None),
        ("id", "name", "price", None),
        ("1", "'x'", '5"', None),
    ]


def test_an_empty_field_is_null(spark: SparkSession, tmp_path: Path) -> None:
    """Empty, or empty between quotes; a space is not empty, and a row of commas is a row."""
    text = 'id,name,price\n1,,\n"","",""\n, ,2\n,,\n'
    assert lines(read(spark, tmp_path, raw=text)) == [
        ("1", None, None, None),
        (None, None, None, None),
        (None, " ", "2", None),
        (None, None, None, None),
    ]


def test_a_quoted_field_holds_commas_quotes_and_line_breaks(
    spark: SparkSession, tmp_path: Path
) -> None:
    """RFC 4180: one row, not three, and a line break stays the one it was."""
    text = 'id,name,price\n1,"A ""good"", long\nname",2\n2,"\r\n\r\n",3\n3,"last","x\n"\n'
    assert lines(read(spark, tmp_path, raw=text)) == [
        ("1", 'A "good", long\nname', "2", None),
        ("2", "\r\n\r\n", "3", None),
        ("3", "last", "x\n", None),
    ]


def test_a_byte_order_mark_is_not_data(spark: SparkSession, tmp_path: Path) -> None:
    """Neither in the first row of a file nor in that of the next one."""
    text = "\ufeffid,name,price\n1,Zoë,2\n"
    assert lines(read(spark, tmp_path, a=text, b=text)) == [("1", "Zoë", "2", None)] * 2


def test_line_ends_are_not_data(spark: SparkSession, tmp_path: Path) -> None:
    """CRLF leaves nothing in the last field, and none after the last row loses nothing."""
    text = 'id,name,price\r\n1,a,2\r\n2,b,\r\n3,c,"4"\r\n5,d,6'
    assert lines(read(spark, tmp_path, raw=text)) == [
        ("1", "a", "2", None),
        ("2", "b", None, None),
        ("3", "c", "4", None),
        ("5", "d", "6", None),
    ]


@pytest.mark.xfail(
    strict=True, reason="the carriage return of a quoted last field is taken for a line end"
)
def test_a_carriage_return_between_quotes_is_data(spark: SparkSession, tmp_path: Path) -> None:
    """Even right before the end of the line."""
    text = 'id,name,price\n1,"\r","2\r"\n'
    assert lines(read(spark, tmp_path, raw=text)) == [("1", "\r", "2\r", None)]


def test_a_blank_line_is_not_a_row(spark: SparkSession, tmp_path: Path) -> None:
    """Before, between and after the rows, with either line end."""
    assert lines(read(spark, tmp_path, lf="id,name,price\n\n1,a,2\n\n\n2,b,3\n\n")) == [
        ("1", "a", "2", None),
        ("2", "b", "3", None),
    ]
    crlf = "id,name,price\r\n\r\n1,a,2\r\n\r\n2,b,3\r\n\r\n"
    assert lines(read(spark, tmp_path, crlf=crlf)) == [
        ("1", "a", "2", None),
        ("2", "b", "3", None),
    ]


def test_a_row_of_another_length_is_kept_whole(spark: SparkSession, tmp_path: Path) -> None:
    """Too few or too many fields: the line as it stood, the fields as far as they go."""
    text = 'id,name,price\n1,a\n2,b,3,more\n4\n5,"two\nlines"\n6,c,7\n'
    assert lines(read(spark, tmp_path, raw=text)) == [
        ("1", "a", None, "1,a"),
        ("2", "b", "3", "2,b,3,more"),
        ("4", None, None, "4"),
        ("5", "two\nlines", None, '5,"two\nlines"'),
        ("6", "c", "7", None),
    ]


def test_a_corrupt_line_ends_before_its_line_end(spark: SparkSession, tmp_path: Path) -> None:
    """The last field of a short row loses its carriage return too."""
    text = "id,name,price\r\n1,a\r\n2,b,3,more\r\n"
    assert lines(read(spark, tmp_path, raw=text)) == [
        ("1", "a", None, "1,a"),
        ("2", "b", "3", "2,b,3,more"),
    ]


def test_every_row_names_its_file(spark: SparkSession, tmp_path: Path) -> None:
    """The base name, as people wrote it."""
    names = ["raw_orders", "raw_orders_a+b", "raw_orders_ü"]
    table = read(spark, tmp_path, **{name: f"id,name,price\n{name},,\n" for name in names})
    assert by_key(table, "id", "_source_file") == {name: f"{name}.csv" for name in names}


def test_a_space_or_a_percent_sign_in_a_file_name(spark: SparkSession, tmp_path: Path) -> None:
    """Nothing of a name is changed to fit into a URL."""
    names = ["raw_orders_a b", "raw_orders_50%"]
    table = read(spark, tmp_path, **{name: f"id,name,price\n{name},,\n" for name in names})
    assert by_key(table, "id", "_source_file") == {name: f"{name}.csv" for name in names}


def test_no_row_of_any_file_is_lost_or_added(spark: SparkSession, tmp_path: Path) -> None:
    """Equal rows are rows, within a file and in two; a file of a header alone has none."""
    table = read(
        spark,
        tmp_path,
        first="id,name,price\n1,a,2\n1,a,2\nx\n",
        second="id,name,price\n1,a,2\n",
        empty="id,name,price\n",
    )
    rows = lines(table)
    assert rows.count(("1", "a", "2", None)) == 3
    assert len(rows) == 4


def test_every_raw_column_is_text(spark: SparkSession, tmp_path: Path) -> None:
    """A guessed type changes with the data."""
    table = read(spark, tmp_path, raw="id,name,price\n1,2023-01-01,2.50\n")
    wanted = "id STRING, name STRING, price STRING, _source_file STRING, _corrupt_record STRING"
    assertSchemaEqual(table.schema, frame(spark, wanted).schema)


def test_columns_of_the_four_files() -> None:
    """In the order of the contract: another order is another file."""
    assert {entity: ",".join(columns) for entity, columns in RAW_COLUMNS.items()} == {
        "customers": "customer_id,email,first_name,last_name,country,created_at",
        "orders": "order_id,customer_id,order_date,status,shipping_cost",
        "order_items": "order_item_id,order_id,product_id,quantity,unit_price",
        "products": "product_id,product_name,category,cost_price,list_price",
    }


def test_a_bronze_table_is_its_files_and_nothing_else(spark: SparkSession) -> None:
    """Rows are judged in silver, where there is a place for those that fail."""
    rows = frame(spark, "id STRING", {"id": "1"}, {"id": "1"}, {"id": None})
    for function in (bronze.customers, bronze.orders, bronze.order_items, bronze.products):
        assert function(rows).collect() == rows.collect()
