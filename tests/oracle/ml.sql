CREATE SCHEMA ml;

CREATE TABLE ml.ml_customer_features AS
WITH
order_features AS (
    SELECT
        customer_id,
        stddev_samp(CAST(order_total AS DOUBLE)) AS order_value_volatility,
        max(order_total) AS max_order_value,
        min(order_total) AS min_order_value,
        count(*) FILTER (order_date >= CAST(getvariable('as_of_date') AS DATE) - 90) AS recent,
        count(*) FILTER (
            order_date >= CAST(getvariable('as_of_date') AS DATE) - 180
            AND order_date < CAST(getvariable('as_of_date') AS DATE) - 90
        ) AS earlier
    FROM intermediate.int_customer_orders
    GROUP BY customer_id
)
SELECT
    metrics.customer_id,
    CASE WHEN metrics.churn_risk IN ('High', 'Medium') THEN 1 ELSE 0 END AS is_churn_risk,
    metrics.country,
    CAST(getvariable('as_of_date') AS DATE) - metrics.customer_created_at AS account_age_days,
    metrics.recency_days,
    metrics.frequency,
    metrics.monetary_value,
    metrics.avg_order_value,
    metrics.recency_score,
    metrics.frequency_score,
    metrics.monetary_score,
    metrics.rfm_total_score,
    metrics.customer_tenure_days,
    CASE
        WHEN metrics.frequency = 0 THEN 0
        ELSE CAST(metrics.monetary_value AS DOUBLE) / metrics.frequency
    END AS revenue_per_order,
    CASE
        WHEN metrics.customer_tenure_days > 0
        THEN CAST(30 * metrics.frequency AS DOUBLE) / metrics.customer_tenure_days
        ELSE 0
    END AS orders_per_month,
    order_features.order_value_volatility,
    order_features.max_order_value,
    order_features.min_order_value,
    -- The gaps between consecutive orders add up to the tenure, whatever lies between: no lag().
    CAST(metrics.customer_tenure_days AS DOUBLE)
        / nullif(metrics.frequency - 1, 0) AS avg_days_between_orders,
    CASE
        WHEN metrics.frequency >= 3
        THEN CAST(order_features.recent AS DOUBLE) / nullif(order_features.earlier, 0)
    END AS order_trend_ratio,
    CASE WHEN metrics.recency_days <= 30 THEN 1 ELSE 0 END AS is_active_last_30d,
    CASE WHEN metrics.recency_days <= 90 THEN 1 ELSE 0 END AS is_active_last_90d,
    metrics.predicted_clv_12m,
    CASE
        WHEN metrics.monetary_value = 0 THEN 0
        ELSE CAST(metrics.predicted_clv_12m AS DOUBLE) / CAST(metrics.monetary_value AS DOUBLE)
    END AS clv_growth_multiplier
FROM gold.fct_customer_metrics AS metrics
LEFT JOIN order_features USING (customer_id);
