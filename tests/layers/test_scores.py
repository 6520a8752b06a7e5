"""What the models of the scoring job learn, and what they say of each customer."""

from collections import defaultdict
from datetime import date, timedelta
from random import Random

import numpy as np
import pytest
from builders import Cells, customer_orders, customers
from pyspark.ml.classification import LogisticRegression
from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse.layers.churn import chance_of_leaving
from ecommerce_lakehouse.layers.decisions import count_repeat_purchases
from ecommerce_lakehouse.layers.gold import dim_customer_segments, fct_customer_metrics
from ecommerce_lakehouse.layers.intermediate import int_customer_rfm
from ecommerce_lakehouse.layers.ml import ml_customer_features
from ecommerce_lakehouse.layers.scores import (
    churn_scores,
    customer_value,
    fit_churn,
    fit_value,
    judge_value,
    label_past_days,
    models,
    read_model,
    score_churn,
    take_sample,
)

DAY = date(2024, 6, 30)
PEOPLE = 60


def make_orders() -> list[Cells]:
    """Two years of orders. Every third customer stops somewhere in them."""
    random, orders = Random(11), list[Cells]()
    for customer in range(1, PEOPLE + 1):
        day = DAY - timedelta(days=random.randint(300, 700))
        last = DAY - timedelta(days=random.randint(100, 400) if customer % 3 == 0 else 0)
        while day <= last:
            orders.append(
                {
                    "order_id": len(orders) + 1,
                    "customer_id": customer,
                    "order_date": str(day),
                    "order_total": f"{random.randint(500, 9000) / 100:.2f}",
                }
            )
            day += timedelta(days=random.randint(5, 70))
    return orders


@pytest.fixture(scope="module")
def people(spark: SparkSession) -> DataFrame:
    return customers(spark, *[{"customer_id": n} for n in range(1, PEOPLE + 1)])


@pytest.fixture(scope="module")
def orders(spark: SparkSession) -> DataFrame:
    return customer_orders(spark, *make_orders()).localCheckpoint()


@pytest.fixture(scope="module")
def fitted(people: DataFrame, orders: DataFrame) -> DataFrame:
    return models(people, int_customer_rfm(orders, DAY), orders, DAY).localCheckpoint()


def test_each_model_says_what_it_learnt_from_and_how_well_it_did(fitted: DataFrame) -> None:
    told = defaultdict[tuple[str, str], set[str]](set)
    for row in fitted.collect():
        told[row.model, row.kind].add(row.name)
    error = {"error_percent", "error_usd"}
    assert told["churn", "metric"] == {"auc", "average_precision", "brier"}
    assert told["customer_value", "metric"] == error | {f"same_again_{name}" for name in error}
    assert told["customer_value", "parameter"] == {"r", "alpha", "a", "b", "p", "q", "gamma"}
    assert {row.fitted_on for row in fitted.collect()} == {DAY}
    values = {(row.model, row.name): row.value for row in fitted.collect()}
    assert values["customer_value", "rows"] == PEOPLE
    assert 0.5 < values["churn", "auc"] <= 1


def test_the_numbers_of_a_model_score_as_spark_s_own_model(
    people: DataFrame, orders: DataFrame
) -> None:
    labelled = label_past_days(people, orders, DAY).localCheckpoint()
    features = ml_customer_features(
        fct_customer_metrics(people, int_customer_rfm(orders, DAY)), orders, DAY
    )
    ours = score_churn(features, fit_churn(labelled))
    regression = LogisticRegression(labelCol="left", regParam=0.01)
    both = chance_of_leaving(labelled, ours, regression, "spark_s").collect()
    assert len({row.leaves_probability for row in both}) > PEOPLE / 2
    for row in both:
        assert row.leaves_probability == pytest.approx(row.spark_s, abs=1e-6)


