"""Functions of scores that no build needs.

Exported from notebooks/08_orchestration.ipynb, where each function is taught.
Edit it there, then run `lakehouse export`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import reduce

from pyspark.ml.classification import LogisticRegression
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ecommerce_lakehouse.layers.churn import (
    KNOWN,
    brier,
    counts_by_score,
    features_at,
    ranking,
    to_numbers,
    with_label,
    with_stake,
)
from ecommerce_lakehouse.layers.decisions import (
    count_repeat_purchases,
    expect_purchases,
    expect_value,
    fit_purchase_value,
    fit_purchases,
)
from ecommerce_lakehouse.layers.intermediate import int_customer_rfm as rfm_as_of
from ecommerce_lakehouse.registry import table

GAP, WINDOW, HALF_YEAR = 7, 90, 182
"""Days between what is known and what is forecast, days of a forecast of who leaves, and days by
which a forecast of money is judged."""
ENOUGH_ROWS = 300_000


def take_sample(rows: DataFrame, most: int = ENOUGH_ROWS) -> DataFrame:
    """About so many rows at most: those of an even part of the customers, each time the same.

    Args:
        rows: With customer_id.
        most: Up to so many, all are taken.
    """
    parts = -(-rows.count() // most)
    return rows.where(F.pmod(F.xxhash64("customer_id"), F.lit(max(parts, 1))) == 0)


def label_past_days(
    stg_customers: DataFrame, int_customer_orders: DataFrame, as_of_date: date
) -> DataFrame:
    """Features of three past days (`cutoff`) and `left`, what came of each customer after them.

    Args:
        stg_customers: One row per customer.
        int_customer_orders: One row per completed order.
        as_of_date: The day we stand on, the last day of the last label.
    """
    frames = []
    for step in (3, 2, 1):
        day = as_of_date - timedelta(days=step * (GAP + WINDOW))
        first, last = (day + timedelta(days=days) for days in (GAP + 1, GAP + WINDOW))
        features = features_at(stg_customers, int_customer_orders, day)
        labelled = with_label(features, int_customer_orders, first, last)
        frames.append(labelled.withColumn("cutoff", F.lit(day)))
    return reduce(DataFrame.unionByName, frames)


def fit_churn(labelled: DataFrame) -> dict[str, float]:
    """The numbers of logistic regression: `intercept`, and one for each feature in `KNOWN`.

    Args:
        labelled: As `label_past_days` returns it.

    Returns:
        None of them where nobody or everybody left: there is nothing to learn.
    """
    (share,) = labelled.agg(F.avg("left")).collect()[0]
    if share in (None, 0.0, 1.0):
        return {}
    # One partition in one order: sums of decimals in binary depend on it in the last digit.
    one_order = labelled.coalesce(1).sortWithinPartitions("cutoff", "customer_id")
    fitted = LogisticRegression(labelCol="left", regParam=0.01).fit(to_numbers(one_order))
    weights = [float(weight) for weight in fitted.coefficients]
    return {"intercept": float(fitted.intercept), **dict(zip(KNOWN, weights, strict=True))}


def score_churn(features: DataFrame, model: dict[str, float]) -> DataFrame:
    """The rows with leaves_probability (0 to 1, six digits) by the numbers of `fit_churn`."""
    total = F.lit(model["intercept"])
    for name in KNOWN:
        known = F.greatest(F.coalesce(F.col(name).cast("double"), F.lit(0.0)), F.lit(0.0))
        total += F.lit(model[name]) * F.log1p(known)
    return features.withColumn("leaves_probability", F.round(1 / (1 + F.exp(-total)), 6))


VALUE = ("r", "alpha", "a", "b", "p", "q", "gamma")


def fit_value(histories: DataFrame) -> dict[str, float]:
    """The seven numbers of BG/NBD and Gamma-Gamma; none with fewer than 30 who came back.

    Args:
        histories: As `count_repeat_purchases` returns it.
    """
    if histories.where("repeat_value > 0").count() < 30:
        return {}
    some = take_sample(histories).persist()
    try:
        return dict(zip(VALUE, fit_purchases(some) + fit_purchase_value(some), strict=True))
    except ValueError:  # the search for them did not come to an end
        return {}
    finally:
        some.unpersist()


def forecast_spend(histories: DataFrame, model: dict[str, float], days: int) -> DataFrame:
    """The rows with what is expected of each customer in so many days, in USD.

    Args:
        histories: As `count_repeat_purchases` returns it.
        model: The numbers of `fit_value`.
        days: How far to look ahead.

    Returns:
        Also p_alive, expected_purchases and expected_value, and expected_spend, in cents.
    """
    numbers = [model[name] for name in VALUE]
    rows = expect_value(expect_purchases(histories, numbers[:4], days / 7), numbers[4:])
    usd = F.round(F.col("expected_purchases") * F.col("expected_value"), 2)
    return rows.withColumn("expected_spend", usd.cast("DECIMAL(38,2)"))


def judge_value(int_customer_orders: DataFrame, as_of_date: date) -> dict[str, float]:
    """How far a forecast of the last half year was off, had it been made before.

    Args:
        int_customer_orders: One row per completed order.
        as_of_date: The last day of that half year.

    Returns:
        error_percent of the total, and error_usd of a customer in the mean; the same for "the
        same again". Nothing where there was too little to learn from, or nothing came.
    """
    day, before = (as_of_date - timedelta(days=n * HALF_YEAR) for n in (1, 2))
    rfm = rfm_as_of(int_customer_orders, day)
    histories = count_repeat_purchases(rfm, int_customer_orders, day)
    model = fit_value(histories)
    date_of, usd = F.col("order_date"), F.sum("order_total")
    came = int_customer_orders.where((date_of > F.lit(day)) & (date_of <= F.lit(as_of_date)))
    again = int_customer_orders.where((date_of > F.lit(before)) & (date_of <= F.lit(day)))
    if not model or came.isEmpty():
        return {}
    rows = (
        forecast_spend(histories, model, HALF_YEAR)
        .join(came.groupBy("customer_id").agg(usd.alias("came")), "customer_id", "left")
        .join(again.groupBy("customer_id").agg(usd.alias("again")), "customer_id", "left")
        .fillna(0, ["came", "again"])
    )
    judged = {}
    for name, forecast in (("", "expected_spend"), ("same_again_", "again")):
        off = F.col(forecast) - F.col("came")
        total, mean = rows.agg(F.sum(off) / F.sum("came"), F.avg(F.abs(off))).collect()[0]
        judged[f"{name}error_percent"] = round(100 * float(total or 0), 2)
        judged[f"{name}error_usd"] = round(float(mean), 2)
    return judged


@table(
    "ml",
    key=("model", "kind", "name"),
    grain="One row per number that a model has learnt or was judged by",
    needs_all_rows=True,
    scored=True,
    own_day=True,
)
def models(
    stg_customers: DataFrame,
    int_customer_rfm: DataFrame,
    int_customer_orders: DataFrame,
    as_of_date: date,
) -> DataFrame:
    """What the models learnt from all that was known on a day, and how well they did before.

    Args:
        stg_customers: One row per customer.
        int_customer_rfm: One row per customer who bought.
        int_customer_orders: One row per completed order.
        as_of_date: The day that the models stand on.

    Returns:
        model, kind (`learnt from`, `metric` or `parameter`), name, value, fitted_on. A model
        without parameters had too little to learn from.
    """
    labelled = label_past_days(stg_customers, int_customer_orders, as_of_date).localCheckpoint()
    labelled = take_sample(labelled)
    last = F.lit(as_of_date - timedelta(days=GAP + WINDOW))
    judge = fit_churn(labelled.where(F.col("cutoff") < last))
    metrics: dict[str, float | None] = {}
    if judge:
        held_out = score_churn(labelled.where(F.col("cutoff") == last), judge)
        counts = counts_by_score(held_out, "leaves_probability")
        metrics = {**ranking(counts), "brier": brier(counts)}
    histories = count_repeat_purchases(int_customer_rfm, int_customer_orders, as_of_date)
    numbers: dict[tuple[str, str], Mapping[str, float | None]] = {
        ("churn", "learnt from"): {"rows": labelled.count()},
        ("churn", "metric"): metrics,
        ("churn", "parameter"): fit_churn(labelled),
        ("customer_value", "learnt from"): {"rows": histories.count()},
        ("customer_value", "metric"): judge_value(int_customer_orders, as_of_date),
        ("customer_value", "parameter"): fit_value(histories),
    }
    rows = [
        (*which, name, float(value))
        for which, named in numbers.items()
        for name, value in named.items()
        if value is not None
    ]
    columns = "model STRING, kind STRING, name STRING, value DOUBLE"
    made = stg_customers.sparkSession.createDataFrame(rows, columns)
    return made.withColumn("fitted_on", F.lit(as_of_date))


def read_model(models: DataFrame, model: str) -> tuple[dict[str, float], date | None]:
    """The parameters of a model, and the day that it stands on; nothing where it has none."""
    rows = models.where((F.col("model") == model) & (F.col("kind") == "parameter")).collect()
    return {row.name: row.value for row in rows}, rows[0].fitted_on if rows else None


@table(
    "ml",
    key="customer_id",
    grain="One row per customer who has bought: how likely they leave",
    needs_all_rows=True,
    scored=True,
)
def churn_scores(
    models: DataFrame,
    ml_customer_features: DataFrame,
    int_customer_orders: DataFrame,
    as_of_date: date,
) -> DataFrame:
    """How likely each customer buys nothing in 90 days that begin in a week.

    Args:
        models: What the models learnt.
        ml_customer_features: One row per customer.
        int_customer_orders: One row per completed order.
        as_of_date: The day we look back from.

    Returns:
        customer_id, leaves_probability (0 to 1), at_stake (USD that the customer would spend in
        90 days, going by the last 180), fitted_on. No row where there is no model.
    """
    model, fitted_on = read_model(models, "churn")
    buyers = ml_customer_features.where("frequency > 0")
    if not model:
        buyers, model = buyers.where("false"), dict.fromkeys(["intercept", *KNOWN], 0.0)
    scored = with_stake(score_churn(buyers, model), int_customer_orders, as_of_date)
    fitted = F.lit(fitted_on).cast("date").alias("fitted_on")
    return scored.select("customer_id", "leaves_probability", "at_stake", fitted)


@table(
    "ml",
    key="customer_id",
    grain="One row per customer who has bought: what they will spend",
    needs_all_rows=True,
    scored=True,
)
def customer_value(
    models: DataFrame,
    int_customer_rfm: DataFrame,
    int_customer_orders: DataFrame,
    dim_customer_segments: DataFrame,
    as_of_date: date,
) -> DataFrame:
    """What each customer is expected to spend in the next twelve months, beside the old rule.

    Args:
        models: What the models learnt.
        int_customer_rfm: One row per customer who bought.
        int_customer_orders: One row per completed order.
        dim_customer_segments: One row per customer.
        as_of_date: The day we look back from.

    Returns:
        customer_id, p_alive (0 to 1), expected_purchases (days with a purchase in 365),
        expected_value (USD of such a day), expected_spend_12m and predicted_clv_12m (USD),
        fitted_on. No row where there is no model.
    """
    model, fitted_on = read_model(models, "customer_value")
    histories = count_repeat_purchases(int_customer_rfm, int_customer_orders, as_of_date)
    if not model:
        histories, model = histories.where("false"), dict.fromkeys(VALUE, 2.0)
    rows = forecast_spend(histories, model, 365)
    return rows.join(
        dim_customer_segments.select("customer_id", "predicted_clv_12m"), "customer_id"
    ).select(
        "customer_id",
        F.round("p_alive", 6).alias("p_alive"),
        F.round("expected_purchases", 6).alias("expected_purchases"),
        F.round("expected_value", 2).cast("DECIMAL(38,2)").alias("expected_value"),
        F.col("expected_spend").alias("expected_spend_12m"),
        "predicted_clv_12m",
        F.lit(fitted_on).cast("date").alias("fitted_on"),
    )
