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

CALL_LIST = (
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


def churn_campaign(dim_customer_segments: DataFrame) -> DataFrame:
    """The customers to win back: good ones who no longer come.

    One row per selected customer with the columns of `CALL_LIST`, the most valuable first.
    """
    return (
        dim_customer_segments.where(F.col("customer_segment").isin("At Risk", "Cant Lose Them"))
        .where(F.col("churn_risk").isin("High", "Medium"))
        .where(F.col("monetary_value") > 200)
        .select(*CALL_LIST)
        .orderBy(F.desc("monetary_value"), "customer_id")
    )


def marketing_budget(dim_customer_segments: DataFrame) -> DataFrame:
    """Ten per cent of each customer's expected value, added up by segment.

    One row per segment, the largest budget first: customer_segment, customers,
    predicted_clv_12m, budget, budget_per_customer (USD).
    """
    budget = F.round(F.col("predicted_clv_12m") * F.lit("0.10").cast("DECIMAL(3,2)"), 2)
    expected, total, each = F.sum("predicted_clv_12m"), F.sum(budget), F.round(F.avg(budget), 2)
    by_segment = dim_customer_segments.groupBy("customer_segment").agg(
        F.count(F.lit(1)).alias("customers"),
        expected.cast("DECIMAL(38,2)").alias("predicted_clv_12m"),
        total.cast("DECIMAL(38,2)").alias("budget"),
        each.cast("DECIMAL(38,2)").alias("budget_per_customer"),
    )
    return by_segment.orderBy(F.desc("budget"), "customer_segment")


def weigh_histories(model: Sequence[float], x: Any, recency: Any, age: Any) -> tuple[Any, Any]:
    """Log-likelihoods of histories: still here, and left after the last purchase.

    Nobody leaves after the first one: then the second is -inf.
    Source: Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way, equation 6.

    Of numbers or arrays: r, alpha (weeks), a and b; purchases after the first one; weeks from the
    first to the last (recency) and to the day we look back from (age).
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
    columns = "repeat_purchases", "recency_weeks", "age_weeks"
    one_of_both = lambda *seen: np.logaddexp(*weigh_histories(*seen))  # noqa: E731
    return fit_model(one_of_both, (1, 1, 1, 1), histories, *columns)


def expect_purchases(histories: DataFrame, model: Sequence[float], weeks: float) -> DataFrame:
    """The same rows with p_alive and expected_purchases (days with a purchase), by BG/NBD.

    Source: Fader, Hardie and Lee (2005), equation 10, in a form that is exact for any history.
    The model is r, alpha (weeks), a (not exactly 1) and b.
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
    """The history of each customer as BG/NBD and Gamma-Gamma count it, without later orders.

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
