"""What a model may know of a customer on the as-of date, and nothing from after it."""

from datetime import date
from decimal import Decimal
from math import sqrt
from typing import Any

import pytest
from builders import NO_ORDER, Cells, by_key, customer_orders, frame, metrics, row
from pyspark.sql import DataFrame, SparkSession
from pyspark.testing import assertDataFrameEqual

from ecommerce_lakehouse.layers.ml import ml_customer_features

AS_OF = date(2023, 12, 31)

COLUMNS = """
    customer_id BIGINT, is_churn_risk INT, country STRING, account_age_days INT, recency_days INT,
    frequency BIGINT, monetary_value DECIMAL(38,2), avg_order_value DECIMAL(38,6),
    recency_score INT, frequency_score INT, monetary_score INT, rfm_total_score INT,
    customer_tenure_days INT, revenue_per_order DOUBLE, orders_per_month DOUBLE,
    order_value_volatility DOUBLE, max_order_value DECIMAL(38,2), min_order_value DECIMAL(38,2),
    avg_days_between_orders DOUBLE, order_trend_ratio DOUBLE, is_active_last_30d INT,
    is_active_last_90d INT, predicted_clv_12m DECIMAL(38,2), clv_growth_multiplier DOUBLE
"""


def days_ago(days: int) -> date:
    return date.fromordinal(AS_OF.toordinal() - days)


def from_metrics(spark: SparkSession, *rows: Cells) -> DataFrame:
    """Features of customers 0, 1, 2 ... whose orders do not matter."""
    numbered = [{"customer_id": i, **cells} for i, cells in enumerate(rows)]
    return ml_customer_features(metrics(spark, *numbered), customer_orders(spark), AS_OF)


def from_orders(spark: SparkSession, *orders: list[Cells]) -> DataFrame:
    """Features of customers 0, 1, 2 ... with these orders."""
    people: list[Cells] = [{"customer_id": i} for i in range(len(orders))]
    bought = [{"customer_id": i, **cells} for i, rows in enumerate(orders) for cells in rows]
    return ml_customer_features(metrics(spark, *people), customer_orders(spark, *bought), AS_OF)


def feature(table: DataFrame, name: str) -> list[Any]:
    """One feature of customers 0, 1, 2 ..."""
    found = by_key(table, "customer_id", name)
    return [found[i] for i in range(len(found))]


def test_every_feature_of_a_customer(spark: SparkSession) -> None:
    """Orders of 115.96, 25.98 and 105.98, with gaps of 42 and 127 days."""
    john = {
        "customer_id": 1,
        "recency_days": 0,
        "frequency": 3,
        "monetary_value": "247.92",
        "avg_order_value": "82.640000",
        "customer_tenure_days": 169,
        "frequency_score": 3,
        "monetary_score": 3,
        "rfm_total_score": 11,
        "predicted_clv_12m": "371.88",
    }
    bought = customer_orders(
        spark,
        {"order_id": 1, "order_date": "2023-02-01", "order_total": "115.96"},
        {"order_id": 2, "order_date": "2023-03-15", "order_total": "25.98"},
        {"order_id": 3, "order_date": "2023-07-20", "order_total": "105.98"},
    )
    wanted = john | {
        "is_churn_risk": 0,
        "country": "US",
        "account_age_days": 186,
        "recency_score": 5,
        "revenue_per_order": 82.64,
        "orders_per_month": 90 / 169,
        "order_value_volatility": sqrt((33.32**2 + 56.66**2 + 23.34**2) / 2),
        "max_order_value": "115.96",
        "min_order_value": "25.98",
        "avg_days_between_orders": 84.5,
        "order_trend_ratio": 0.5,  # one since 21 April, two since 21 January
        "is_active_last_30d": 1,
        "is_active_last_90d": 1,
        "clv_growth_multiplier": 1.5,
    }
    assertDataFrameEqual(
        ml_customer_features(metrics(spark, john), bought, date(2023, 7, 20)),
        frame(spark, COLUMNS, wanted),
    )


def test_a_customer_who_never_bought_has_features(spark: SparkSession) -> None:
    """0 where nothing is a number, NULL where nothing can be known."""
    nobody = {**NO_ORDER, "customer_id": 1}
    wanted = {
        "customer_id": 1,
        "is_churn_risk": 0,
        "country": "US",
        "account_age_days": 350,
        "frequency": 0,
        "monetary_value": "0.00",
        "revenue_per_order": 0.0,
        "orders_per_month": 0.0,
        "is_active_last_30d": 0,
        "is_active_last_90d": 0,
        "predicted_clv_12m": "0.00",
        "clv_growth_multiplier": 0.0,
    }
    assertDataFrameEqual(
        ml_customer_features(metrics(spark, nobody), customer_orders(spark), AS_OF),
        frame(spark, COLUMNS, wanted),
    )


def test_high_and_medium_risk_are_the_label(spark: SparkSession) -> None:
    risks = ["High", "Medium", "Low", "Very Low", "No Purchases"]
    found = from_metrics(spark, *[{"churn_risk": risk} for risk in risks])
    assert feature(found, "is_churn_risk") == [1, 1, 0, 0, 0]


def test_activity_is_counted_up_to_30_and_90_days(spark: SparkSession) -> None:
    """Who never came (NULL) is not active."""
    found = from_metrics(spark, *[{"recency_days": n} for n in (0, 30, 31, 90, 91, None)])
    assert feature(found, "is_active_last_30d") == [1, 1, 0, 0, 0, 0]
    assert feature(found, "is_active_last_90d") == [1, 1, 1, 1, 0, 0]


