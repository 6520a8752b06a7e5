"""How often a customer will still buy, and for how much: BG/NBD and Gamma-Gamma."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import Cells, by_key, customer_orders, frame, rfm
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from scipy import stats
from scipy.integrate import quad
from scipy.special import roots_genlaguerre, roots_sh_jacobi

from ecommerce_lakehouse import MemoryLakehouse
from ecommerce_lakehouse.imports.fetch import fetch
from ecommerce_lakehouse.layers.decisions import (
    count_repeat_purchases,
    expect_purchases,
    expect_value,
    fit_model,
    fit_purchase_value,
    fit_purchases,
    weigh_histories,
    weigh_values,
)

HISTORIES = """
    customer_id BIGINT, repeat_purchases BIGINT, recency_weeks DOUBLE, age_weeks DOUBLE,
    repeat_value DECIMAL(38,6)
"""
R, ALPHA, A, B = BUYING = (1.2, 6.0, 1.4, 2.6)
P, Q, GAMMA = WORTH = (6.25, 3.74, 15.44)
QUIET: list[tuple[int, float, float]] = [(0, 0, 30), (1, 3, 30), (4, 29, 30), (4, 12, 30)]
"""Repeat purchases, weeks from the first to the last, weeks from the first until now."""


def histories(spark: SparkSession, *rows: Cells) -> DataFrame:
    return frame(spark, HISTORIES, *rows)


def over_all_customers(likelihood: Callable[[Any, Any], Any]) -> float:
    """The mean over paces and probabilities to leave: Gauss's quadrature with both densities."""
    paces, pace_weights = roots_genlaguerre(80, R - 1)
    leaving, leaving_weights = roots_sh_jacobi(80, A + B - 1, A)
    at = likelihood(paces[:, None] / ALPHA, leaving[None, :])
    total = float(pace_weights @ at @ leaving_weights)
    return total / float(pace_weights.sum() * leaving_weights.sum())


# ── What the models are told ─────────────────────────────────────────────────────────────────────


def test_a_history_counts_forward_from_the_first_day_with_an_order(spark: SparkSession) -> None:
    """Two orders on one day are one purchase; the first day and later orders do not count."""
    days = {1: ["01-01", "01-15", "01-15", "02-12", "05-01"], 2: ["03-12"]}
    placed: list[Cells] = [
        {"order_id": at, "customer_id": c, "order_date": f"2024-{day}", "order_total": f"{at}.00"}
        for at, (c, day) in enumerate((c, day) for c, each in days.items() for day in each)
    ]
    seen = rfm(
        spark,
        {
            "customer_id": 1,
            "first_order_date": "2024-01-01",
            "last_order_date": "2024-02-12",
            "frequency": 4,
        },
        {"customer_id": 2, "first_order_date": "2024-03-12", "last_order_date": "2024-03-12"},
    )
    found = count_repeat_purchases(seen, customer_orders(spark, *placed), date(2024, 3, 18))
    columns = ("repeat_purchases", "recency_weeks", "age_weeks", "repeat_value")
    known = by_key(found, "customer_id", *columns)
    assert known[1] == (2, 6.0, 11.0, Decimal("3.000000"))  # 1.00 + 2.00 on one day, then 3.00
    assert known[2] == (0, 0.0, pytest.approx(6 / 7), None)


# ── The same by integration ──────────────────────────────────────────────────────────────────────


def still_here(x: int, age: float) -> Callable[[Any, Any], Any]:
    """How likely it is to buy x times in so many weeks, and to stay every time."""
    return lambda pace, leaves: (1 - leaves) ** x * pace**x * np.exp(-pace * age)


@pytest.mark.parametrize(("x", "recency", "age"), QUIET)
def test_a_history_is_as_likely_as_integration_says(x: int, recency: float, age: float) -> None:
    def left(pace: Any, leaves: Any) -> Any:
        return leaves * (1 - leaves) ** (x - 1) * pace**x * np.exp(-pace * recency)

    right = [over_all_customers(still_here(x, age)), over_all_customers(left) if x else 0.0]
    assert np.exp(weigh_histories(BUYING, x, recency, age)) == pytest.approx(right)


