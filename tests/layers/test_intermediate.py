"""Orders, customers and products in numbers, from orders that were completed."""

from datetime import date
from decimal import Decimal

from builders import (
    INT_CUSTOMER_ORDERS,
    INT_CUSTOMER_PRODUCT_PURCHASES,
    INT_CUSTOMER_RFM,
    INT_PRODUCT_METRICS,
    Cells,
    by_key,
    customer_orders,
    customer_purchases,
    frame,
    order_items,
    orders,
    products,
    row,
)
from pyspark.sql import SparkSession
from pyspark.testing import assertDataFrameEqual, assertSchemaEqual

from ecommerce_lakehouse.layers.intermediate import (
    int_customer_orders,
    int_customer_product_purchases,
    int_customer_rfm,
    int_product_metrics,
)

AS_OF = date(2023, 12, 31)


def days_ago(days: int) -> date:
    return date.fromordinal(AS_OF.toordinal() - days)


# ── int_customer_orders ──────────────────────────────────────────────────────────────────────────


def test_an_order_is_its_lines_and_its_shipping(spark: SparkSession) -> None:
    """2 x 29.99 + 49.99 = 109.97, and 5.99 to ship it."""
    found = int_customer_orders(
        orders(spark, {"order_id": 7, "customer_id": 3, "shipping_cost": "5.99"}),
        order_items(
            spark,
            {"order_id": 7, "quantity": 2, "unit_price": "29.99"},
            {"order_id": 7, "quantity": 1, "unit_price": "49.99"},
            {"order_id": 8, "unit_price": "99.99"},
        ),
        AS_OF,
    )
    wanted = {
        "order_id": 7,
        "customer_id": 3,
        "order_date": "2023-02-01",
        "shipping_cost": "5.99",
        "order_subtotal": "109.97",
        "order_total": "115.96",
        "items_count": 2,
    }
    assertDataFrameEqual(found, frame(spark, INT_CUSTOMER_ORDERS, wanted))


def test_an_order_without_lines_is_worth_its_shipping(spark: SparkSession) -> None:
    """It was completed, so it stays: 0.00 for the goods, never NULL."""
    found = row(
        int_customer_orders(orders(spark, {"shipping_cost": "5.99"}), order_items(spark), AS_OF)
    )
    assert (found.order_subtotal, found.items_count) == (Decimal("0.00"), 0)
    assert found.order_total == Decimal("5.99")


def test_lines_of_unknown_products_and_free_lines_count(spark: SparkSession) -> None:
    """A reference that is not known yet is money all the same."""
    lines = order_items(spark, {"product_id": 404}, {"unit_price": "0.00"})
    found = row(int_customer_orders(orders(spark, {}), lines, AS_OF))
    assert (found.order_subtotal, found.items_count) == (Decimal("10.00"), 2)


def test_only_completed_orders_until_the_as_of_date_count(spark: SparkSession) -> None:
    """The as-of date itself is included, the day after is the future."""
    found = int_customer_orders(
        orders(
            spark,
            {"order_id": 1, "order_date": days_ago(1)},
            {"order_id": 2, "order_date": AS_OF},
            {"order_id": 3, "order_date": days_ago(-1)},
            {"order_id": 4, "order_status": "cancelled", "is_completed": False},
            {"order_id": 5, "customer_id": 404},
        ),
        order_items(spark),
        AS_OF,
    )
    assert by_key(found, "order_id", "customer_id") == {1: 1, 2: 1, 5: 404}


def test_an_order_is_wide_enough_for_the_greatest_lines(spark: SparkSession) -> None:
    """Two of the greatest line totals do not fit DECIMAL(18,2) any more."""
    greatest = {"quantity": 100_000_000, "unit_price": "99999999.99"}
    found = int_customer_orders(orders(spark, {}), order_items(spark, greatest, greatest), AS_OF)
    assert row(found).order_subtotal == Decimal("19999999998000000.00")


# ── int_customer_rfm ─────────────────────────────────────────────────────────────────────────────