def test_orders_a_month_of_tenure(spark: SparkSession) -> None:
    """0 where the tenure is 0 (everything on one day) or NULL (no order)."""
    found = from_metrics(
        spark,
        {"frequency": 3, "customer_tenure_days": 45},
        {"frequency": 2, "customer_tenure_days": 1},
        {"frequency": 4, "customer_tenure_days": 0},
        {"frequency": 0, "customer_tenure_days": None},
    )
    assert feature(found, "orders_per_month") == [2.0, 60.0, 0.0, 0.0]


def test_growth_is_0_where_nothing_was_spent(spark: SparkSession) -> None:
    """A customer whose orders were all free has no growth, and no division by zero."""
    found = from_metrics(
        spark,
        {"monetary_value": "10.00", "predicted_clv_12m": "15.00"},
        {"monetary_value": "0.01", "predicted_clv_12m": "0.02"},
        {"monetary_value": "0.00", "predicted_clv_12m": "0.00"},
    )
    assert feature(found, "clv_growth_multiplier") == [1.5, 2.0, 0.0]


def test_revenue_per_order_is_0_without_orders(spark: SparkSession) -> None:
    found = from_metrics(
        spark,
        {"monetary_value": "100.00", "frequency": 3},
        {"monetary_value": "0.00", "frequency": 2},
        {"monetary_value": "0.00", "frequency": 0},
    )
    assert feature(found, "revenue_per_order") == pytest.approx([100 / 3, 0.0, 0.0])


def test_an_account_may_be_newer_than_the_as_of_date(spark: SparkSession) -> None:
    """Its age is negative then, not unknown."""
    days = ["2023-12-31", "2023-12-01", "2024-01-01"]
    found = from_metrics(spark, *[{"customer_created_at": day} for day in days])
    assert feature(found, "account_age_days") == [0, 30, -1]


def test_volatility_is_the_sample_standard_deviation(spark: SparkSession) -> None:
    """Divided by n - 1; one order has none, equal orders have 0."""
    found = from_orders(
        spark,
        [{"order_total": "10.00"}, {"order_total": "20.00"}],
        [{"order_total": "10.00"}, {"order_total": "10.00"}],
        [{"order_total": "10.00"}],
        [],
    )
    assert feature(found, "order_value_volatility")[:2] == pytest.approx([sqrt(50), 0.0])
    assert feature(found, "order_value_volatility")[2:] == [None, None]


def test_the_greatest_and_the_least_order(spark: SparkSession) -> None:
    """As money: 100.00 is more than 20.00, though its text is not."""
    amounts: list[Cells] = [{"order_total": text} for text in ("100.00", "20.00", "0.00")]
    found = from_orders(spark, amounts, amounts[:1], [])
    assert feature(found, "max_order_value") == [Decimal("100.00"), Decimal("100.00"), None]
    assert feature(found, "min_order_value") == [Decimal("0.00"), Decimal("100.00"), None]


def test_the_gap_between_orders(spark: SparkSession) -> None:
    """The mean, in days; two orders of one day have a gap of 0, a single order has none."""
    found = from_orders(
        spark,
        [{"order_date": days_ago(n)} for n in (10, 0, 3)],
        [{"order_date": days_ago(5)}, {"order_date": days_ago(5)}],
        [{"order_date": days_ago(5)}, {"order_date": days_ago(5)}, {"order_date": days_ago(2)}],
        [{"order_date": days_ago(5)}],
        [],
    )
    assert feature(found, "avg_days_between_orders") == [5.0, 0.0, 1.5, None, None]


def trend(spark: SparkSession, *days: list[int]) -> list[float | None]:
    """The trend of customers who bought so many days ago."""
    return feature(
        from_orders(spark, *[[{"order_date": days_ago(n)} for n in ns] for ns in days]),
        "order_trend_ratio",
    )


def test_the_trend_compares_the_last_90_days_with_the_90_before(spark: SparkSession) -> None:
    """Day 90 is the last of the recent ones, day 180 the last of the earlier ones."""
    found = trend(
        spark,
        [0, 90, 91],
        [90, 91, 180],
        [0, 180, 181, 365],
        [91, 120, 180],
        [0, 30, 60, 90, 91, 180],
    )
    assert found == [2.0, 0.5, 1.0, 0.0, 2.0]


def test_no_trend_from_fewer_than_three_orders_or_nothing_before(spark: SparkSession) -> None:
    """All orders until the as-of date are counted, those before both windows too."""
    found = trend(spark, [0, 91], [0, 91, 181], [0, 30, 90], [0, 181, 365], [])
    assert found == [None, 1.0, None, None, None]


def test_no_order_after_the_as_of_date_counts(spark: SparkSession) -> None:
    """A feature from the future would tell the model what it should predict."""
    found = row(
        from_orders(
            spark,
            [
                {"order_date": days_ago(91), "order_total": "10.00"},
                {"order_date": days_ago(0), "order_total": "10.00"},
                {"order_date": days_ago(-1), "order_total": "99.00"},
            ],
        )
    )
    assert (found.max_order_value, found.order_value_volatility) == (Decimal("10.00"), 0.0)
    assert (found.avg_days_between_orders, found.order_trend_ratio) == (91.0, None)


def test_one_row_for_every_customer_of_the_metrics(spark: SparkSession) -> None:
    """Orders of somebody unknown add no row."""
    found = ml_customer_features(
        metrics(spark, {"customer_id": 1}, {"customer_id": 2}),
        customer_orders(spark, {"customer_id": 2}, {"customer_id": 2}, {"customer_id": 404}),
        AS_OF,
    )
    assert by_key(found, "customer_id", "max_order_value") == {1: None, 2: Decimal("10.00")}