@pytest.mark.parametrize("weeks", [4.0, 104.0])
def test_what_is_expected_is_what_integration_says(spark: SparkSession, weeks: float) -> None:
    """Who is still here buys at their pace until they leave: (1 - exp(-pace p weeks)) / p."""
    rows: list[Cells] = [
        {"customer_id": at, "repeat_purchases": x, "recency_weeks": recency, "age_weeks": age}
        for at, (x, recency, age) in enumerate(QUIET)
    ]
    known = expect_purchases(histories(spark, *rows), BUYING, weeks)
    found = by_key(known, "customer_id", "p_alive", "expected_purchases")
    for at, (x, recency, age) in enumerate(QUIET):
        here = still_here(x, age)

        def buys(pace: Any, leaves: Any, here: Any = here) -> Any:
            return here(pace, leaves) * -np.expm1(-pace * leaves * weeks) / leaves

        whole = float(np.exp(np.logaddexp(*weigh_histories(BUYING, x, recency, age))))
        right = (over_all_customers(here) / whole, over_all_customers(buys) / whole)
        assert found[at] == pytest.approx(right)


@pytest.mark.parametrize(("x", "usd"), [(1, 20.0), (1, 300.0), (7, 41.5)])
def test_a_value_is_as_likely_as_integration_says(x: int, usd: float) -> None:
    """A mean of x purchases is gamma(p x, nu x), and nu is gamma(q, gamma)."""

    def at(nu: float) -> float:
        mean = stats.gamma(P * x, scale=1 / (nu * x))
        return float(mean.pdf(usd) * stats.gamma(Q, scale=1 / GAMMA).pdf(nu))

    likely = quad(at, 0, 20, points=[(P * x + Q) / (GAMMA + x * usd)])[0]
    assert np.exp(weigh_values(WORTH, x, usd)) == pytest.approx(likely)


def test_a_long_history_is_no_obstacle(spark: SparkSession) -> None:
    """Somebody who bought a thousand times is still here, at their own pace."""
    rows: list[Cells] = [
        {"customer_id": last, "repeat_purchases": 1_000, "recency_weeks": last, "age_weeks": 500}
        for last in (50.0, 499.5)
    ]
    known = expect_purchases(histories(spark, *rows), BUYING, 1.0)
    found = by_key(known, "customer_id", "p_alive", "expected_purchases")
    assert found[499] == pytest.approx((1.0, 2.0), rel=0.05)
    assert found[50] == (0, 0)


def test_a_value_is_nearer_to_ones_own_mean_the_more_one_bought(spark: SparkSession) -> None:
    """Without a repeat purchase it is the mean of all: p gamma / (q - 1)."""
    rows: list[Cells] = [
        {"customer_id": count, "repeat_purchases": count, "repeat_value": "100" if count else None}
        for count in (0, 1, 10, 1_000)
    ]
    found = by_key(expect_value(histories(spark, *rows), WORTH), "customer_id", "expected_value")
    assert found[0] == pytest.approx(6.25 * 15.44 / 2.74)
    assert found[0] < found[1] < found[10] < found[1_000] == pytest.approx(100, rel=0.01)


# ── Fitting ──────────────────────────────────────────────────────────────────────────────────────


def simulate(customers: int, buying: tuple[float, ...], worth: tuple[float, ...]) -> pd.DataFrame:
    """Customers who buy and leave as the two models say, seen after one to three years."""
    rng = np.random.default_rng(1)
    (r, alpha, a, b), (p, q, gamma) = buying, worth
    rows = []
    for customer in range(customers):
        pace, leaves, scale = rng.gamma(r, 1 / alpha), rng.beta(a, b), 1 / rng.gamma(q, 1 / gamma)
        age, now, bought = rng.uniform(52, 156), 0.0, 0
        while (wait := rng.exponential(1 / pace)) + now <= age:
            now, bought = now + wait, bought + 1
            if rng.random() < leaves:
                break
        usd = rng.gamma(p, scale, bought).mean() if bought else None
        rows.append((customer, bought, now, age, usd))
    columns = ["customer_id", "repeat_purchases", "recency_weeks", "age_weeks", "repeat_value"]
    return pd.DataFrame(rows, columns=columns)


def test_what_customers_were_simulated_with_is_found_again(spark: SparkSession) -> None:
    """Four thousand customers of one to three years tell each number to 15 %."""
    buying, worth = (0.8, 4.0, 0.9, 2.5), (6.0, 4.0, 15.0)
    shop = spark.createDataFrame(simulate(4_000, buying, worth))
    assert fit_purchases(shop) == pytest.approx(buying, rel=0.15)
    assert fit_purchase_value(shop) == pytest.approx(worth, rel=0.15)


