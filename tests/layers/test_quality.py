"""Every check sees the row that breaks it, and the gate lets nothing broken through."""

from collections.abc import Iterable
from datetime import date, timedelta

import pytest
from builders import (
    NO_ORDER,
    Cells,
    customer_orders,
    customers,
    frame,
    metrics,
    order_items,
    orders,
    product_metrics,
    products,
    rfm,
)
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.testing import assertDataFrameEqual

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.layers.gold import dim_customer_segments, fct_product_performance
from ecommerce_lakehouse.layers.quality import (
    CHECKS,
    REFERENCES,
    Check,
    QualityError,
    check_days,
    check_quarantine,
    check_reference,
    check_table,
    gate,
)

RESULTS = "table STRING, check STRING, severity STRING, rows BIGINT, broken BIGINT"
POSITIVE = Check("t", "n above zero", "n > 0")
SMALL = Check("t", "n below ten", "n < 10", "warning")


def numbers(spark: SparkSession, *values: int | None) -> DataFrame:
    return frame(spark, "n BIGINT", *[{"n": n} for n in values])


def broken(table: DataFrame, name: str, key: tuple[str, ...] = ()) -> dict[str, int]:
    """How many rows break each check of a table of the curriculum."""
    checks = [check for check in CHECKS if check.table == name]
    return {result.check: result.broken for result in check_table(table, checks, key).collect()}


# ── check_table ──────────────────────────────────────────────────────────────────────────────────


def test_a_check_counts_the_rows_for_which_it_is_false_or_null(spark: SparkSession) -> None:
    """What cannot be compared was not seen to be right."""
    found = check_table(numbers(spark, 5, 0, -1, 10, None), [POSITIVE, SMALL])
    first = {"table": "t", "check": "n above zero", "severity": "error", "rows": 5, "broken": 3}
    second = {"table": "t", "check": "n below ten", "severity": "warning", "rows": 5, "broken": 2}
    assertDataFrameEqual(found, frame(spark, RESULTS, first, second))


def test_an_empty_table_breaks_nothing(spark: SparkSession) -> None:
    found = check_table(numbers(spark), [POSITIVE], ("n",)).collect()
    assert [(r.check, r.rows, r.broken) for r in found] == [
        ("n above zero", 0, 0),
        ("key is present", 0, 0),
        ("key is unique", 0, 0),
    ]


def test_a_key_is_present_and_unique(spark: SparkSession) -> None:
    """Every row after the first of its key is one too many; a missing key is no duplicate."""
    found = check_table(numbers(spark, 1, 1, 1, 2, None, None), [POSITIVE], ("n",)).collect()
    assert [(r.table, r.check, r.severity, r.broken) for r in found[1:]] == [
        ("t", "key is present", "error", 2),
        ("t", "key is unique", "error", 2),
    ]


def test_a_key_of_two_columns_is_one_key(spark: SparkSession) -> None:
    """Half a key is none."""
    pairs = frame(
        spark,
        "n BIGINT, m BIGINT",
        {"n": 1, "m": 1},
        {"n": 1, "m": 2},
        {"n": 2, "m": 1},
        {"n": 2, "m": 1},
        {"n": 3},
    )
    found = check_table(pairs, [POSITIVE], ("n", "m")).collect()
    assert [(r.check, r.broken) for r in found[1:]] == [("key is present", 1), ("key is unique", 1)]


def test_a_table_without_a_key_has_only_its_checks(spark: SparkSession) -> None:
    assert [r.check for r in check_table(numbers(spark, 1), [POSITIVE]).collect()] == [
        "n above zero"
    ]


# ── gate ─────────────────────────────────────────────────────────────────────────────────────────


def results(spark: SparkSession, *rows: tuple[str, str, str, int]) -> DataFrame:
    cells: list[Cells] = [
        {"table": table, "check": check, "severity": severity, "rows": 1200, "broken": count}
        for table, check, severity, count in rows
    ]
    return frame(spark, RESULTS, *cells)


