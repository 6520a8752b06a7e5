"""Who leaves: features of earlier days, labels of later ones, and how forecasts are judged."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from random import Random
from typing import Any

import duckdb
import pandas as pd
import pytest
from builders import Cells, by_key, customer_orders, customers
from pyspark.ml.classification import GBTClassifier, LogisticRegression
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.testing import assertDataFrameEqual

from ecommerce_lakehouse.layers.churn import (
    KNOWN,
    brier,
    calibration,
    campaign_result,
    chance_of_leaving,
    counts_by_score,
    features_at,
    gains,
    ranking,
    rows_that_peek,
    with_label,
    with_stake,
)

CUTOFF = date(2024, 3, 31)
BEFORE: list[Cells] = [
    {"order_id": 1, "customer_id": 1, "order_date": "2024-01-05", "order_total": "10.00"},
    {"order_id": 2, "customer_id": 1, "order_date": "2024-03-31", "order_total": "30.00"},
    {"order_id": 3, "customer_id": 2, "order_date": "2023-09-01", "order_total": "7.00"},
]
AFTER: list[Cells] = [
    {"order_id": 4, "customer_id": 1, "order_date": "2024-04-01", "order_total": "500.00"},
    {"order_id": 5, "customer_id": 2, "order_date": "2024-05-01", "order_total": "500.00"},
    {"order_id": 6, "customer_id": 3, "order_date": "2024-05-02", "order_total": "500.00"},
]


def people(spark: SparkSession) -> DataFrame:
    return customers(spark, *[{"customer_id": who} for who in (1, 2, 3)])


def scored(spark: SparkSession, *rows: tuple[float, int]) -> DataFrame:
    """A row for each score and whether the customer left."""
    return spark.createDataFrame(pd.DataFrame(list(rows), columns=["score", "left"]))


# ── What is known, and what came ─────────────────────────────────────────────────────────────────


def test_later_orders_change_no_feature_and_no_earlier_label(spark: SparkSession) -> None:
    """Customer 3, who first buys after the cut-off, is not among its rows."""
    then = customer_orders(spark, *BEFORE)
    today = customer_orders(spark, *BEFORE, *AFTER)
    features = features_at(people(spark), then, CUTOFF)
    assertDataFrameEqual(features_at(people(spark), today, CUTOFF), features)
    assert set(by_key(features, "customer_id", "recency_days").items()) == {(1, 0), (2, 212)}
    january = (date(2024, 1, 1), date(2024, 1, 31))
    early = with_label(features, then, *january)
    assertDataFrameEqual(with_label(features, today, *january), early)
    assert by_key(early, "customer_id", "left") == {1: 0, 2: 1}


@pytest.mark.parametrize(
    ("day", "left"),
    [("2024-04-07", 1), ("2024-04-08", 0), ("2024-07-06", 0), ("2024-07-07", 1)],
)
def test_the_label_knows_its_days_only(spark: SparkSession, day: str, left: int) -> None:
    """Not the gap before them, not what comes after; both ends count, and two orders are one."""
    came = [{"customer_id": 1, "order_id": n, "order_date": day} for n in (7, 8)]
    features = features_at(people(spark), customer_orders(spark, *BEFORE), CUTOFF)
    days = (CUTOFF + timedelta(days=8), CUTOFF + timedelta(days=97))
    found = with_label(features, customer_orders(spark, *BEFORE, *came), *days)
    assert by_key(found, "customer_id", "left") == {1: left, 2: 1}


def test_a_planted_leak_is_found(spark: SparkSession) -> None:
    """A feature from the label's window: one customer has it, and without that day nobody."""
    orders = customer_orders(spark, *BEFORE, *AFTER)

    def honest(orders: DataFrame) -> DataFrame:
        return features_at(people(spark), orders, CUTOFF)

    def leaking(orders: DataFrame) -> DataFrame:
        later = orders.where(F.col("order_date") == F.lit(date(2024, 4, 1)))
        return later.groupBy("customer_id").agg(F.sum("order_total").alias("spent"))

    assert rows_that_peek(honest, orders, CUTOFF) == 0
    assert rows_that_peek(leaking, orders, CUTOFF) == 1


# ── Learning ─────────────────────────────────────────────────────────────────────────────────────


