"""The ml layer.

Exported from notebooks/05_ml_features.ipynb, where each function is taught.
Edit it there, then run `lakehouse export`.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame

from ecommerce_lakehouse.registry import table


@table("ml", key="customer_id", grain="One row per customer, as seen on the as-of date")
def ml_customer_features(
    fct_customer_metrics: DataFrame, int_customer_orders: DataFrame, as_of_date: date
) -> DataFrame:
    """What a model may know of every customer on the as-of date.

    Args:
        fct_customer_metrics: One row per customer.
        int_customer_orders: One row per completed order.
        as_of_date: The day we look back from; no order after it counts.

    Returns:
        The churn rule of thumb, days (ages, gaps, tenure), amounts in USD, scores, and
        activity flags. NULL where there are too few orders to know.
    """
    return fct_customer_metrics.sparkSession.sql(
        """
        WITH gaps AS (
            SELECT
                customer_id,
                order_date,
                CAST(order_total AS DOUBLE) AS order_total,
                order_total AS amount,
                datediff(DATE'{as_of_date}', order_date) AS days_ago,
                datediff(order_date, lag(order_date) OVER (
                    PARTITION BY customer_id ORDER BY order_date, order_id)) AS gap
            FROM {orders}
            WHERE order_date <= DATE'{as_of_date}'
        ), habits AS (
            SELECT
                customer_id,
                stddev_samp(order_total) AS order_value_volatility,
                max(amount) AS max_order_value,
                min(amount) AS min_order_value,
                avg(gap) AS avg_days_between_orders,
                count(*) AS orders,
                count_if(days_ago <= 90) AS orders_last_90d,
                count_if(days_ago BETWEEN 91 AND 180) AS orders_90d_before
            FROM gaps
            GROUP BY customer_id
        )
        SELECT
            m.customer_id,
            CASE WHEN m.churn_risk IN ('High', 'Medium') THEN 1 ELSE 0 END AS is_churn_risk,
            m.country,
            datediff(DATE'{as_of_date}', m.customer_created_at) AS account_age_days,
            m.recency_days,
            m.frequency,
            m.monetary_value,
            m.avg_order_value,
            m.recency_score,
            m.frequency_score,
            m.monetary_score,
            m.rfm_total_score,
            m.customer_tenure_days,
            coalesce(CAST(m.monetary_value AS DOUBLE) / nullif(m.frequency, 0), 0.0D)
                AS revenue_per_order,
            coalesce(30.0D * m.frequency / nullif(m.customer_tenure_days, 0), 0.0D)
                AS orders_per_month,
            h.order_value_volatility,
            h.max_order_value,
            h.min_order_value,
            h.avg_days_between_orders,
            CASE WHEN h.orders >= 3
                THEN CAST(h.orders_last_90d AS DOUBLE) / nullif(h.orders_90d_before, 0)
            END AS order_trend_ratio,
            CASE WHEN m.recency_days <= 30 THEN 1 ELSE 0 END AS is_active_last_30d,
            CASE WHEN m.recency_days <= 90 THEN 1 ELSE 0 END AS is_active_last_90d,
            m.predicted_clv_12m,
            coalesce(
                CAST(m.predicted_clv_12m AS DOUBLE) / nullif(CAST(m.monetary_value AS DOUBLE), 0),
                0.0D
            ) AS clv_growth_multiplier
        FROM {customers} AS m
        LEFT JOIN habits AS h ON h.customer_id = m.customer_id
        """,
        orders=int_customer_orders,
        customers=fct_customer_metrics,
        as_of_date=as_of_date,
    )
