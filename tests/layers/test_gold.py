"""What the shop decides from: value, risk, segment and action; rank, share and tier."""

from decimal import Decimal

import pytest
from builders import (
    FCT_CUSTOMER_METRICS,
    INT_PRODUCT_METRICS,
    NO_ORDER,
    Cells,
    by_key,
    customers,
    frame,
    metrics,
    product_metrics,
    rfm,
    row,
)
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.testing import assertDataFrameEqual, assertSchemaEqual
from segments import SEGMENTS

from ecommerce_lakehouse.layers.gold import (
    dim_customer_segments,
    fct_customer_metrics,
    fct_product_performance,
)

JOHN: Cells = {
    "customer_id": 1,
    "email": "john@shop.com",
    "first_name": "John",
    "last_name": "Doe",
    "country": "US",
    "customer_created_at": "2023-01-15",
}

# ── fct_customer_metrics ─────────────────────────────────────────────────────────────────────────


def test_a_customer_has_their_numbers_their_value_and_their_risk(spark: SparkSession) -> None:
    """247.92 x 1.5 = 371.88 at 11 points."""
    numbers = {
        "customer_id": 1,
        "recency_days": 100,
        "frequency": 3,
        "monetary_value": "247.92",
        "avg_order_value": "82.640000",
        "first_order_date": "2023-02-01",
        "last_order_date": "2023-07-20",
        "customer_tenure_days": 169,
        "recency_score": 5,
        "frequency_score": 3,
        "monetary_score": 3,
        "rfm_total_score": 11,
        "rfm_segment_code": "533",
    }
    value = {"current_clv": "247.92", "predicted_clv_12m": "371.88", "churn_risk": "Low"}
    assertDataFrameEqual(
        fct_customer_metrics(customers(spark, JOHN), rfm(spark, numbers)),
        frame(spark, FCT_CUSTOMER_METRICS, {**JOHN, **numbers, **value}),
    )


def test_a_customer_who_never_bought_is_kept_with_zeros(spark: SparkSession) -> None:
    """They are the ones to win: no value yet, no scores, and no risk to lose them."""
    bought = rfm(spark, {"customer_id": 2})
    assertDataFrameEqual(
        fct_customer_metrics(customers(spark, JOHN), bought),
        frame(spark, FCT_CUSTOMER_METRICS, {**NO_ORDER, **JOHN}),
    )


def test_only_customers_we_know_are_customers(spark: SparkSession) -> None:
    """Orders of an unknown customer are kept in silver; there is nobody to write to."""
    found = fct_customer_metrics(
        customers(spark, {"customer_id": 1}, {"customer_id": 2}),
        rfm(spark, {"customer_id": 2}, {"customer_id": 404}),
    )
    assert by_key(found, "customer_id", "frequency") == {1: 0, 2: 1}


def customer_metrics(spark: SparkSession, *numbers: Cells) -> DataFrame:
    """The metrics of customers 0, 1, 2 ... with these numbers."""
    numbered = [{"customer_id": i, **cells} for i, cells in enumerate(numbers)]
    people: list[Cells] = [{"customer_id": i} for i in range(len(numbers))]
    return fct_customer_metrics(customers(spark, *people), rfm(spark, *numbered))


def test_expected_value_changes_at_6_9_and_12_points(spark: SparkSession) -> None:
    expected = {3: "80", 5: "80", 6: "120", 8: "120", 9: "150", 11: "150", 12: "200", 15: "200"}
    found = customer_metrics(
        spark, *[{"rfm_total_score": n, "monetary_value": "100.00"} for n in expected]
    )
    wanted = {score: Decimal(amount) for score, amount in expected.items()}
    assert by_key(found, "rfm_total_score", "predicted_clv_12m") == wanted


def test_expected_value_is_rounded_half_up_to_cents(spark: SparkSession) -> None:
    """0.03 x 1.5 = 0.045: half to even would make it 0.04."""
    expected = {"205.93": "308.90", "0.01": "0.02", "0.03": "0.05", "0.00": "0.00", "2": "3.00"}
    found = customer_metrics(
        spark, *[{"rfm_total_score": 9, "monetary_value": spent} for spent in expected]
    )
    wanted = {Decimal(spent): Decimal(amount) for spent, amount in expected.items()}
    assert by_key(found, "monetary_value", "predicted_clv_12m") == wanted