def test_a_customer_in_numbers(spark: SparkSession) -> None:
    """Three orders of 100.00 in all: 33.333333 on average, from 1 February to 20 July."""
    found = int_customer_rfm(
        customer_orders(
            spark,
            {"customer_id": 3, "order_date": "2023-07-20", "order_total": "33.33"},
            {"customer_id": 3, "order_date": "2023-02-01", "order_total": "33.33"},
            {"customer_id": 3, "order_date": "2023-03-15", "order_total": "33.34"},
        ),
        date(2023, 8, 20),
    )
    wanted = {
        "customer_id": 3,
        "recency_days": 31,
        "frequency": 3,
        "monetary_value": "100.00",
        "avg_order_value": "33.333333",
        "first_order_date": "2023-02-01",
        "last_order_date": "2023-07-20",
        "customer_tenure_days": 169,
        "recency_score": 4,
        "frequency_score": 3,
        "monetary_score": 2,
        "rfm_total_score": 9,
        "rfm_segment_code": "432",
    }
    assertDataFrameEqual(found, frame(spark, INT_CUSTOMER_RFM, wanted))


def test_recency_scores_change_after_30_60_90_and_180_days(spark: SparkSession) -> None:
    scores = {0: 5, 30: 5, 31: 4, 60: 4, 61: 3, 90: 3, 91: 2, 180: 2, 181: 1, 3650: 1}
    last: list[Cells] = [{"customer_id": n, "order_date": days_ago(n)} for n in scores]
    found = int_customer_rfm(customer_orders(spark, *last), AS_OF)
    assert by_key(found, "recency_days", "recency_score") == scores
    assert by_key(found, "customer_id", "recency_days") == {n: n for n in scores}


def test_frequency_scores_change_at_2_3_4_and_5_orders(spark: SparkSession) -> None:
    scores = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 5}
    bought: list[Cells] = [{"customer_id": n} for n in scores for _ in range(n)]
    found = int_customer_rfm(customer_orders(spark, *bought), AS_OF)
    assert by_key(found, "frequency", "frequency_score") == scores


def test_monetary_scores_change_at_100_200_300_and_500(spark: SparkSession) -> None:
    """To the cent."""
    scores = {"0.00": 1, "99.99": 1, "100.00": 2, "199.99": 2, "200.00": 3}
    scores |= {"299.99": 3, "300.00": 4, "499.99": 4, "500.00": 5, "99999.00": 5}
    spent: list[Cells] = [{"customer_id": i, "order_total": t} for i, t in enumerate(scores)]
    found = int_customer_rfm(customer_orders(spark, *spent), AS_OF)
    wanted = {Decimal(amount): score for amount, score in scores.items()}
    assert by_key(found, "monetary_value", "monetary_score") == wanted


def test_the_total_score_adds_up_and_the_code_lists_the_three(spark: SparkSession) -> None:
    """181 days ago, twice, 500.00: 1 + 2 + 5, and "125" as text."""
    twice = {"order_date": days_ago(181), "order_total": "250.00"}
    found = row(int_customer_rfm(customer_orders(spark, twice, twice), AS_OF))
    assert (found.rfm_total_score, found.rfm_segment_code) == (8, "125")


def test_a_customer_is_not_known_before_the_first_order(spark: SparkSession) -> None:
    """Orders after the as-of date change nothing; who only has such is not there."""
    found = int_customer_rfm(
        customer_orders(
            spark,
            {"customer_id": 1, "order_date": AS_OF},
            {"customer_id": 1, "order_date": days_ago(-1)},
            {"customer_id": 2, "order_date": days_ago(-1)},
        ),
        AS_OF,
    )
    assert by_key(found, "customer_id", "frequency", "recency_days") == {1: (1, 0)}


# ── int_customer_product_purchases ───────────────────────────────────────────────────────────────


def test_a_customer_and_a_product_in_numbers(spark: SparkSession) -> None:
    """Two lines in one order count once as an order and twice as a price."""
    found = int_customer_product_purchases(
        order_items(
            spark,
            {"order_id": 1, "product_id": 7, "quantity": 1, "unit_price": "10.00"},
            {"order_id": 1, "product_id": 7, "quantity": 2, "unit_price": "10.00"},
            {"order_id": 2, "product_id": 7, "quantity": 9, "unit_price": "5.00"},
            {"order_id": 404, "product_id": 7, "quantity": 5, "unit_price": "99.99"},
        ),
        customer_orders(
            spark,
            {"order_id": 1, "customer_id": 3, "order_date": "2023-03-01"},
            {"order_id": 2, "customer_id": 3, "order_date": "2023-05-01"},
        ),
    )
    wanted = {
        "customer_id": 3,
        "product_id": 7,
        "orders_count": 2,
        "units": 12,
        "revenue": "75.00",  # 10 + 20 + 45
        "prices_sum": "25.00",  # 10 + 10 + 5
        "prices_count": 3,
        "first_order_date": "2023-03-01",
        "last_order_date": "2023-05-01",
    }
    assertDataFrameEqual(found, frame(spark, INT_CUSTOMER_PRODUCT_PURCHASES, wanted))


