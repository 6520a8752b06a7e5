"""Functions of churn that no build needs.

Exported from notebooks/05_ml_features.ipynb, where each function is taught.
Edit it there, then run `lakehouse export`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ecommerce_lakehouse.layers import ml
from ecommerce_lakehouse.layers.gold import fct_customer_metrics
from ecommerce_lakehouse.layers.intermediate import int_customer_rfm


def features_at(
    stg_customers: DataFrame, int_customer_orders: DataFrame, cutoff: date
) -> DataFrame:
    """The features of everybody who had bought by a day, as that day knew them.

    Args:
        stg_customers: One row per customer.
        int_customer_orders: One row per completed order; later ones do not count.
        cutoff: The day we stand on.
    """
    metrics = fct_customer_metrics(stg_customers, int_customer_rfm(int_customer_orders, cutoff))
    return ml.ml_customer_features(metrics, int_customer_orders, cutoff).where("frequency > 0")


def with_label(
    features: DataFrame, int_customer_orders: DataFrame, first_day: date, last_day: date
) -> DataFrame:
    """Features, and `left`: 1 for those without an order from one day to another, else 0.

    Args:
        features: One row per customer, made before the first day.
        int_customer_orders: One row per completed order, those of the label's days included.
        first_day: The first day of the label.
        last_day: The last day of the label, included.
    """
    came = int_customer_orders.where(F.col("order_date").between(first_day, last_day))
    came = came.select("customer_id", F.lit(0).alias("left")).distinct()
    return features.join(came, "customer_id", "left").fillna(1, ["left"])


def rows_that_peek(
    make: Callable[[DataFrame], DataFrame], int_customer_orders: DataFrame, cutoff: date
) -> int:
    """How many rows of features change when the orders after the cut-off are taken away.

    Args:
        make: A function that makes features of orders.
        int_customer_orders: One row per completed order, later ones included.
        cutoff: The day on which the features are made.

    Returns:
        0 where no feature sees the future. A row that changes counts as it was and as it is.
    """
    past = int_customer_orders.where(F.col("order_date") <= F.lit(cutoff))
    with_all, with_past = (make(orders).localCheckpoint() for orders in (int_customer_orders, past))
    return with_all.exceptAll(with_past).count() + with_past.exceptAll(with_all).count()


KNOWN = (
    "recency_days",
    "frequency",
    "monetary_value",
    "customer_tenure_days",
    "account_age_days",
    "avg_days_between_orders",
    "order_trend_ratio",
)
"""The features that the models read."""


def to_numbers(features: DataFrame) -> DataFrame:
    """Rows with `features`, a vector of the logarithms of `KNOWN`; 0 where nothing is known."""
    zero = F.lit(0.0)
    logs = {
        f"log_{name}": F.log1p(F.greatest(F.coalesce(F.col(name).cast("double"), zero), zero))
        for name in KNOWN
    }
    numbers = VectorAssembler(inputCols=[*logs], outputCol="features")
    return numbers.transform(features.withColumns(logs)).drop(*logs)


def chance_of_leaving(
    training: DataFrame, rows: DataFrame, classifier: Any, name: str
) -> DataFrame:
    """Rows with the probability of leaving that a model gives each customer.

    Args:
        training: Features, `left` and `cutoff` of earlier days. Where nobody or everybody left,
            there is nothing to learn: all rows get that share, and 0 without any training.
        rows: Features of the day that is judged.
        classifier: One of Spark's, whose labelCol is `left`.
        name: What the new column is called.
    """
    (share,) = training.agg(F.avg("left")).collect()[0]
    if share in (None, 0.0, 1.0):
        return rows.withColumn(name, F.lit(share or 0.0))
    one_order = training.coalesce(1).sortWithinPartitions("cutoff", "customer_id")
    scored = classifier.fit(to_numbers(one_order)).transform(to_numbers(rows))
    return scored.select(*rows.columns, vector_to_array(F.col("probability"))[1].alias(name))


def counts_by_score(
    scored: DataFrame, score: str, places: int = 3, amount: str | None = None
) -> pd.DataFrame:
    """How many customers have each score, and how many of them left; the highest score first.

    Args:
        scored: One row per customer, with `left` and the score.
        score: Its column; a high score says that somebody leaves.
        places: To so many decimal places scores are rounded; equal ones are one row.
        amount: A column in USD to add up, as lost_usd, for those who left.
    """
    sums = [F.count("*").alias("customers"), F.sum("left").alias("left")]
    if amount:
        sums.append(F.sum(F.col(amount) * F.col("left")).cast("double").alias("lost_usd"))
    rounded = F.round(F.col(score).cast("double"), places).alias("score")
    return scored.groupBy(rounded).agg(*sums).orderBy(F.desc("score")).toPandas()


def ranking(counts: pd.DataFrame) -> dict[str, float | None]:
    """AUC and average precision, 0 to 1, of scores as `counts_by_score` counts them.

    Both are None where nobody left or nobody stayed.
    """
    left, stayed = counts["left"], counts["customers"] - counts["left"]
    if not left.sum() or not stayed.sum():
        return {"auc": None, "average_precision": None}
    below = stayed.sum() - stayed.cumsum() + stayed / 2
    auc = (left * below).sum() / (left.sum() * stayed.sum())
    so_far = left.cumsum() / counts["customers"].cumsum()
    return {"auc": float(auc), "average_precision": float((left * so_far).sum() / left.sum())}


def brier(counts: pd.DataFrame) -> float | None:
    """The Brier score of probabilities as `counts_by_score` counts them; None without anybody."""
    if counts.empty:
        return None
    score, left, stayed = counts["score"], counts["left"], counts["customers"] - counts["left"]
    squares = left * (1 - score) ** 2 + stayed * score**2
    return float(squares.sum() / counts["customers"].sum())


def calibration(counts: pd.DataFrame) -> pd.DataFrame:
    """What was forecast and what came, a row for each tenth of the scale that has customers.

    Args:
        counts: As `counts_by_score` returns them; the scores are probabilities of three digits.

    Returns:
        forecast (the limits of the tenth), customers, forecast_percent (the mean), left_percent.
    """
    thousandths = (1000 * counts["score"]).round().astype("int64")
    sums = counts[["customers", "left"]].assign(said=thousandths * counts["customers"])
    sums = sums.groupby(thousandths.clip(upper=999) // 100).sum()
    forecast = [f"{10 * tenth} to {10 * tenth + 10}%" for tenth in sums.index]
    sums = sums.set_axis(forecast).rename_axis("forecast").reset_index()
    sums["forecast_percent"] = (sums["said"] / sums["customers"] / 10).round(1)
    sums["left_percent"] = (100 * sums["left"] / sums["customers"]).round(1)
    return sums[["forecast", "customers", "forecast_percent", "left_percent"]]


def with_stake(
    rows: DataFrame, int_customer_orders: DataFrame, cutoff: date, days: int = 180, window: int = 90
) -> DataFrame:
    """Rows with what each customer would spend in a window, going by the days before it.

    Args:
        rows: One row per customer.
        int_customer_orders: One row per completed order; those after the cut-off do not count.
        cutoff: The day we stand on.
        days: So many days up to the cut-off are added up.
        window: For so many days to come.

    Returns:
        The rows, and at_stake in USD; 0.00 for those without an order in the days before.
    """
    first_day = cutoff - timedelta(days=days - 1)
    recent = int_customer_orders.where(F.col("order_date").between(first_day, cutoff))
    usd = F.round(F.sum("order_total") * F.lit(window) / F.lit(days), 2).cast("DECIMAL(38,2)")
    spent = recent.groupBy("customer_id").agg(usd.alias("at_stake"))
    return rows.join(spent, "customer_id", "left").fillna(0, ["at_stake"])


def campaign_result(called: DataFrame, success: Decimal, cost: Decimal) -> dict[str, Any]:
    """What calls to these customers would have earned, by who really left.

    Args:
        called: One row per customer, with `left` and `at_stake`.
        success: Of those who would leave, the share that stays because of a call.
        cost: Of a call, in USD.

    Returns:
        calls, left, lost_usd (what was at stake with those who left), earned_usd.
    """
    sum_left = F.coalesce(F.sum("left"), F.lit(0))
    sum_lost = F.coalesce(F.sum(F.col("at_stake") * F.col("left")), F.lit(Decimal("0.00")))
    calls, left, lost = called.agg(F.count("*"), sum_left, sum_lost).collect()[0]
    earned = (lost * success - calls * cost).quantize(Decimal("0.01"))
    return {"calls": calls, "left": left, "lost_usd": lost, "earned_usd": earned}


def gains(counts: pd.DataFrame, step: int = 5) -> pd.DataFrame:
    """Which share of those who left is found by calling so many, the highest scores first.

    Args:
        counts: As `counts_by_score` returns them with an amount; those who share a score are
            called in random order.
        step: The distance of two rows, in % of the customers.

    Returns:
        called_percent from 0 to 100, left_percent, lost_usd_percent; 0 where nobody left.
    """
    sums = counts[["customers", "left", "lost_usd"]].astype(float).cumsum()
    shares = (100 * sums / sums.iloc[-1:].sum()).fillna(0.0)
    found = pd.DataFrame({"called_percent": np.arange(0, 101, step)})
    for name in ("left", "lost_usd"):
        heights = np.interp(found["called_percent"], [0, *shares["customers"]], [0, *shares[name]])
        found[f"{name}_percent"] = heights.round(2)
    return found