def test_the_gate_stops_at_an_error_and_names_every_one(spark: SparkSession) -> None:
    """By table and check, with the numbers; what holds or only warns is not named."""
    found = results(
        spark,
        ("stg_products", "price is not below cost", "warning", 5),
        ("stg_orders", "order has a day", "error", 1100),
        ("gold_x", "holds", "error", 0),
        ("gold_x", "fails", "error", 1),
    )
    with pytest.raises(QualityError) as stopped:
        gate(found)
    assert str(stopped.value).splitlines() == [
        "Not published.",
        "gold_x: fails: 1 of 1,200 rows",
        "stg_orders: order has a day: 1,100 of 1,200 rows",
    ]


def test_the_gate_lets_warnings_through(spark: SparkSession) -> None:
    gate(results(spark, ("t", "a", "warning", 7), ("t", "b", "error", 0)))


# ── CHECKS ───────────────────────────────────────────────────────────────────────────────────────


def test_checks_name_tables_that_exist_and_are_named_once() -> None:
    names = [(check.table, check.name) for check in CHECKS]
    assert len(set(names)) == len(names)
    assert {check.table for check in CHECKS} <= {
        table.name for table in registry.tables(scored=True)
    }
    assert {check.severity for check in CHECKS} == {"error", "warning"}


def test_only_a_matter_of_opinion_is_a_warning() -> None:
    """A far day, a new status and a sale at a loss may be meant; other broken rules are not."""
    warnings = [(check.table, check.name) for check in CHECKS if check.severity == "warning"]
    assert warnings == [
        ("stg_orders", "day is plausible"),
        ("stg_orders", "status is known"),
        ("stg_products", "price is not below cost"),
    ]


def test_checks_of_orders(spark: SparkSession) -> None:
    table = orders(
        spark,
        {"order_status": "completed"},
        {"order_status": "cancelled"},
        {"order_status": "returned"},
        {"order_status": "pending"},
        {"order_status": "shipped"},
        {"order_date": None},
        {"order_date": date(202, 6, 1)},
        {"order_date": date(9999, 12, 31)},
    )
    assert broken(table, "stg_orders") == {
        "order has a day": 1,
        "day is plausible": 3,
        "status is known": 1,
    }


def test_checks_of_order_lines(spark: SparkSession) -> None:
    lines = order_items(spark, {"quantity": 3}, {"quantity": 0}, {"quantity": -1})
    assert broken(lines, "stg_order_items") == {"quantity above zero": 2, "line adds up": 0}
    wrong = lines.withColumn("line_total", F.lit("29.99").cast("DECIMAL(18,2)"))
    assert broken(wrong, "stg_order_items")["line adds up"] == 3


def test_checks_of_products(spark: SparkSession) -> None:
    """To sell at cost is not to sell below it."""
    prices: list[Cells] = [{"list_price": price} for price in ("6.01", "6.00", "5.99")]
    assert broken(products(spark, *prices), "stg_products") == {"price is not below cost": 1}


def test_checks_of_addresses(spark: SparkSession) -> None:
    emails = ["john@shop.com", "john@shop", "john doe@shop.com", "@shop.com", None]
    table = customers(spark, *[{"email": email} for email in emails])
    assert broken(table, "stg_customers") == {"email looks valid": 4}


def test_checks_of_scores_and_profit(spark: SparkSession) -> None:
    scores = rfm(spark, {}, {"rfm_total_score": 8}, {"recency_score": None})
    assert broken(scores, "int_customer_rfm") == {"scores add up": 2}
    sold: Cells = {"units_sold": 2, "revenue": "20.00", "total_profit": "8.00"}
    profits = product_metrics(spark, {}, sold, {**sold, "total_profit": "8.01"})
    assert broken(profits, "int_product_metrics") == {"profit adds up": 1}


def test_checks_of_features(spark: SparkSession) -> None:
    features = frame(spark, "is_churn_risk INT", *[{"is_churn_risk": n} for n in (0, 1, 2, None)])
    assert broken(features, "ml_customer_features") == {"risk is 0 or 1": 2}


def test_checks_of_orders_in_numbers(spark: SparkSession) -> None:
    table = customer_orders(
        spark,
        {},
        {"shipping_cost": "0.01"},
        {"order_subtotal": "-10.00", "order_total": "-10.00"},
        {"order_subtotal": "0.00", "order_total": "0.00"},
    )
    assert broken(table, "int_customer_orders") == {
        "total adds up": 1,
        "total not negative": 1,
    }


