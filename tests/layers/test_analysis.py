"""What the segments are worth: what their customers did next, who moved, which scores rank best."""

from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from builders import by_key, customer_orders, customers, frame, row
from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse.layers.analysis import (
    activity_after,
    migrations,
    score_by_rank,
    segments_on,
    share_of_best,
    spent_by_score,
)

DAY = date(2024, 1, 1)
FREQUENT = [{"order_id": n, "order_date": "2023-12-20", "order_total": "100.00"} for n in range(5)]


def segments(spark: SparkSession, *rows: tuple[int, str]) -> DataFrame:
    return spark.createDataFrame(list(rows), "customer_id BIGINT, customer_segment STRING")


def monthly(spark: SparkSession, *rows: tuple[str, int, str]) -> DataFrame:
    dated = [(date.fromisoformat(day), customer, name) for day, customer, name in rows]
    return spark.createDataFrame(dated, "day DATE, customer_id BIGINT, customer_segment STRING")


def numbers(spark: SparkSession, *rows: tuple[int, int, int, str]) -> DataFrame:
    """Recency, frequency and monetary value by customer."""
    names = ("customer_id", "recency_days", "frequency", "monetary_value")
    columns = "customer_id BIGINT, recency_days INT, frequency BIGINT, monetary_value DECIMAL(38,2)"
    return frame(spark, columns, *[dict(zip(names, cells, strict=True)) for cells in rows])


# ── segments_on ──────────────────────────────────────────────────────────────────────────────────


def test_who_registers_later_is_nobody_yet(spark: SparkSession) -> None:
    """Somebody who registers on the day itself is a Prospect."""
    people = customers(
        spark,
        {"customer_id": 1, "customer_created_at": "2024-01-01"},
        {"customer_id": 2, "customer_created_at": "2024-01-02"},
    )
    found = segments_on(people, customer_orders(spark), DAY)
    assert by_key(found, "customer_id", "customer_segment") == {1: "Prospects"}


def test_an_order_of_the_next_day_makes_no_champion(spark: SparkSession) -> None:
    people = customers(spark, {"customer_id": 1}, {"customer_id": 2})
    early = [{**order, "customer_id": 1} for order in FREQUENT]
    late = [{**order, "customer_id": 2, "order_date": "2024-01-02"} for order in FREQUENT]
    found = segments_on(people, customer_orders(spark, *early, *late), DAY)
    assert by_key(found, "customer_id", "customer_segment") == {1: "Champions", 2: "Prospects"}


def test_who_does_not_buy_leaves_the_champions_by_way_of_the_loyal(spark: SparkSession) -> None:
    """The lesson says so of steps of 30 days: it follows from the limits alone."""
    people, orders = customers(spark, {}), customer_orders(spark, *FREQUENT)
    days = [date(2023, 12, 20) + timedelta(days=30 * step) for step in range(5)]
    names = [row(segments_on(people, orders, day)).customer_segment for day in days]
    assert names == ["Champions", "Champions", "Champions", "Loyal Customers", "At Risk"]


# ── activity_after ───────────────────────────────────────────────────────────────────────────────


def test_the_mean_is_over_all_customers_of_a_segment(spark: SparkSession) -> None:
    """One of four bought: twice, for 80.00; the others count with zero."""
    orders = customer_orders(
        spark,
        {"order_id": 1, "order_date": "2024-02-01", "order_total": "30.00"},
        {"order_id": 2, "order_date": "2024-03-01", "order_total": "50.00"},
    )
    then = segments(spark, *[(customer, "Lost") for customer in (1, 2, 3, 4)])
    found = row(activity_after(then, orders, DAY))
    assert found.customers == 4
    assert found.bought_percent == 25.0
    assert found.orders_per_customer == 0.5
    assert found.usd_per_customer == 20.0
    assert found.margin_usd == 39.2  # 1.96 x 40.00 / 2


def test_what_was_bought_on_the_day_is_not_later(spark: SparkSession) -> None:
    orders = customer_orders(spark, {"order_date": "2024-01-01"})
    assert row(activity_after(segments(spark, (1, "Lost")), orders, DAY)).bought_percent == 0


def test_a_segment_nobody_of_whom_bought_is_a_row(spark: SparkSession) -> None:
    """And the best segment is the first one."""
    orders = customer_orders(spark, {"order_date": "2024-02-01"})
    then = segments(spark, (1, "Others"), (2, "Lost"), (3, "Lost"))
    found = activity_after(then, orders, DAY).collect()
    assert [(each.customer_segment, each.usd_per_customer) for each in found] == [
        ("Others", 10.0),
        ("Lost", 0.0),
    ]


# ── migrations ───────────────────────────────────────────────────────────────────────────────────