def made_up(spark: SparkSession, seed: int, *, shuffled: bool = False) -> DataFrame:
    """Features of 500 customers; who has been away for long leaves more often."""
    random = Random(seed)
    rows = pd.DataFrame({"customer_id": range(500), "cutoff": CUTOFF})
    for name in KNOWN:
        rows[name] = [random.uniform(0, 400) for _ in range(500)]
    rows["left"] = [int(random.uniform(-150, 150) + days > 200) for days in rows["recency_days"]]
    if shuffled:
        rows["left"] = random.sample(rows["left"].tolist(), 500)
    return spark.createDataFrame(rows)


def auc_of(training: DataFrame, test: DataFrame) -> float:
    model = LogisticRegression(labelCol="left", regParam=0.01)
    found = ranking(counts_by_score(chance_of_leaving(training, test, model, "chance"), "chance"))
    assert found["auc"] is not None
    return found["auc"]


def test_shuffled_labels_teach_nothing(spark: SparkSession) -> None:
    """An AUC near 0.5: with 500 customers its standard error is below 0.03, and four are allowed.

    With the labels in their places it is far from there, so the test could fail.
    """
    test = made_up(spark, seed=2)
    assert auc_of(made_up(spark, seed=1), test) > 0.8
    shuffled = made_up(spark, seed=1, shuffled=True), made_up(spark, seed=3, shuffled=True)
    assert auc_of(*shuffled) == pytest.approx(0.5, abs=0.12)


def test_a_model_is_the_same_however_its_rows_lie(spark: SparkSession) -> None:
    """To the last bit, for the sums of the one model and the limits of the other."""
    rows, test = made_up(spark, seed=1).where("customer_id < 120"), made_up(spark, seed=2)
    otherwise = rows.orderBy(F.rand(5)).repartition(5)
    models = (
        LogisticRegression(labelCol="left", regParam=0.01),
        GBTClassifier(labelCol="left", maxIter=2, maxDepth=2, seed=7),
    )
    for model in models:
        one, other = (chance_of_leaving(each, test, model, "chance") for each in (rows, otherwise))
        assert by_key(one, "customer_id", "chance") == by_key(other, "customer_id", "chance")


@pytest.mark.parametrize(("condition", "share"), [("false", 0.0), ("left = 1", 1.0)])
def test_where_there_is_nothing_to_learn_everybody_gets_the_share(
    spark: SparkSession, condition: str, share: float
) -> None:
    test = made_up(spark, seed=2).limit(2)
    training = made_up(spark, seed=1).where(condition)
    found = chance_of_leaving(training, test, LogisticRegression(labelCol="left"), "chance")
    assert [row.chance for row in found.collect()] == [share, share]


# ── Judging ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def judged() -> pd.DataFrame:
    """Scores of two digits, so that many customers share one."""
    random = Random(11)
    scores = [round(random.betavariate(2, 1), 2) for _ in range(300)]
    return pd.DataFrame({"score": scores, "left": [int(random.random() < s) for s in scores]})


def by_pairs(rows: pd.DataFrame) -> float:
    """The AUC as it is defined: of each pair, is the one who left in front?"""
    left, stayed = (rows.loc[rows["left"] == side, "score"] for side in (1, 0))
    return sum((a > b) + (a == b) / 2 for a, b in product(left, stayed)) / len(left) / len(stayed)


BY_DUCKDB = """
    WITH places AS (
        SELECT "left", score,
            count(*) OVER (ORDER BY score DESC) AS so_far,
            sum("left") OVER (ORDER BY score DESC) AS left_so_far
        FROM rows
    )
    SELECT avg(left_so_far / so_far) FILTER ("left" = 1), avg(power(score - "left", 2)) FROM places
"""
"""A window with ORDER BY alone ends with the last of those who share a score."""


def test_measures_agree_with_others_ways_to_work_them_out(
    spark: SparkSession, judged: pd.DataFrame
) -> None:
    counts = counts_by_score(spark.createDataFrame(judged).repartition(3), "score")
    with duckdb.connect() as db:
        db.register("rows", judged)
        (other,) = db.execute(BY_DUCKDB).fetchall()
    assert ranking(counts) == {
        "auc": pytest.approx(by_pairs(judged)),
        "average_precision": pytest.approx(other[0]),
    }
    assert brier(counts) == pytest.approx(other[1])
    rate = judged["left"].mean()
    everybody = counts_by_score(spark.createDataFrame(judged.assign(score=rate)), "score", 9)
    assert ranking(everybody) == {"auc": 0.5, "average_precision": pytest.approx(rate)}
    assert brier(everybody) == pytest.approx(rate * (1 - rate))