def test_churn_risk_by_days_and_orders(spark: SparkSession) -> None:
    """'High' needs both: more than 180 days, and a single order."""
    risks = {
        (0, 1): "Very Low",
        (90, 1): "Very Low",
        (91, 1): "Low",
        (91, 5): "Low",
        (120, 1): "Low",
        (121, 1): "Medium",
        (121, 5): "Medium",
        (180, 1): "Medium",
        (181, 1): "High",
        (181, 2): "Medium",
        (3650, 2): "Medium",
        (3650, 1): "High",
    }
    found = customer_metrics(spark, *[{"recency_days": r, "frequency": f} for r, f in risks])
    risk = by_key(found, "customer_id", "recency_days", "frequency", "churn_risk")
    assert {(days, orders): name for days, orders, name in risk.values()} == risks


# ── dim_customer_segments ────────────────────────────────────────────────────────────────────────

ACTIONS = {
    "VIP treatment, exclusive offers": "441 451 455 541 545 554",
    "Onboarding campaign, product recommendations": "411 415 421 425 511 525",
    "Win-back campaign, special discount": "113 125 133 155 213 223 233 255",
    "Re-engagement or sunset": "111 112 121 122 211 212 221 222",
    "Standard nurture campaign": "431 435 531 535 311 315 333 355 131 132 152 231 232 252",
}
"""The combinations at the edges of every action."""


def scored(spark: SparkSession, codes: list[str]) -> DataFrame:
    names = ["recency_score", "frequency_score", "monetary_score"]
    return metrics(
        spark,
        *[
            {"customer_id": int(code), **dict(zip(names, map(int, code), strict=True))}
            for code in codes
        ],
    )


@pytest.mark.parametrize(
    ("column", "rules", "combinations"),
    [("customer_segment", SEGMENTS, 125), ("recommended_action", ACTIONS, 42)],
)
def test_what_the_scores_mean(
    spark: SparkSession, column: str, rules: dict[str, str], combinations: int
) -> None:
    """The first rule that fits is the one: 444 is a champion, although it is loyal too."""
    wanted = {int(code): name for name, codes in rules.items() for code in codes.split()}
    assert len(wanted) == combinations
    found = dim_customer_segments(scored(spark, [str(code) for code in wanted]))
    assert by_key(found, "customer_id", column) == wanted


def test_a_customer_who_never_bought_is_a_prospect(spark: SparkSession) -> None:
    """Without scores every comparison is NULL, and would end at 'Others'."""
    prospect = row(dim_customer_segments(metrics(spark, NO_ORDER | {"customer_id": 1})))
    assert prospect.customer_segment == "Prospects"
    assert prospect.recommended_action == "First-purchase incentive"
    assert (prospect.total_orders, prospect.churn_risk) == (0, "No Purchases")


def test_a_segment_says_what_it_comes_from(spark: SparkSession) -> None:
    """Every column of the contract, in its order; frequency is called total_orders here."""
    found = dim_customer_segments(
        metrics(spark, {"recency_days": 7, "frequency": 2, "monetary_value": "20.00"})
    )
    columns = """
        customer_id BIGINT, email STRING, first_name STRING, last_name STRING,
        customer_segment STRING, recency_days INT, recency_score INT, frequency_score INT,
        monetary_score INT, rfm_total_score INT, monetary_value DECIMAL(38,2),
        total_orders BIGINT, avg_order_value DECIMAL(38,6), predicted_clv_12m DECIMAL(38,2),
        churn_risk STRING, recommended_action STRING
    """
    wanted = {
        "customer_id": 1,
        "email": "john@shop.com",
        "first_name": "John",
        "last_name": "Doe",
        "customer_segment": "New Customers",
        "recency_days": 7,
        "recency_score": 5,
        "frequency_score": 1,
        "monetary_score": 1,
        "rfm_total_score": 7,
        "monetary_value": "20.00",
        "total_orders": 2,
        "avg_order_value": "10.000000",
        "predicted_clv_12m": "12.00",
        "churn_risk": "Very Low",
        "recommended_action": "Onboarding campaign, product recommendations",
    }
    assertDataFrameEqual(found, frame(spark, columns, wanted))


# ── fct_product_performance ──────────────────────────────────────────────────────────────────────


def selling(spark: SparkSession, **revenue: str) -> DataFrame:
    """The performance of products p1, p2 ... by their revenue."""
    return fct_product_performance(
        product_metrics(
            spark, *[{"product_id": int(p[1:]), "revenue": r} for p, r in revenue.items()]
        )
    )


def test_ranks_follow_each_measure_and_break_ties_by_product(spark: SparkSession) -> None:
    """1 is best, no rank is given twice, and a loss is the worst profit."""
    found = fct_product_performance(
        product_metrics(
            spark,
            {"product_id": 4, "revenue": "10.00", "units_sold": 3, "total_profit": "-1.00"},
            {"product_id": 3, "revenue": "10.00", "units_sold": 9, "total_profit": "0.00"},
            {"product_id": 2, "revenue": "9.99", "units_sold": 10, "total_profit": "5.00"},
            {"product_id": 1, "revenue": "0.00", "units_sold": 3, "total_profit": "5.00"},
        )
    )
    ranks = by_key(found, "product_id", "revenue_rank", "units_rank", "profit_rank")
    assert ranks == {1: (4, 3, 1), 2: (3, 1, 2), 3: (1, 2, 3), 4: (2, 4, 4)}