def test_checks_of_customers(spark: SparkSession) -> None:
    """Who never came has no recency; who came has one, and not a negative one."""
    table = metrics(
        spark,
        {"recency_days": 0},
        NO_ORDER,
        {"recency_days": -1},
        {"recency_days": None},
        {"current_clv": "-0.01"},
        {"predicted_clv_12m": "-0.01"},
        {"churn_risk": "high"},
        {"churn_risk": None},
    )
    assert broken(table, "fct_customer_metrics") == {
        "value not negative": 1,
        "expected value not negative": 1,
        "recency not in the future": 2,
        "risk is known": 2,
    }


def test_checks_of_segments(spark: SparkSession) -> None:
    """A score is from 1 to 5, and missing only where there is no order."""
    segments = dim_customer_segments(
        metrics(
            spark,
            {},
            NO_ORDER,
            {"recency_score": 0},
            {"recency_score": 6},
            {"frequency_score": 6},
            {"monetary_score": None},
        )
    )
    wanted = {
        "recency score 1 to 5": 2,
        "frequency score 1 to 5": 1,
        "monetary score 1 to 5": 1,
        "segment is known": 0,
    }
    assert broken(segments, "dim_customer_segments") == wanted
    renamed = segments.replace("Prospects", "Prospect", ["customer_segment"])
    assert broken(renamed, "dim_customer_segments") == wanted | {"segment is known": 1}


def test_checks_of_product_performance(spark: SparkSession) -> None:
    table = fct_product_performance(
        product_metrics(spark, {"product_id": 1}, {"product_id": 2, "revenue": "-0.01"})
    )
    wanted = {"share between 0 and 1": 0, "tier is known": 0, "revenue not negative": 1}
    assert broken(table, "fct_product_performance") == wanted
    wrong = table.withColumn("performance_tier", F.lit("star"))
    wrong = wrong.withColumn("category_revenue_share", F.col("product_id") - 0.9)
    assert broken(wrong, "fct_product_performance") == {
        "share between 0 and 1": 1,
        "tier is known": 2,
        "revenue not negative": 1,
    }


def test_every_segment_that_gold_can_give_is_known(spark: SparkSession) -> None:
    """For all combinations of scores, and for who has none."""
    scores = [(r, f, m) for r in range(1, 6) for f in range(1, 6) for m in range(1, 6)]
    table = metrics(
        spark,
        NO_ORDER,
        *[{"recency_score": r, "frequency_score": f, "monetary_score": m} for r, f, m in scores],
    )
    assert set(broken(dim_customer_segments(table), "dim_customer_segments").values()) == {0}


QUARANTINED = "source_table STRING, _source_file STRING, reason STRING"


@pytest.mark.parametrize(
    ("rejected", "at_least", "broken"), [(0, 1, 0), (2, 1, 0), (3, 1, 3), (3, 10, 3), (3, 11, 0)]
)
def test_more_rejected_rows_than_the_limit_are_an_error(
    spark: SparkSession, rejected: int, at_least: int, broken: int
) -> None:
    """Two of ten are a fifth. Neither another entity's nor another file's rows make it better."""
    raw = spark.createDataFrame([("2.csv",)] * 10 + [("1.csv",)] * 90, "_source_file STRING")
    rows = [("orders", "2.csv", "missing_status")] * rejected
    rows += [("customers", "2.csv", "missing_email")] * 9
    quarantine = spark.createDataFrame(rows, QUARANTINED)
    found = check_quarantine({"orders": raw}, quarantine, {"error": 0.2}, at_least)
    expected = {"table": "stg_orders", "check": "no file with more than 20% quarantined"}
    result = {**expected, "severity": "error", "rows": 100, "broken": broken}
    assertDataFrameEqual(found, frame(spark, RESULTS, result))


def test_a_file_can_be_bad_enough_for_a_warning_only(spark: SparkSession) -> None:
    raw = spark.createDataFrame([("1.csv",)] * 10, "_source_file STRING")
    quarantine = spark.createDataFrame([("orders", "1.csv", "missing_status")] * 3, QUARANTINED)
    limits = {"warning": 0.1, "error": 0.9}
    found = check_quarantine({"orders": raw, "products": raw.limit(0)}, quarantine, limits)
    told = {(row.table, row.severity): (row.rows, row.broken) for row in found.collect()}
    assert told == {("stg_orders", "warning"): (10, 3), ("stg_orders", "error"): (10, 0)}