def test_without_two_sides_there_is_no_order(spark: SparkSession) -> None:
    nobody = counts_by_score(scored(spark, (0.5, 1)).where("false"), "score")
    one_side = counts_by_score(scored(spark, (0.5, 1), (0.7, 1)), "score")
    assert ranking(nobody) == ranking(one_side) == {"auc": None, "average_precision": None}
    assert brier(nobody) is None
    assert brier(one_side) == pytest.approx((0.25 + 0.09) / 2)
    assert calibration(nobody).empty


def test_everybody_is_in_a_tenth(spark: SparkSession) -> None:
    """0.3 is the first of its tenth, whatever 10 x 0.3 is as a float; 1.0 is in the last one."""
    rows = [(0.0, 0), (0.299, 1), (0.3, 0), (0.7, 1), (0.7, 0), (1.0, 1)]
    found = calibration(counts_by_score(scored(spark, *rows), "score"))
    assert found.to_dict("split")["data"] == [
        ["0 to 10%", 1, 0.0, 0.0],
        ["20 to 30%", 1, 29.9, 100.0],
        ["30 to 40%", 1, 30.0, 0.0],
        ["70 to 80%", 2, 70.0, 50.0],
        ["90 to 100%", 1, 100.0, 100.0],
    ]


def test_gains_begin_with_nobody_and_end_with_all(spark: SparkSession) -> None:
    """Of two who share a score, half are called with half of the calls."""
    rows = scored(spark, (0.9, 1), (0.5, 1), (0.5, 0), (0.1, 0))
    usd = F.when(F.col("score") > 0.6, Decimal("30.00")).otherwise(Decimal("10.00"))
    found = gains(counts_by_score(rows.withColumn("usd", usd), "score", amount="usd"), step=25)
    assert found["called_percent"].tolist() == [0, 25, 50, 75, 100]
    assert found["left_percent"].tolist() == [0.0, 50.0, 75.0, 100.0, 100.0]
    assert found["lost_usd_percent"].tolist() == [0.0, 75.0, 87.5, 100.0, 100.0]
    nobody = counts_by_score(rows.withColumn("usd", usd).where("false"), "score", amount="usd")
    assert gains(nobody, step=50)["left_percent"].tolist() == [0.0, 0.0, 0.0]


# ── Calling ──────────────────────────────────────────────────────────────────────────────────────


def test_at_stake_is_what_the_days_before_brought(spark: SparkSession) -> None:
    """Half of 180 days for the 90 to come, in cents; 0.00 for who was not there, no later order."""
    orders = customer_orders(
        spark,
        {"customer_id": 1, "order_date": "2023-10-03", "order_total": "100.00"},
        {"customer_id": 1, "order_date": "2023-10-04", "order_total": "10.01"},
        {"customer_id": 1, "order_date": "2024-03-31", "order_total": "20.00"},
        {"customer_id": 1, "order_date": "2024-04-01", "order_total": "100.00"},
    )
    found = with_stake(people(spark), orders, CUTOFF)
    wanted: dict[int, Any] = {1: Decimal("15.01"), 2: Decimal("0.00"), 3: Decimal("0.00")}
    assert by_key(found, "customer_id", "at_stake") == wanted
    assert dict(found.dtypes)["at_stake"] == "decimal(38,2)"


def test_a_call_earns_where_somebody_would_have_left_and_always_costs(spark: SparkSession) -> None:
    called = spark.createDataFrame(
        [(1, Decimal("100.00")), (1, Decimal("0.00")), (0, Decimal("900.00"))],
        "left INT, at_stake DECIMAL(38,2)",
    )
    by_hand = {"calls": 3, "left": 2, "lost_usd": Decimal("100.00"), "earned_usd": Decimal("5.00")}
    assert campaign_result(called, Decimal("0.20"), Decimal("5.00")) == by_hand
    nobody = campaign_result(called.where("false"), Decimal("0.20"), Decimal("5.00"))
    assert nobody == {"calls": 0, "left": 0, "lost_usd": 0, "earned_usd": 0}
