-- Completed orders up to the variable `as_of_date`, seen by order, by customer and by product.
CREATE SCHEMA intermediate;

CREATE TABLE intermediate.int_customer_orders AS
WITH
baskets AS (
    SELECT order_id, sum(line_total) AS subtotal, count(*) AS items_count
    FROM silver.stg_order_items
    GROUP BY order_id
)
SELECT
    orders.order_id,
    orders.customer_id,
    orders.order_date,
    orders.shipping_cost,
    -- 30 digits: room for every item of a very large shop at the largest line total.
    CAST(coalesce(baskets.subtotal, 0) AS DECIMAL(30, 2)) AS order_subtotal,
    CAST(coalesce(baskets.subtotal, 0) + orders.shipping_cost AS DECIMAL(30, 2)) AS order_total,
    coalesce(baskets.items_count, 0) AS items_count
FROM silver.stg_orders AS orders
LEFT JOIN baskets USING (order_id)
WHERE orders.is_completed AND orders.order_date <= getvariable('as_of_date');

CREATE TABLE intermediate.int_customer_rfm AS
WITH
by_customer AS (
    SELECT
        customer_id,
        CAST(getvariable('as_of_date') AS DATE) - max(order_date) AS recency_days,
        count(*) AS frequency,
        CAST(sum(order_total) AS DECIMAL(30, 2)) AS monetary_value,
        min(order_date) AS first_order_date,
        max(order_date) AS last_order_date
    FROM intermediate.int_customer_orders
    GROUP BY customer_id
),
scored AS (
    SELECT
        *,
        CASE
            WHEN recency_days <= 30 THEN 5
            WHEN recency_days <= 60 THEN 4
            WHEN recency_days <= 90 THEN 3
            WHEN recency_days <= 180 THEN 2
            ELSE 1
        END AS r,
        CASE
            WHEN frequency >= 5 THEN 5
            WHEN frequency >= 4 THEN 4
            WHEN frequency >= 3 THEN 3
            WHEN frequency >= 2 THEN 2
            ELSE 1
        END AS f,
        CASE
            WHEN monetary_value >= 500 THEN 5
            WHEN monetary_value >= 300 THEN 4
            WHEN monetary_value >= 200 THEN 3
            WHEN monetary_value >= 100 THEN 2
            ELSE 1
        END AS m
    FROM by_customer
)
SELECT
    customer_id,
    recency_days,
    frequency,
    monetary_value,
    CAST(monetary_value AS DOUBLE) / frequency AS avg_order_value,
    first_order_date,
    last_order_date,
    last_order_date - first_order_date AS customer_tenure_days,
    r AS recency_score,
    f AS frequency_score,
    m AS monetary_score,
    r + f + m AS rfm_total_score,
    concat(r, f, m) AS rfm_segment_code
FROM scored;

CREATE TABLE intermediate.int_customer_product_purchases AS
SELECT
    orders.customer_id,
    items.product_id,
    count(DISTINCT items.order_id) AS orders_count,
    CAST(sum(items.quantity) AS BIGINT) AS units,
    CAST(sum(items.line_total) AS DECIMAL(30, 2)) AS revenue,
    CAST(sum(items.unit_price) AS DECIMAL(30, 2)) AS prices_sum,
    count(*) AS prices_count,
    min(orders.order_date) AS first_order_date,
    max(orders.order_date) AS last_order_date
FROM intermediate.int_customer_orders AS orders
INNER JOIN silver.stg_order_items AS items USING (order_id)
GROUP BY orders.customer_id, items.product_id;

CREATE TABLE intermediate.int_product_metrics AS
WITH
sales AS (
    SELECT
        items.product_id,
        count(DISTINCT orders.order_id) AS orders_count,
        count(DISTINCT orders.customer_id) AS customers_count,
        CAST(sum(items.quantity) AS BIGINT) AS units_sold,
        sum(items.line_total) AS revenue,
        avg(CAST(items.unit_price AS DOUBLE)) AS avg_selling_price,
        min(orders.order_date) AS first_sale_date,
        max(orders.order_date) AS last_sale_date
    FROM silver.stg_order_items AS items
    INNER JOIN intermediate.int_customer_orders AS orders USING (order_id)
    GROUP BY items.product_id
)
SELECT
    products.*,
    coalesce(sales.orders_count, 0) AS orders_count,
    coalesce(sales.customers_count, 0) AS customers_count,
    coalesce(sales.units_sold, 0) AS units_sold,
    CAST(coalesce(sales.revenue, 0) AS DECIMAL(30, 2)) AS revenue,
    coalesce(sales.avg_selling_price, 0) AS avg_selling_price,
    CAST(
        coalesce(sales.revenue - CAST(sales.units_sold AS DECIMAL(19, 0)) * products.cost_price, 0)
        AS DECIMAL(30, 2)
    ) AS total_profit,
    sales.first_sale_date,
    sales.last_sale_date
FROM silver.stg_products AS products
LEFT JOIN sales USING (product_id);
