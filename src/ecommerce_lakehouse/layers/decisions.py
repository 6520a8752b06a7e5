"""The decisions layer.

Exported from notebooks/09_business_use_cases.ipynb, where each function is taught.
Edit it there, then run `lakehouse export`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy.optimize import minimize
from scipy.special import betaln, expit, gammaln, hyp2f1


def churn_campaign(dim_customer_segments: DataFrame) -> DataFrame:
    """The customers to win back: good ones who no longer come.

    Args:
        dim_customer_segments: One row per customer.

    Returns:
        One row per selected customer, the most valuable first: customer_id, email, names,
        customer_segment, churn_risk, recency_days, monetary_value (USD), recommended_action.
    """
    return (
        dim_customer_segments.where(F.col("customer_segment").isin("At Risk", "Cant Lose Them"))
        .where(F.col("churn_risk").isin("High", "Medium"))
        .where(F.col("monetary_value") > 200)
        .select(
            "customer_id",
            "email",
            "first_name",
            "last_name",
            "customer_segment",
            "churn_risk",
            "recency_days",
            "monetary_value",
            "recommended_action",
        )
        .orderBy(F.desc("monetary_value"), "customer_id")
    )


def marketing_budget(dim_customer_segments: DataFrame) -> DataFrame:
    """Ten per cent of each customer's expected value, added up by segment.

    Args:
        dim_customer_segments: One row per customer.

    Returns:
        One row per segment, the largest budget first: customer_segment, customers,
        predicted_clv_12m, budget, budget_per_customer (USD).
    """
    budget = F.round(F.col("predicted_clv_12m") * F.lit("0.10").cast("DECIMAL(3,2)"), 2)
    return (
        dim_customer_segments.withColumn("budget", budget)
        .groupBy("customer_segment")
        .agg(
            F.count(F.lit(1)).alias("customers"),
            F.sum("predicted_clv_12m").cast("DECIMAL(38,2)").alias("predicted_clv_12m"),
            F.sum("budget").cast("DECIMAL(38,2)").alias("budget"),
            F.round(F.avg("budget"), 2).cast("DECIMAL(38,2)").alias("budget_per_customer"),
        )
        .orderBy(F.desc("budget"), "customer_segment")
    )


def spend_after(
    dim_customer_segments: DataFrame, int_customer_orders: DataFrame, as_of_date: date
) -> DataFrame:
    """What the customers of each segment spent after the day the segments were made.

    Args:
        dim_customer_segments: One row per customer, as seen on `as_of_date`.
        int_customer_orders: Completed orders, later ones included.
        as_of_date: Only orders after this day count.

    Returns:
        One row per segment: customer_segment, buyers, spent (USD).
    """
    later = int_customer_orders.where(F.col("order_date") > F.lit(as_of_date))
    spent = later.groupBy("customer_id").agg(F.sum("order_total").alias("spent"))
    return (
        dim_customer_segments.join(spent, "customer_id", "left")
        .groupBy("customer_segment")
        .agg(
            F.count("spent").alias("buyers"),
            F.coalesce(F.sum("spent"), F.lit(0)).cast("DECIMAL(38,2)").alias("spent"),
        )
        .orderBy("customer_segment")
    )


def weigh_histories(model: Sequence[float], x: Any, recency: Any, age: Any) -> tuple[Any, Any]:
    """Log-likelihoods of histories: still here, and left after the last purchase (-inf if x is 0).

    Source: Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way, equation 6.

    Args:
        model: r, alpha (weeks), a and b.
        x: Purchases after the first one; a number, or an array with one for each customer.
        recency: Weeks from the first purchase to the last.
        age: Weeks from the first purchase to the day we look back from.
    """
    r, alpha, a, b = model
    pace = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
    still_here = pace + betaln(a, b + x) - (r + x) * np.log(alpha + age)
    left = pace + betaln(a + 1, b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + recency)
    return still_here, np.where(x > 0, left, -np.inf)


def fit_model(
    weigh: Callable[..., Any], start: Sequence[float], histories: DataFrame, *columns: str
) -> list[float]:
    """The positive numbers, near `start`, that make some columns of all customers most likely.

    `weigh` gives log-likelihoods, from the numbers and an array for each column. ValueError where
    the search does not come to an end.
    """
    equal = histories.select(*[F.col(name).cast("double") for name in columns]).groupBy(*columns)
    *values, customers = equal.count().orderBy(*columns).toPandas().to_numpy(float).T
    found = minimize(
        lambda logs: -(customers * weigh(np.exp(logs), *values)).sum(),
        x0=np.log(start) + 0.1,
        bounds=[(log - 7, log + 7) for log in np.log(start)],
        **{"method": "Nelder-Mead", "options": {"xatol": 1e-6, "fatol": 1e-6, "maxfev": 5_000}},
    )
    if not found.success:
        raise ValueError(found.message)
    return [float(number) for number in np.exp(found.x)]


def fit_purchases(histories: DataFrame) -> list[float]:
    """How the customers of `count_repeat_purchases` buy and leave, by BG/NBD: r, alpha, a and b."""

    def weigh(model: Any, *history: Any) -> Any:
        return np.logaddexp(*weigh_histories(model, *history))

    columns = ("repeat_purchases", "recency_weeks", "age_weeks")
    return fit_model(weigh, (1, 1, 1, 1), histories, *columns)


def expect_purchases(histories: DataFrame, model: Sequence[float], weeks: float) -> DataFrame:
    """The same rows with p_alive and expected_purchases (days with a purchase), by BG/NBD.

    Source: Fader, Hardie and Lee (2005), equation 10, in a form that is exact for any history.

    Args:
        histories: One row per customer, as `count_repeat_purchases` returns it.
        model: r, alpha (weeks), a and b; a is not exactly 1.
        weeks: How far to look ahead.
    """
    r, alpha, a, b = model

    @F.pandas_udf("p_alive DOUBLE, expected_purchases DOUBLE")  # type: ignore[call-overload]
    def expect(x: pd.Series, recency: pd.Series, age: pd.Series) -> pd.DataFrame:
        still_here, left = weigh_histories(model, x, recency, age)
        p_alive = expit(still_here - left)
        ahead = weeks / (alpha + age + weeks)
        stops = (1 - ahead) ** (a - 1) * hyp2f1(a - 1, a + b - 1 - r, a + b + x - 1, ahead)
        bought = (a + b + x - 1) / (a - 1) * (1 - stops)
        return pd.DataFrame({"p_alive": p_alive, "expected_purchases": p_alive * bought})

    foreseen = expect("repeat_purchases", "recency_weeks", "age_weeks")
    return histories.withColumn("foreseen", foreseen).select("*", "foreseen.*").drop("foreseen")


def count_repeat_purchases(
    int_customer_rfm: DataFrame, int_customer_orders: DataFrame, as_of_date: date
) -> DataFrame:
    """The history of each customer, as BG/NBD and Gamma-Gamma count it.

    Args:
        int_customer_rfm: One row per customer who bought, as seen on `as_of_date`.
        int_customer_orders: One row per completed order.
        as_of_date: The day we look back from; orders after it do not count.

    Returns:
        One row per customer: repeat_purchases (days with an order after the first such day), their
        mean repeat_value (USD, or NULL), recency_weeks (first order to last), age_weeks (to date).
    """
    past = int_customer_orders.where(F.col("order_date") <= F.lit(as_of_date))
    days = past.groupBy("customer_id", "order_date").agg(F.sum("order_total").alias("spent"))
    is_repeat = F.col("order_date") > F.col("first_order_date")
    value = F.avg(F.when(is_repeat, F.col("spent"))).cast("DECIMAL(38,6)")
    return (
        int_customer_rfm.join(days, "customer_id")
        .groupBy("customer_id", "first_order_date", "last_order_date")
        .agg(F.count_if(is_repeat).alias("repeat_purchases"), value.alias("repeat_value"))
        .withColumn("recency_weeks", F.expr("datediff(last_order_date, first_order_date) / 7"))
        .withColumn("age_weeks", F.datediff(F.lit(as_of_date), "first_order_date") / 7)
        .drop("first_order_date", "last_order_date")
    )


def weigh_values(model: Sequence[float], x: Any, value: Any) -> Any:
    """The log-likelihood that x purchases were worth so much in the mean (USD, more than 0).

    Source: Fader and Hardie (2013), The Gamma-Gamma Model of Monetary Value, equation 1a.
    """
    p, q, gamma = model
    together = q * np.log(gamma) + p * x * np.log(x * value)
    return together - (p * x + q) * np.log(gamma + x * value) - betaln(p * x, q) - np.log(value)


def fit_purchase_value(histories: DataFrame) -> list[float]:
    """What purchases of those who came back are worth, by Gamma-Gamma: p, q and gamma (USD)."""
    paid = histories.where("repeat_value > 0")
    usd = float(paid.agg(F.avg("repeat_value")).head()[0])  # type: ignore[index]

    def weigh(model: Any, *history: Any) -> Any:
        return weigh_values(model + np.array([0, 1, 0]), *history)

    p, above_1, gamma = fit_model(weigh, (1, 1, usd), paid, "repeat_purchases", "repeat_value")
    return [p, 1 + above_1, gamma]


def expect_value(histories: DataFrame, model: Sequence[float]) -> DataFrame:
    """The same rows with expected_value, what the next purchase is worth (USD), by Gamma-Gamma."""
    p, q, gamma = model
    x, own = F.col("repeat_purchases"), F.coalesce("repeat_value", F.lit(0)).cast("double")
    return histories.withColumn("expected_value", p * (gamma + x * own) / (p * x + q - 1))