def test_each_step_of_each_customer_counts_once(spark: SparkSession) -> None:
    """The order of the rows does not matter; who stays counts too; the last day is no step."""
    days = monthly(
        spark,
        ("2024-03-01", 1, "At Risk"),
        ("2024-01-31", 1, "Champions"),
        ("2024-01-01", 1, "Champions"),
        ("2024-01-01", 2, "Champions"),
        ("2024-01-31", 2, "Champions"),
        ("2024-03-01", 2, "Champions"),
    )
    found = [tuple(each) for each in migrations(days).collect()]
    assert found == [("Champions", "At Risk", 1), ("Champions", "Champions", 3)]


def test_the_first_day_of_somebody_new_is_no_move(spark: SparkSession) -> None:
    days = monthly(spark, ("2024-01-01", 1, "Lost"), ("2024-01-31", 1, "Lost"))
    new = monthly(spark, ("2024-01-31", 2, "Prospects"))
    assert [tuple(each) for each in migrations(days.union(new)).collect()] == [("Lost", "Lost", 1)]


# ── score_by_rank ────────────────────────────────────────────────────────────────────────────────


def test_five_customers_get_five_scores(spark: SparkSession) -> None:
    """Few days since the last order are good; many orders and much money are."""
    table = numbers(spark, *[(n, 100 - n, n, f"{n}.00") for n in range(1, 6)])
    found = by_key(
        score_by_rank(table), "customer_id", "recency_score", "frequency_score", "monetary_score"
    )
    assert found == {n: (n, n, n) for n in range(1, 6)}
    assert by_key(score_by_rank(table), "customer_id", "rfm_total_score")[5] == 15


@pytest.mark.parametrize("others", [0, 1, 7])
def test_equals_get_the_same_score(spark: SparkSession, others: int) -> None:
    """Six customers who came once: nobody is worse, so all have a 1, however many are better."""
    twins = [(n, 10, 1, "10.00") for n in range(6)]
    better = [(10 + n, 10, 2 + n, "10.00") for n in range(others)]
    scores = by_key(
        score_by_rank(numbers(spark, *twins, *better)), "customer_id", "frequency_score"
    )
    assert {scores[n] for n in range(6)} == {1}
    assert all(scores[10 + n] == 1 + 5 * (6 + n) // (6 + others) for n in range(others))


# ── spent_by_score ───────────────────────────────────────────────────────────────────────────────


def test_scores_are_of_the_day_and_spend_is_of_the_days_after(spark: SparkSession) -> None:
    """Two customers a year ago: one comes back on the last day that counts, one a day too late."""
    orders = customer_orders(
        spark,
        {"order_id": 1, "customer_id": 1, "order_date": "2023-01-01"},
        {"order_id": 2, "customer_id": 2, "order_date": "2024-01-01"},
        {"order_id": 3, "customer_id": 1, "order_date": "2024-01-31", "order_total": "70.00"},
        {"order_id": 4, "customer_id": 2, "order_date": "2024-02-01", "order_total": "900.00"},
        {"order_id": 5, "customer_id": 3, "order_date": "2024-01-02", "order_total": "8.00"},
    )
    found = spent_by_score(orders, DAY, 30).collect()
    assert {row.since for row in found} == {DAY}
    assert {(row.method, row.score, row.customers, row.spent_usd) for row in found} == {
        ("fixed limits", 3, 1, 70.0),
        ("fixed limits", 7, 1, 0.0),
        ("fifths", 3, 1, 70.0),
        ("fifths", 5, 1, 0.0),
        ("recency alone", -365, 1, 70.0),
        ("recency alone", 0, 1, 0.0),
    }


# ── share_of_best ────────────────────────────────────────────────────────────────────────────────


def by_score(*rows: tuple[int, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["score", "customers", "spent_usd"])


@pytest.mark.parametrize(
    ("rows", "share"),
    [
        ([(1, 80, 40.0), (5, 20, 60.0)], 0.6),  # the best fifth are those with a 5
        ([(5, 20, 60.0), (1, 80, 40.0)], 0.6),  # whatever the order of the rows
        ([(1, 60, 40.0), (5, 40, 60.0)], 0.3),  # of equals, as many as there is room for
        ([(1, 80, 0.0), (4, 10, 50.0), (5, 10, 50.0)], 1.0),
        ([(3, 100, 50.0)], 0.2),  # a score that tells nobody apart finds what chance finds
        ([(3, 100, 0.0)], 0.0),
        ([], 0.0),
    ],
)
def test_the_best_fifth_brought_its_part(rows: list[tuple[int, int, float]], share: float) -> None:
    assert share_of_best(by_score(*rows)) == pytest.approx(share)


def test_money_is_added_up_before_it_is_divided(spark: SparkSession) -> None:
    """A third of 10.00 is 3.33."""
    orders = customer_orders(spark, {"order_date": "2024-02-01"})
    then = segments(spark, (1, "Lost"), (2, "Lost"), (3, "Lost"))
    found = row(activity_after(then, orders, DAY)).usd_per_customer
    assert Decimal(str(found)) == Decimal("3.33")
