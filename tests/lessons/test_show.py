"""A table on screen: the same rows in the same order, every value by name."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from builders import Cells, frame
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ecommerce_lakehouse import show
from ecommerce_lakehouse.lessons.show import Shown


def pairs(spark: SparkSession) -> DataFrame:
    rows: list[Cells] = [{"a": 2, "b": "x"}, {"a": 1, "b": "z"}, {"a": None, "b": "w"}]
    return frame(spark, "a BIGINT, b STRING", *rows, {"a": 1, "b": "y"})


def cell(value: Any) -> str:
    """What one value looks like."""
    return Shown(["column"], [(value,)], more=False).cells[0][0]


def test_rows_are_sorted_by_their_columns_from_left_to_right(spark: SparkSession) -> None:
    """Without an order Spark may answer in a different one each time."""
    shown = show(pairs(spark).repartition(3))
    assert shown.cells == [["NULL", "w"], ["1", "y"], ["1", "z"], ["2", "x"]]


def test_a_query_that_is_ordered_keeps_its_order(spark: SparkSession) -> None:
    """Also through the columns that are taken and the rows that are cut off after it."""
    ordered = pairs(spark).orderBy(F.col("b").desc())
    assert [row[1] for row in show(ordered).cells] == ["z", "y", "x", "w"]
    assert show(ordered.limit(3).select("b")).cells == [["z"], ["y"], ["x"]]


def test_the_order_is_that_of_the_values_not_of_their_text(spark: SparkSession) -> None:
    """9 before 10, and the first rows are cut after sorting."""
    table = frame(spark, "n BIGINT", *[{"n": n} for n in (100, 9, 10)])
    assert show(table, n=2).cells == [["9"], ["10"]]


def test_audit_columns_are_not_shown(spark: SparkSession) -> None:
    """The wall clock would make every run look different."""
    table = (
        pairs(spark)
        .limit(1)
        .select(
            "b",
            F.lit(1).alias("_source_file"),
            F.current_timestamp().alias("spark_loaded_at"),
            F.current_timestamp().alias("spark_updated_at"),
            F.lit(1).alias("loaded_at"),
        )
    )
    assert show(table).columns == ["b", "loaded_at"]


def test_it_says_when_there_is_more(spark: SparkSession) -> None:
    assert repr(show(pairs(spark), n=3)).endswith("\n(first 3 rows)")
    assert "rows)" not in repr(show(pairs(spark), n=4))
    assert repr(show(pairs(spark).where("a > 5"))) == "a  b\n(no rows)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (float("nan"), "NULL"),
        (pd.NaT, "NULL"),
        ("", ""),
        ("NULL ", "NULL "),
        (True, "true"),
        (False, "false"),
        (1234567, "1234567"),
        (Decimal("1234.50"), "1,234.50"),
        (Decimal("0.00"), "0.00"),
        (Decimal("-0.5"), "-0.5"),
        (Decimal("1E+3"), "1,000"),
        (1234.5, "1,234.50"),
        (2 / 3, "0.67"),
        (date(2023, 2, 1), "2023-02-01"),
        (pd.Timestamp(2023, 2, 1), "2023-02-01"),
        ("two\r\nlines", "two\\r\\nlines"),
    ],
)
def test_every_value_has_one_look(value: Any, text: str) -> None:
    """NULL by name, money with its cents, a date as a date, and no line is broken in two."""
    assert cell(value) == text


def test_numbers_stand_right_and_text_left() -> None:
    """A NULL takes the side of its column."""
    rows = [("John", Decimal("9.00"), None), ("Jo", Decimal("10.50"), 7)]
    shown = Shown(["name", "spent", "n"], rows, more=False)
    assert repr(shown).splitlines() == [
        "name  spent     n",
        "John   9.00  NULL",
        "Jo    10.50     7",
    ]


def test_true_and_false_are_no_numbers() -> None:
    """A column stands on one side, whatever it holds."""
    shown = Shown(["new", "n"], [(True, 1), (False, 2)], more=False)
    assert repr(shown).splitlines() == ["new    n", "true   1", "false  2"]


def test_html_says_the_same_and_escapes_the_data() -> None:
    """A product called <b> is not a tag."""
    html = Shown(["name", "n"], [("<b>&", 1)], more=True)._repr_html_()
    assert '<td style="text-align:left">&lt;b&gt;&amp;</td>' in html
    assert '<td style="text-align:right">1</td>' in html
    assert html.endswith("<p><small>first 1 rows</small></p>")


def test_a_pandas_table_keeps_its_order_and_its_columns() -> None:
    """It has an order of its own; missing numbers are NULL, whole ones stay whole."""
    table = pd.DataFrame(
        {"n": [2, 1, 3], "x": [1.5, None, 2.0], "day": pd.to_datetime(["2023-02-01"] * 3)}
    )
    shown = show(table, n=2)
    assert shown.columns == ["n", "x", "day"]
    assert shown.cells == [["2", "1.50", "2023-02-01"], ["1", "NULL", "2023-02-01"]]
    assert repr(shown).endswith("(first 2 rows)")
    assert cell(datetime(2023, 2, 1, 10, 30)).startswith("2023-02-01")