def test_a_share_is_of_its_own_category(spark: SparkSession) -> None:
    """0 where the category sold nothing; products without a category share among themselves."""
    found = fct_product_performance(
        product_metrics(
            spark,
            {"product_id": 1, "category": "Toys", "revenue": "30.00"},
            {"product_id": 2, "category": "Toys", "revenue": "10.00"},
            {"product_id": 3, "category": "Toys", "revenue": "0.00"},
            {"product_id": 4, "category": "Books", "revenue": "5.00"},
            {"product_id": 5, "category": "Unsold", "revenue": "0.00"},
            {"product_id": 6, "category": "Unsold", "revenue": "0.00"},
            {"product_id": 7, "category": None, "revenue": "1.00"},
            {"product_id": 8, "category": None, "revenue": "1.00"},
        )
    )
    shares = by_key(found, "product_id", "category_revenue_share")
    wanted = {1: 0.75, 2: 0.25, 3: 0.0, 4: 1.0, 5: 0.0, 6: 0.0, 7: 0.5, 8: 0.5}
    assert shares == pytest.approx(wanted)


def test_a_product_on_the_limit_has_the_better_tier(spark: SparkSession) -> None:
    """Of 0 to 50 in tens, p20 is 10, p50 is 25 and p80 is 40."""
    found = selling(spark, p1="0.00", p2="10.00", p3="20.00", p4="30.00", p5="40.00", p6="50.00")
    assert by_key(found, "product_id", "performance_tier") == {
        1: "Underperformer",
        2: "Average",
        3: "Average",
        4: "Performer",
        5: "Star",
        6: "Star",
    }


def test_tiers_lie_between_products_where_the_percentile_does(spark: SparkSession) -> None:
    """Of 0.00, 0.01, 0.03 and 1.00: p20 = 0.006, p50 = 0.02, p80 = 0.418."""
    found = selling(spark, p1="0.00", p2="0.01", p3="0.03", p4="1.00")
    assert by_key(found, "product_id", "performance_tier") == {
        1: "Underperformer",
        2: "Average",
        3: "Performer",
        4: "Star",
    }


def test_a_product_less_than_a_cent_below_the_limit_has_the_lesser_tier(
    spark: SparkSession,
) -> None:
    """Of 0, 19.99, 99.99, 149.95 and 149.97, p80 is 149.954."""
    found = selling(spark, p1="0.00", p2="19.99", p3="99.99", p4="149.95", p5="149.97")
    assert by_key(found, "product_id", "performance_tier") == {
        1: "Underperformer",
        2: "Average",
        3: "Performer",
        4: "Performer",
        5: "Star",
    }


def test_products_that_sell_alike_are_of_one_tier(spark: SparkSession) -> None:
    """Even if nothing was sold at all: every limit is 0.00 then."""
    stars = {1: "Star", 2: "Star", 3: "Star"}
    alike = selling(spark, p1="0.07", p2="0.07", p3="0.07")
    unsold = selling(spark, p1="0.00", p2="0.00", p3="0.00")
    assert by_key(alike, "product_id", "performance_tier") == stars
    assert by_key(unsold, "product_id", "performance_tier") == stars


def test_one_product_is_a_star_and_no_product_is_no_row(spark: SparkSession) -> None:
    only = row(selling(spark, p1="5.00"))
    assert (only.performance_tier, only.revenue_rank, only.category_revenue_share) == ("Star", 1, 1)
    assert selling(spark).collect() == []


def test_a_product_keeps_its_metrics(spark: SparkSession) -> None:
    """Every column of int_product_metrics as it was, then what we conclude."""
    sold = product_metrics(spark, {"revenue": "5.00", "first_sale_date": "2023-02-01"})
    found = fct_product_performance(sold)
    assertDataFrameEqual(found.select(*sold.columns), sold)
    added = "revenue_rank INT, units_rank INT, profit_rank INT, category_revenue_share DOUBLE"
    wanted = f"{INT_PRODUCT_METRICS}, {added}, performance_tier STRING"
    assertSchemaEqual(found.schema, frame(spark, wanted).schema)


def test_a_share_needs_no_room_for_cents(spark: SparkSession) -> None:
    """A third is a third: shares of a category add up to 1."""
    found = selling(spark, p1="0.01", p2="0.01", p3="0.01")
    assert found.agg(F.sum("category_revenue_share")).collect()[0][0] == pytest.approx(1)