def test_equal_histories_count_as_often_as_there_are(spark: SparkSession) -> None:
    """Of counts, the most likely mean (Poisson) is their mean, however often one is there."""
    counts = spark.createDataFrame([(1,), (1,), (1,), (5,)], "count BIGINT")
    found = fit_model(lambda mean, count: count * np.log(mean) - mean, (1,), counts, "count")
    assert found == pytest.approx([2.0])


def test_a_search_without_an_end_is_an_error(spark: SparkSession) -> None:
    counts = spark.createDataFrame([(1,)], "count BIGINT")
    calls = iter(range(1_000_000))
    with pytest.raises(ValueError, match="evaluations"):
        fit_model(lambda mean, count: 0 * mean + next(calls), (1,), counts, "count")


def test_another_currency_changes_the_scale_alone(spark: SparkSession) -> None:
    shop = spark.createDataFrame(simulate(300, BUYING, WORTH))
    p, q, gamma = fit_purchase_value(shop)
    other = shop.withColumn("repeat_value", F.col("repeat_value") * 1e6)
    assert fit_purchase_value(other) == pytest.approx((p, q, gamma * 1e6), rel=1e-4)


# ── A real shop ──────────────────────────────────────────────────────────────────────────────────

SEEN_ON, UNTIL = date(1997, 9, 30), date(1998, 4, 2)


@pytest.fixture(scope="module")
def cdnow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cdnow")
    fetch("cdnow-sample", folder)
    return folder


def known_of(shop: MemoryLakehouse) -> DataFrame:
    orders = shop.read("int_customer_orders")
    return count_repeat_purchases(shop.read("int_customer_rfm"), orders, shop.as_of_date)


@pytest.mark.nightly
def test_the_published_numbers_come_from_cdnow_s_raw_transactions(
    spark: SparkSession, cdnow: Path
) -> None:
    """Fader, Hardie and Lee (2005), table 2; Fader and Hardie (2013), section 4.

    The first 39 weeks of one customer in ten, through this project's own tables.
    """
    known = known_of(MemoryLakehouse(spark, cdnow, SEEN_ON)).localCheckpoint()
    assert known.count() == 2_357
    found = fit_purchases(known)
    assert [f"{number:.3f}" for number in found] == ["0.243", "4.414", "0.793", "2.426"]
    columns = ["repeat_purchases", "recency_weeks", "age_weeks"]
    history = known.select(columns).toPandas().to_numpy(float).T
    likelihood = np.logaddexp(*weigh_histories(found, *history)).sum()
    assert f"{likelihood:.1f}" == "-9582.4"
    assert [f"{number:.2f}" for number in fit_purchase_value(known)] == ["6.25", "3.74", "15.44"]


@pytest.mark.nightly
def test_what_the_lesson_says_of_cdnow_is_true(spark: SparkSession, cdnow: Path) -> None:
    """In the 184 days held out, the models are nearest by segment; the same again ranks as well."""
    shop = MemoryLakehouse(spark, cdnow, SEEN_ON)
    orders = MemoryLakehouse(spark, cdnow, UNTIL).read("int_customer_orders")
    known, days = known_of(shop).localCheckpoint(), (UNTIL - SEEN_ON).days
    usd = F.col("order_total").cast("double")
    halves = orders.where(F.datediff("order_date", F.lit(SEEN_ON)) > -days).groupBy("customer_id")
    is_later = F.col("order_date") > F.lit(SEEN_ON)
    spent = halves.agg(F.sum(usd * (~is_later).cast("int")), F.sum(usd * is_later.cast("int")))
    model = expect_purchases(known, fit_purchases(known), days / 7)
    model = expect_value(model, fit_purchase_value(known))
    found = (
        model.join(shop.read("dim_customer_segments"), "customer_id")
        .join(spent.toDF("customer_id", "again", "came"), "customer_id", "left")
        .withColumn("models", F.col("expected_purchases") * F.col("expected_value"))
        .select("customer_segment", "models", "again", "came")
        .toPandas()
        .fillna(0)
    )
    ranks = found[["models", "again", "came"]].corr(method="spearman")["came"]
    assert ranks["again"] >= ranks["models"]
    totals = found.groupby("customer_segment").sum()
    off = totals[["models", "again"]].sub(totals["came"], axis=0).abs().mean()
    assert off["models"] < 0.6 * off["again"]