def test_what_comes_after_the_day_changes_no_model_and_partitions_no_digit(
    people: DataFrame, orders: DataFrame, fitted: DataFrame
) -> None:
    later = [{"order_id": 9000 + n, "customer_id": n, "order_date": "2024-07-01"} for n in (1, 2)]
    more = orders.unionByName(customer_orders(orders.sparkSession, *later)).repartition(7)
    again = models(people, int_customer_rfm(more, DAY), more, DAY)
    both = [frame.orderBy("model", "kind", "name").collect() for frame in (fitted, again)]
    for one, other in zip(*both, strict=True):
        assert (one.model, one.kind, one.name) == (other.model, other.kind, other.name)
        assert one.value == pytest.approx(other.value, rel=1e-9)


def test_the_error_is_that_of_a_forecast_made_before(orders: DataFrame) -> None:
    """ "The same again" once more, in NumPy."""
    rows = [(r.customer_id, r.order_date, float(r.order_total)) for r in orders.collect()]
    middle, before = DAY - timedelta(days=182), DAY - timedelta(days=364)
    buyers = sorted({who for who, day, _ in rows if day <= middle})
    came, again = (
        np.array([sum(usd for who, day, usd in rows if who == b and a < day <= z) for b in buyers])
        for a, z in ((middle, DAY), (before, middle))
    )
    judged = judge_value(orders, DAY)
    off = 100 * (again.sum() - came.sum()) / came.sum()
    assert judged["same_again_error_percent"] == pytest.approx(off, abs=0.006)
    assert judged["same_again_error_usd"] == pytest.approx(abs(again - came).mean(), abs=0.006)


def test_scores_of_everybody_who_bought_beside_the_old_rule(
    people: DataFrame, orders: DataFrame, fitted: DataFrame
) -> None:
    rfm = int_customer_rfm(orders, DAY)
    metrics = fct_customer_metrics(people, rfm)
    segments = dim_customer_segments(metrics)
    features = ml_customer_features(metrics, orders, DAY)
    worth, leaving = (
        {row.customer_id: row for row in scores.collect()}
        for scores in (
            customer_value(fitted, rfm, orders, segments, DAY),
            churn_scores(fitted, features, orders, DAY),
        )
    )
    assert set(worth) == set(leaving) == {row.customer_id for row in rfm.collect()}
    for row in worth.values():
        usd = row.expected_purchases * float(row.expected_value)
        assert float(row.expected_spend_12m) == pytest.approx(usd, rel=0.01, abs=0.02)
        assert 0 <= row.p_alive <= 1 and row.fitted_on == DAY
    stopped = [row.leaves_probability for who, row in leaving.items() if who % 3 == 0]
    others = [row.leaves_probability for who, row in leaving.items() if who % 3]
    assert np.mean(stopped) > np.mean(others) + 0.3


def test_too_few_customers_make_no_model_and_no_scores(
    people: DataFrame, orders: DataFrame
) -> None:
    one = orders.where("customer_id = 1")
    rfm = int_customer_rfm(one, DAY)
    made = models(people, rfm, one, DAY)
    assert read_model(made, "customer_value") == ({}, None)
    assert fit_value(count_repeat_purchases(rfm, one, DAY)) == {}
    metrics = fct_customer_metrics(people, rfm)
    worth = customer_value(made, rfm, one, dim_customer_segments(metrics), DAY)
    assert worth.isEmpty()
    full = customer_value(made.where("false"), rfm, one, dim_customer_segments(metrics), DAY)
    assert worth.schema == full.schema


def test_a_sample_is_of_whole_customers_and_the_same_each_time(orders: DataFrame) -> None:
    assert take_sample(orders).count() == orders.count()
    few = take_sample(orders, most=orders.count() // 3)
    assert 0 < few.count() < orders.count() / 1.5
    chosen = few.select("customer_id").distinct()
    assert few.count() == orders.join(chosen, "customer_id").count()
    again = take_sample(orders.repartition(5), most=orders.count() // 3)
    assert sorted(again.collect()) == sorted(few.collect())
