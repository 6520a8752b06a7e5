-- What the churn model says of each customer, by the numbers in `models`, a copy of ml.models.
CREATE OR REPLACE TABLE ml.churn_scores AS
WITH
parameters AS (
    SELECT name, value FROM models WHERE model = 'churn' AND kind = 'parameter'
),
-- What is not known is left out here: its logarithm would be that of 1.
known AS (
    UNPIVOT (
        SELECT
            customer_id,
            CAST(recency_days AS DOUBLE) AS recency_days,
            CAST(frequency AS DOUBLE) AS frequency,
            CAST(monetary_value AS DOUBLE) AS monetary_value,
            CAST(customer_tenure_days AS DOUBLE) AS customer_tenure_days,
            CAST(account_age_days AS DOUBLE) AS account_age_days,
            CAST(avg_days_between_orders AS DOUBLE) AS avg_days_between_orders,
            CAST(order_trend_ratio AS DOUBLE) AS order_trend_ratio
        FROM ml.ml_customer_features
        WHERE frequency > 0
    ) ON COLUMNS(* EXCLUDE (customer_id)) INTO NAME name VALUE amount
),
totals AS (
    SELECT customer_id, sum(value * ln(1 + greatest(amount, 0))) AS total
    FROM known
    INNER JOIN parameters USING (name)
    GROUP BY customer_id
),
stakes AS (
    SELECT customer_id, round(sum(order_total) / 2, 2) AS at_stake
    FROM intermediate.int_customer_orders
    WHERE order_date > CAST(getvariable('as_of_date') AS DATE) - 180
        AND order_date <= CAST(getvariable('as_of_date') AS DATE)
    GROUP BY customer_id
)
SELECT
    customer_id,
    1 / (1 + exp(-total - (SELECT value FROM parameters WHERE name = 'intercept')))
        AS leaves_probability,
    CAST(coalesce(at_stake, 0) AS DECIMAL(38, 2)) AS at_stake
FROM totals
LEFT JOIN stakes USING (customer_id);
