CREATE SCHEMA gold;

CREATE TABLE gold.fct_customer_metrics AS
SELECT
    customers.customer_id,
    customers.email,
    customers.first_name,
    customers.last_name,
    customers.country,
    customers.customer_created_at,
    rfm.recency_days,
    coalesce(rfm.frequency, 0) AS frequency,
    CAST(coalesce(rfm.monetary_value, 0) AS DECIMAL(30, 2)) AS monetary_value,
    rfm.avg_order_value,
    rfm.first_order_date,
    rfm.last_order_date,
    rfm.customer_tenure_days,
    rfm.recency_score,
    rfm.frequency_score,
    rfm.monetary_score,
    rfm.rfm_total_score,
    rfm.rfm_segment_code,
    CAST(coalesce(rfm.monetary_value, 0) AS DECIMAL(30, 2)) AS current_clv,
    CAST(
        round(
            coalesce(rfm.monetary_value, 0)
            * CASE
                WHEN rfm.rfm_total_score >= 12 THEN 2.0
                WHEN rfm.rfm_total_score >= 9 THEN 1.5
                WHEN rfm.rfm_total_score >= 6 THEN 1.2
                ELSE 0.8
            END,
            2
        ) AS DECIMAL(30, 2)
    ) AS predicted_clv_12m,
    CASE
        WHEN rfm.customer_id IS NULL THEN 'No Purchases'
        WHEN rfm.recency_days > 180 AND rfm.frequency = 1 THEN 'High'
        WHEN rfm.recency_days > 120 THEN 'Medium'
        WHEN rfm.recency_days > 90 THEN 'Low'
        ELSE 'Very Low'
    END AS churn_risk
FROM silver.stg_customers AS customers
LEFT JOIN intermediate.int_customer_rfm AS rfm USING (customer_id);

CREATE TABLE gold.dim_customer_segments AS
WITH
scored AS (
    SELECT *, recency_score AS r, frequency_score AS f, monetary_score AS m
    FROM gold.fct_customer_metrics
)
SELECT
    customer_id,
    email,
    first_name,
    last_name,
    CASE
        WHEN r IS NULL THEN 'Prospects'
        WHEN r >= 4 AND f >= 4 AND m >= 4 THEN 'Champions'
        WHEN r >= 3 AND f >= 3 AND m >= 3 THEN 'Loyal Customers'
        WHEN r >= 4 AND f <= 2 AND m <= 2 THEN 'New Customers'
        WHEN r >= 3 AND f <= 2 AND m >= 3 THEN 'Big Spenders'
        WHEN r <= 2 AND f >= 3 AND m >= 3 THEN 'At Risk'
        WHEN r <= 2 AND f <= 2 AND m >= 3 THEN 'Cant Lose Them'
        WHEN r <= 2 AND f >= 2 AND m <= 2 THEN 'Hibernating'
        WHEN r = 1 AND f = 1 AND m = 1 THEN 'Lost'
        ELSE 'Others'
    END AS customer_segment,
    recency_days,
    recency_score,
    frequency_score,
    monetary_score,
    rfm_total_score,
    monetary_value,
    frequency AS total_orders,
    avg_order_value,
    predicted_clv_12m,
    churn_risk,
    CASE
        WHEN r IS NULL THEN 'First-purchase incentive'
        WHEN r >= 4 AND f >= 4 THEN 'VIP treatment, exclusive offers'
        WHEN r >= 4 AND f <= 2 THEN 'Onboarding campaign, product recommendations'
        WHEN r <= 2 AND m >= 3 THEN 'Win-back campaign, special discount'
        WHEN r <= 2 AND f <= 2 THEN 'Re-engagement or sunset'
        ELSE 'Standard nurture campaign'
    END AS recommended_action
FROM scored;

CREATE TABLE gold.fct_product_performance AS
WITH
-- percentile_cont without a double: the value at p lies at position p * (n - 1) among the sorted
-- revenues. p is a number of tenths, so position and value are whole numbers of tenths and mills.
revenues AS (
    SELECT
        product_id,
        CAST(revenue * 100 AS HUGEINT) AS cents,
        row_number() OVER (ORDER BY revenue) - 1 AS place,
        count(*) OVER () - 1 AS last_place
    FROM intermediate.int_product_metrics
),
percentiles AS (
    SELECT
        tenths,
        -- The one row at the position below, and the one above where there is one.
        max(cents) FILTER (place = tenths * last_place // 10) AS below,
        max(cents) FILTER (
            place = least(tenths * last_place // 10 + 1, last_place)
        ) AS above,
        max(tenths * last_place % 10) AS tenths_between
    FROM revenues
    CROSS JOIN (VALUES (8), (5), (2)) AS wanted (tenths)
    GROUP BY tenths
),
limits AS (
    SELECT tenths, below * 10 + (above - below) * tenths_between AS mills
    FROM percentiles
)
SELECT
    products.*,
    row_number() OVER (ORDER BY revenue DESC, product_id) AS revenue_rank,
    row_number() OVER (ORDER BY units_sold DESC, product_id) AS units_rank,
    row_number() OVER (ORDER BY total_profit DESC, product_id) AS profit_rank,
    -- Products without a category are one group.
    CASE
        WHEN sum(revenue) OVER same_category = 0 THEN 0
        ELSE CAST(revenue AS DOUBLE) / CAST(sum(revenue) OVER same_category AS DOUBLE)
    END AS category_revenue_share,
    CASE
        WHEN cents * 10 >= (SELECT mills FROM limits WHERE tenths = 8) THEN 'Star'
        WHEN cents * 10 >= (SELECT mills FROM limits WHERE tenths = 5) THEN 'Performer'
        WHEN cents * 10 >= (SELECT mills FROM limits WHERE tenths = 2) THEN 'Average'
        ELSE 'Underperformer'
    END AS performance_tier
FROM intermediate.int_product_metrics AS products
INNER JOIN revenues USING (product_id)
WINDOW same_category AS (PARTITION BY category);