@pytest.mark.parametrize(
    ("file", "reason", "broken"),
    [
        ("raw_orders.csv", "duplicate_key", 0),
        ("raw_orders_2.csv", "duplicate_key", 9),
        ("raw_orders.csv", "missing_status", 9),
    ],
)
def test_a_row_that_a_later_file_replaced_is_no_fault(
    spark: SparkSession, file: str, reason: str, broken: int
) -> None:
    """All orders delivered again: of the newest file, a duplicate is a fault of its own."""
    files = [("raw_orders.csv",)] * 10 + [("raw_orders_2.csv",)] * 10
    raw = spark.createDataFrame(files, "_source_file STRING")
    quarantine = spark.createDataFrame([("orders", file, reason)] * 9, QUARANTINED)
    # Another entity's newest file says nothing about this one.
    others = spark.createDataFrame([("raw_products_3.csv",)], "_source_file STRING")
    found = check_quarantine({"orders": raw, "products": others}, quarantine, {"error": 0.5})
    assert {row.table: row.broken for row in found.collect()} == {
        "stg_orders": broken,
        "stg_products": 0,
    }


CUSTOMERS = "customer_id INT, customer_created_at DATE"
ORDERS = "order_id INT, customer_id INT, order_date DATE"
FIRST = date(2024, 1, 1)


@pytest.mark.parametrize(
    ("unknown", "of", "severity"),
    [
        (0, 100, "warning"),
        (1, 100, "warning"),
        (5, 100, "warning"),
        (6, 100, "error"),
        (6, 99, "warning"),
    ],
)
def test_many_rows_without_partner_are_an_error(
    spark: SparkSession, unknown: int, of: int, severity: str
) -> None:
    """In a small shop they may be chance. An order without customer number refers to nobody."""
    orders = [(n, 2 if n < unknown else 1, FIRST) for n in range(of)] + [(of, None, FIRST)]
    found = check_reference(
        spark.createDataFrame(orders, ORDERS),
        REFERENCES[0],
        spark.createDataFrame([(1, FIRST)], CUSTOMERS),
    )
    lost = found.where("check = 'customer_id is in stg_customers'").head()
    assert lost is not None
    assert (lost.rows, lost.broken, lost.severity) == (of, unknown, severity)


def test_a_row_has_to_fit_its_partner(spark: SparkSession) -> None:
    """Bought before registering: counted once. And a partner may have many rows."""
    orders = spark.createDataFrame([(1, 1, FIRST), (2, 1, date(2023, 12, 31))], ORDERS)
    customers = spark.createDataFrame([(1, FIRST), (1, FIRST)], CUSTOMERS)
    found = check_reference(orders, REFERENCES[0], customers).collect()
    assert {row.check: (row.rows, row.broken) for row in found} == {
        "customer_id is in stg_customers": (2, 0),
        "customer_id fits stg_customers": (2, 1),
    }


DAY = date(2024, 6, 30)


def days_broken(spark: SparkSession, a_day: int, ago: Iterable[int]) -> dict[str, int]:
    """With so many orders on each of these days before the last."""
    rows = [(DAY - timedelta(days=day),) for day in ago for _ in range(a_day)]
    found = check_days(spark.createDataFrame(rows, "order_date DATE"), DAY)
    return {row.check: row.broken for row in found.collect() if row.broken}


@pytest.mark.parametrize(
    ("a_day", "ago", "broken"),
    [
        (10, range(56), {}),
        (10, range(1, 56), {"no day without orders": 1}),  # the last is of yesterday
        (10, [0, *range(2, 56)], {"no day without orders": 1}),
        (
            10,
            range(2, 56),
            {"no day without orders": 2, "last order is of today or yesterday": 2},
        ),
        (9, range(2, 56), {}),  # too small a shop to tell
        (10, range(12, 56), {
            "no day without orders": 12,
            "last order is of today or yesterday": 12,
            "not far fewer orders than before": 8,
        }),
        (10, [*range(17), *range(28, 56)], {"no day without orders": 11}),
    ],
    ids=["all", "not today", "a day", "two days", "small", "much", "just enough"],
)  # fmt: skip
def test_days_without_orders_are_told(
    spark: SparkSession, a_day: int, ago: Iterable[int], broken: dict[str, int]
) -> None:
    assert days_broken(spark, a_day, ago) == broken