def test_every_pair_has_a_row_also_of_those_nobody_knows(spark: SparkSession) -> None:
    """Two orders of a day are two orders; a customer or product may arrive later."""
    found = int_customer_product_purchases(
        order_items(
            spark,
            {"order_id": 1, "product_id": 7},
            {"order_id": 1, "product_id": 8},
            {"order_id": 2, "product_id": 7},
            {"order_id": 3, "product_id": 404},
        ),
        customer_orders(
            spark,
            {"order_id": 1, "customer_id": 1},
            {"order_id": 2, "customer_id": 1},
            {"order_id": 3, "customer_id": 404},
        ),
    )
    counts = {(row.customer_id, row.product_id): row.orders_count for row in found.collect()}
    assert counts == {(1, 7): 2, (1, 8): 1, (404, 404): 1}


# ── int_product_metrics ──────────────────────────────────────────────────────────────────────────


def test_a_product_in_numbers(spark: SparkSession) -> None:
    """The average is over lines: not over customers, and not over pieces."""
    found = int_product_metrics(
        products(spark, {"product_id": 7, "cost_price": "6.00"}),
        customer_purchases(
            spark,
            {
                "customer_id": 1,
                "product_id": 7,
                "orders_count": 2,
                "units": 12,
                "revenue": "75.00",
                "prices_sum": "25.00",
                "prices_count": 3,
                "first_order_date": "2023-03-01",
                "last_order_date": "2023-05-01",
            },
            {"customer_id": 2, "product_id": 7},
            {"customer_id": 1, "product_id": 8, "units": 5},
        ),
    )
    wanted = {
        "product_id": 7,
        "product_name": "Mouse",
        "category": "Electronics",
        "cost_price": "6.00",
        "list_price": "10.00",
        "profit_margin": "4.00",
        "profit_margin_pct": "40.00",
        "orders_count": 3,
        "customers_count": 2,
        "units_sold": 13,
        "revenue": "85.00",
        "avg_selling_price": "8.75",  # (25 + 10) / (3 + 1)
        "total_profit": "7.00",  # 85 - 13 x 6
        "first_sale_date": "2023-02-01",
        "last_sale_date": "2023-05-01",
    }
    assertDataFrameEqual(found, frame(spark, INT_PRODUCT_METRICS, wanted))


def test_a_product_that_was_never_sold_has_zeros_and_no_dates(spark: SparkSession) -> None:
    """What nobody knows was bought is no row here."""
    found = int_product_metrics(
        products(spark, {"product_id": 1}), customer_purchases(spark, {"product_id": 404})
    )
    counts = ["orders_count", "customers_count", "units_sold"]
    amounts = ["revenue", "avg_selling_price", "total_profit"]
    days = ["first_sale_date", "last_sale_date"]
    zeros = (0, 0, 0, Decimal(0), Decimal(0), Decimal(0), None, None)
    assert by_key(found, "product_id", *counts, *amounts, *days) == {1: zeros}


def test_a_product_given_away_makes_a_loss(spark: SparkSession) -> None:
    """Sold for nothing is sold: it has units, dates and a cost."""
    found = row(
        int_product_metrics(
            products(spark, {"cost_price": "6.00"}),
            customer_purchases(spark, {"units": 2, "revenue": "0.00", "prices_sum": "0.00"}),
        )
    )
    assert (found.units_sold, found.revenue) == (2, Decimal("0.00"))
    assert found.total_profit == Decimal("-12.00")


# ── Types ────────────────────────────────────────────────────────────────────────────────────────


def test_types_of_intermediate(spark: SparkSession) -> None:
    """Sums of money are as wide as a decimal can be, and still have two decimals."""
    per_order = int_customer_orders(orders(spark), order_items(spark), AS_OF)
    per_customer = int_customer_rfm(customer_orders(spark), AS_OF)
    per_pair = int_customer_product_purchases(order_items(spark), customer_orders(spark))
    per_product = int_product_metrics(products(spark), per_pair)
    assertSchemaEqual(per_order.schema, frame(spark, INT_CUSTOMER_ORDERS).schema)
    assertSchemaEqual(per_customer.schema, frame(spark, INT_CUSTOMER_RFM).schema)
    assertSchemaEqual(per_pair.schema, frame(spark, INT_CUSTOMER_PRODUCT_PURCHASES).schema)
    assertSchemaEqual(per_product.schema, frame(spark, INT_PRODUCT_METRICS).schema)
