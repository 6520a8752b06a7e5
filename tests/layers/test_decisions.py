"""Whom to win back, what to spend on whom, what to offer to whom."""

from decimal import Decimal
from typing import Any

import pytest
from builders import Cells, by_key, customer_purchases, frame, products
from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse.layers.decisions import (
    als,
    buy_again,
    churn_campaign,
    hits,
    marketing_budget,
    most_popular,
    purchases,
)

SEGMENTS = """
    customer_id BIGINT, email STRING, first_name STRING, last_name STRING,
    customer_segment STRING, churn_risk STRING, recency_days INT, monetary_value DECIMAL(38,2),
    predicted_clv_12m DECIMAL(38,2), recommended_action STRING
"""
LOST_FRIEND: Cells = {
    "customer_segment": "At Risk",
    "churn_risk": "Medium",
    "recency_days": 150,
    "monetary_value": "500.00",
    "predicted_clv_12m": "500.00",
}


def segments(spark: SparkSession, *rows: Cells) -> DataFrame:
    return frame(spark, SEGMENTS, *[{**LOST_FRIEND, **row} for row in rows])


def pairs(spark: SparkSession, *rows: tuple[int, int, int]) -> DataFrame:
    return spark.createDataFrame(
        list(rows), "customer_id BIGINT, product_id BIGINT, orders_count BIGINT"
    )


def offered(table: DataFrame) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in table.select("customer_id", "product_id").collect()}


# ── churn_campaign ───────────────────────────────────────────────────────────────────────────────


def test_the_campaign_takes_good_customers_who_no_longer_come(spark: SparkSession) -> None:
    """Segment, risk and value must all say so; 200.00 is not above 200."""
    table = segments(
        spark,
        {"customer_id": 1},
        {"customer_id": 2, "customer_segment": "Cant Lose Them", "churn_risk": "High"},
        {"customer_id": 3, "customer_segment": "Champions"},
        {"customer_id": 4, "customer_segment": "Hibernating"},
        {"customer_id": 5, "churn_risk": "Low"},
        {"customer_id": 6, "churn_risk": "No Purchases"},
        {"customer_id": 7, "monetary_value": "200.00"},
        {"customer_id": 8, "monetary_value": "200.01"},
    )
    assert set(by_key(churn_campaign(table), "customer_id", "customer_segment")) == {1, 2, 8}


def test_the_most_valuable_are_called_first(spark: SparkSession) -> None:
    values = {1: "300.00", 2: "900.00", 3: "300.00", 4: "500.00"}
    table = segments(
        spark, *[{"customer_id": c, "monetary_value": value} for c, value in values.items()]
    )
    assert [row.customer_id for row in churn_campaign(table).collect()] == [2, 4, 1, 3]


# ── marketing_budget ─────────────────────────────────────────────────────────────────────────────


def test_the_budget_is_a_tenth_of_each_customers_expected_value(spark: SparkSession) -> None:
    """Rounded half up customer by customer: 0.05 and 0.05 make 0.02, not 0.01."""
    table = segments(
        spark,
        {"customer_id": 1, "predicted_clv_12m": "0.05"},
        {"customer_id": 2, "predicted_clv_12m": "0.05"},
        {"customer_id": 3, "predicted_clv_12m": "371.88", "customer_segment": "Loyal Customers"},
    )
    found = [tuple(row) for row in marketing_budget(table).collect()]
    assert found == [
        ("Loyal Customers", 1, Decimal("371.88"), Decimal("37.19"), Decimal("37.19")),
        ("At Risk", 2, Decimal("0.10"), Decimal("0.02"), Decimal("0.01")),
    ]


# ── recommendations ──────────────────────────────────────────────────────────────────────────────


def test_only_known_products_can_be_offered(spark: SparkSession) -> None:
    """What a customer bought counts by orders, not by lines or units."""
    bought = [
        {"product_id": 10, "orders_count": 2, "units": 9, "prices_count": 3},
        {"product_id": 99},
    ]
    found = purchases(customer_purchases(spark, *bought), products(spark, {"product_id": 10}))
    assert [tuple(row) for row in found.collect()] == [(1, 10, 2)]


def test_the_most_popular_products_are_offered_to_everybody(spark: SparkSession) -> None:
    """Popular is what many customers bought, not what one bought often; ties by number."""
    bought = pairs(spark, (1, 10, 1), (2, 10, 1), (2, 30, 9), (3, 20, 1))
    assert offered(most_popular(bought, 2)) == {(c, p) for c in (1, 2, 3) for p in (10, 20)}


def test_buy_again_offers_the_customers_own_favourites(spark: SparkSession) -> None:
    """Ties by what others like, then by number; empty places go to what is popular."""
    bought = pairs(spark, (1, 10, 1), (1, 20, 3), (1, 30, 1), (1, 40, 1), (2, 30, 1))
    own, filled_up = {(1, 20), (1, 30), (1, 10), (2, 30)}, {(2, 10), (2, 20)}
    assert offered(buy_again(bought, 3)) == own | filled_up


def test_als_finds_the_missing_product_of_a_taste(spark: SparkSession) -> None:
    """Large customer numbers are no obstacle, and the same seed gives the same offers."""
    big = 5_000_000_000
    bought = pairs(
        spark,
        *[(big + c, p, 1) for c in (1, 2) for p in (10, 11, 12)],
        *[(big + c, p, 1) for c in (4, 5) for p in (20, 21, 22)],
        *((big + 3, 10, 1), (big + 3, 11, 1)),
    )
    offers = als(bought, places=3)
    assert {p for c, p in offered(offers) if c == big + 3} == {10, 11, 12}
    assert offered(offers) == offered(als(bought, places=3))


@pytest.mark.parametrize(
    ("later", "found"),
    [
        ([(1, 10), (2, 99)], {1: 1, 2: 0}),
        ([(1, 10), (1, 11), (1, 10)], {1: 1}),
        ([(3, 10)], {}),
    ],
)
def test_a_hit_is_a_customer_for_whom_an_offer_came_true(
    spark: SparkSession, later: list[tuple[int, int]], found: dict[int, int]
) -> None:
    """Only customers who got offers and bought later can be judged."""
    offers = spark.createDataFrame([(1, 10), (1, 11), (2, 10)], "customer_id INT, product_id INT")
    bought = spark.createDataFrame(later, "customer_id INT, product_id INT")
    assert {row.customer_id: row.hit for row in hits(offers, bought).collect()} == found
