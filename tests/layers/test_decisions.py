"""Whom to win back, and what to spend on whom."""

from decimal import Decimal

from builders import Cells, by_key, frame
from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse.layers.decisions import (
    churn_campaign,
    marketing_budget,
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
