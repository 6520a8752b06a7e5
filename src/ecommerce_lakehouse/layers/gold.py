"""The gold layer.

Exported from notebooks/04_gold.ipynb, where each function is taught.
Edit it there, then run `lakehouse export`.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ecommerce_lakehouse.registry import table


@table("gold", key="customer_id", grain="One row per customer, with or without an order")
def fct_customer_metrics(stg_customers: DataFrame, int_customer_rfm: DataFrame) -> DataFrame:
    """What we know of every customer, and what we expect of them.

    Args:
        stg_customers: One row per customer.
        int_customer_rfm: One row per customer with a completed order.

    Returns:
        The customer, their recency, frequency and monetary value, their value so far and
        expected in 12 months (USD), and their churn risk.
    """
    bought = F.col("frequency").isNotNull()
    zero = F.lit("0.00").cast("DECIMAL(38,2)")
    factor = (
        F.when(F.col("rfm_total_score") >= 12, F.lit("2.0"))
        .when(F.col("rfm_total_score") >= 9, F.lit("1.5"))
        .when(F.col("rfm_total_score") >= 6, F.lit("1.2"))
        .otherwise(F.lit("0.8"))
    ).cast("DECIMAL(2,1)")
    expected = F.round(F.col("monetary_value") * factor, 2).cast("DECIMAL(38,2)")
    risk = (
        F.when(~bought, "No Purchases")
        .when((F.col("recency_days") > 180) & (F.col("frequency") == 1), "High")
        .when(F.col("recency_days") > 120, "Medium")
        .when(F.col("recency_days") > 90, "Low")
        .otherwise("Very Low")
    )
    return stg_customers.join(int_customer_rfm, "customer_id", "left").select(
        "customer_id",
        "email",
        "first_name",
        "last_name",
        "country",
        "customer_created_at",
        "recency_days",
        F.coalesce("frequency", F.lit(0)).alias("frequency"),
        F.coalesce("monetary_value", zero).alias("monetary_value"),
        "avg_order_value",
        "first_order_date",
        "last_order_date",
        "customer_tenure_days",
        "recency_score",
        "frequency_score",
        "monetary_score",
        "rfm_total_score",
        "rfm_segment_code",
        F.coalesce("monetary_value", zero).alias("current_clv"),
        F.coalesce(expected, zero).alias("predicted_clv_12m"),
        risk.alias("churn_risk"),
    )


@table("gold", key="customer_id", grain="One row per customer")
def dim_customer_segments(fct_customer_metrics: DataFrame) -> DataFrame:
    """The segment of every customer, and what to do about it.

    Args:
        fct_customer_metrics: One row per customer.

    Returns:
        The segment, the scores it comes from, value and risk, and a recommended action.
    """
    r, f, m = (F.col(f"{name}_score") for name in ("recency", "frequency", "monetary"))
    segment = (
        F.when(r.isNull(), "Prospects")
        .when((r >= 4) & (f >= 4) & (m >= 4), "Champions")
        .when((r >= 3) & (f >= 3) & (m >= 3), "Loyal Customers")
        .when((r >= 4) & (f <= 2) & (m <= 2), "New Customers")
        .when((r >= 3) & (f <= 2) & (m >= 3), "Big Spenders")
        .when((r <= 2) & (f >= 3) & (m >= 3), "At Risk")
        .when((r <= 2) & (f <= 2) & (m >= 3), "Cant Lose Them")
        .when((r <= 2) & (f >= 2) & (m <= 2), "Hibernating")
        .when((r == 1) & (f == 1) & (m == 1), "Lost")
        .otherwise("Others")
    )
    action = (
        F.when(r.isNull(), "First-purchase incentive")
        .when((r >= 4) & (f >= 4), "VIP treatment, exclusive offers")
        .when((r >= 4) & (f <= 2), "Onboarding campaign, product recommendations")
        .when((r <= 2) & (m >= 3), "Win-back campaign, special discount")
        .when((r <= 2) & (f <= 2), "Re-engagement or sunset")
        .otherwise("Standard nurture campaign")
    )
    return fct_customer_metrics.select(
        "customer_id",
        "email",
        "first_name",
        "last_name",
        segment.alias("customer_segment"),
        "recency_days",
        "recency_score",
        "frequency_score",
        "monetary_score",
        "rfm_total_score",
        "monetary_value",
        F.col("frequency").alias("total_orders"),
        "avg_order_value",
        "predicted_clv_12m",
        "churn_risk",
        action.alias("recommended_action"),
    )


@table("gold", key="product_id", grain="One row per product, sold or not", needs_all_rows=True)
def fct_product_performance(int_product_metrics: DataFrame) -> DataFrame:
    """Where every product stands: ranks, share of its category, tier.

    Args:
        int_product_metrics: One row per product.

    Returns:
        The metrics, three ranks (1 is best), the share of the category's revenue (0 to 1)
        and a tier.
    """

    def rank(measure: str) -> Column:
        return F.row_number().over(Window.orderBy(F.col(measure).desc(), "product_id"))

    # A limit may lie between two amounts in cents, by fifths or halves of the distance. Three
    # decimals hold it exactly, so rounding never moves a product across a limit. Revenue gets
    # three as well: comparing DECIMAL(38,2) with DECIMAL(38,3), Spark would round the finer one.
    limits = int_product_metrics.agg(
        *[
            F.percentile("revenue", F.lit(p)).cast("DECIMAL(38,3)").alias(name)
            for name, p in (("p80", 0.8), ("p50", 0.5), ("p20", 0.2))
        ]
    )
    of_category = F.sum("revenue").over(Window.partitionBy("category"))
    share = F.coalesce(
        F.col("revenue").cast("DOUBLE") / F.nullif(of_category.cast("DOUBLE"), F.lit(0.0)),
        F.lit(0.0),
    )
    revenue = F.col("revenue").cast("DECIMAL(38,3)")
    tier = (
        F.when(revenue >= F.col("p80"), "Star")
        .when(revenue >= F.col("p50"), "Performer")
        .when(revenue >= F.col("p20"), "Average")
        .otherwise("Underperformer")
    )
    return int_product_metrics.crossJoin(F.broadcast(limits)).select(
        *int_product_metrics.columns,
        rank("revenue").alias("revenue_rank"),
        rank("units_sold").alias("units_rank"),
        rank("total_profit").alias("profit_rank"),
        share.alias("category_revenue_share"),
        tier.alias("performance_tier"),
    )
