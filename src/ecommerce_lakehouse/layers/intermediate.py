"""The intermediate layer.

Exported from notebooks/03_intermediate.ipynb, where each function is taught.
Edit it there, then run `lakehouse export`.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame

from ecommerce_lakehouse.registry import table


@table("intermediate", key="order_id", grain="One row per completed order", event_date="order_date")
def int_customer_orders(
    stg_orders: DataFrame, stg_order_items: DataFrame, as_of_date: date
) -> DataFrame:
    """What every completed order was worth.

    Args:
        stg_orders: One row per order.
        stg_order_items: One row per line of an order.
        as_of_date: Orders after this day do not count.

    Returns:
        Shipping, subtotal and total in USD, and the number of lines. An order without
        lines has a subtotal of 0.00.
    """
    return stg_orders.sparkSession.sql(
        """
        WITH lines AS (
            SELECT order_id, sum(line_total) AS subtotal, count(*) AS items_count
            FROM {items}
            GROUP BY order_id
        )
        SELECT
            o.order_id,
            o.customer_id,
            o.order_date,
            o.shipping_cost,
            CAST(coalesce(l.subtotal, 0) AS DECIMAL(38,2)) AS order_subtotal,
            CAST(coalesce(l.subtotal, 0) + o.shipping_cost AS DECIMAL(38,2)) AS order_total,
            coalesce(l.items_count, 0) AS items_count
        FROM {orders} AS o
        LEFT JOIN lines AS l ON l.order_id = o.order_id
        WHERE o.is_completed AND o.order_date <= DATE'{as_of_date}'
        """,
        orders=stg_orders,
        items=stg_order_items,
        as_of_date=as_of_date,
    )


@table("intermediate", key="customer_id", grain="One row per customer with a completed order")
def int_customer_rfm(int_customer_orders: DataFrame, as_of_date: date) -> DataFrame:
    """Recency, frequency and monetary value of every customer who ever bought.

    Args:
        int_customer_orders: One row per completed order.
        as_of_date: The day we look back from.

    Returns:
        Days since the last order, number of orders, their total and average in USD, and a
        score from 1 (worst) to 5 (best) for each.
    """
    return int_customer_orders.sparkSession.sql(
        """
        WITH answers AS (
            SELECT
                customer_id,
                datediff(DATE'{as_of_date}', max(order_date)) AS recency_days,
                count(*) AS frequency,
                CAST(sum(order_total) AS DECIMAL(38,2)) AS monetary_value,
                CAST(sum(order_total) / count(*) AS DECIMAL(38,6)) AS avg_order_value,
                min(order_date) AS first_order_date,
                max(order_date) AS last_order_date,
                datediff(max(order_date), min(order_date)) AS customer_tenure_days
            FROM {orders}
            WHERE order_date <= DATE'{as_of_date}'
            GROUP BY customer_id
        ), scores AS (
            SELECT
                *,
                CASE
                    WHEN recency_days <= 30 THEN 5 WHEN recency_days <= 60 THEN 4
                    WHEN recency_days <= 90 THEN 3 WHEN recency_days <= 180 THEN 2 ELSE 1
                END AS recency_score,
                CASE
                    WHEN frequency >= 5 THEN 5 WHEN frequency >= 4 THEN 4
                    WHEN frequency >= 3 THEN 3 WHEN frequency >= 2 THEN 2 ELSE 1
                END AS frequency_score,
                CASE
                    WHEN monetary_value >= 500 THEN 5 WHEN monetary_value >= 300 THEN 4
                    WHEN monetary_value >= 200 THEN 3 WHEN monetary_value >= 100 THEN 2 ELSE 1
                END AS monetary_score
            FROM answers
        )
        SELECT
            *,
            recency_score + frequency_score + monetary_score AS rfm_total_score,
            concat(recency_score, frequency_score, monetary_score) AS rfm_segment_code
        FROM scores
        """,
        orders=int_customer_orders,
        as_of_date=as_of_date,
    )


@table(
    "intermediate",
    key=("customer_id", "product_id"),
    grain="One row per customer and product that they bought",
)
def int_customer_product_purchases(
    stg_order_items: DataFrame, int_customer_orders: DataFrame
) -> DataFrame:
    """How often, how many and for how much each customer bought each product.

    Args:
        stg_order_items: One row per line of an order.
        int_customer_orders: One row per completed order that counts.

    Returns:
        Orders, units, revenue in USD, the sum (USD) and the number of the unit prices paid,
        and the days of the first and the last order.
    """
    return stg_order_items.sparkSession.sql(
        """
        WITH lines AS (
            SELECT /*+ REPARTITION(customer_id, product_id) */
                o.customer_id, i.product_id, o.order_id, o.order_date,
                i.quantity, i.line_total, i.unit_price
            FROM {items} AS i
            JOIN {orders} AS o ON o.order_id = i.order_id
        ), baskets AS (
            SELECT
                customer_id, product_id, order_date,
                sum(quantity) AS units,
                sum(line_total) AS revenue,
                sum(unit_price) AS prices_sum,
                count(*) AS prices_count
            FROM lines
            GROUP BY customer_id, product_id, order_id, order_date
        )
        SELECT
            customer_id,
            product_id,
            count(*) AS orders_count,
            sum(units) AS units,
            CAST(sum(revenue) AS DECIMAL(38,2)) AS revenue,
            CAST(sum(prices_sum) AS DECIMAL(38,2)) AS prices_sum,
            sum(prices_count) AS prices_count,
            min(order_date) AS first_order_date,
            max(order_date) AS last_order_date
        FROM baskets
        GROUP BY customer_id, product_id
        """,
        items=stg_order_items,
        orders=int_customer_orders,
    )


@table("intermediate", key="product_id", grain="One row per product, sold or not")
def int_product_metrics(
    stg_products: DataFrame, int_customer_product_purchases: DataFrame
) -> DataFrame:
    """How often, to how many and for how much every product was sold.

    Args:
        stg_products: One row per product.
        int_customer_product_purchases: One row per customer and product.

    Returns:
        The product's columns, counts, revenue and profit in USD (0 when never sold), and
        the days of its first and last sale.
    """
    return stg_products.sparkSession.sql(
        """
        WITH sales AS (
            SELECT
                product_id,
                sum(orders_count) AS orders_count,
                count(*) AS customers_count,
                sum(units) AS units_sold,
                sum(revenue) AS revenue,
                CAST(sum(prices_sum) / sum(prices_count) AS DECIMAL(14,6)) AS avg_selling_price,
                min(first_order_date) AS first_sale_date,
                max(last_order_date) AS last_sale_date
            FROM {purchases}
            GROUP BY product_id
        )
        SELECT
            p.*,
            coalesce(s.orders_count, 0) AS orders_count,
            coalesce(s.customers_count, 0) AS customers_count,
            coalesce(s.units_sold, 0) AS units_sold,
            CAST(coalesce(s.revenue, 0) AS DECIMAL(38,2)) AS revenue,
            coalesce(s.avg_selling_price, 0) AS avg_selling_price,
            CAST(
                coalesce(s.revenue, 0) - coalesce(s.units_sold, 0) * p.cost_price
                AS DECIMAL(38,2)
            ) AS total_profit,
            s.first_sale_date,
            s.last_sale_date
        FROM {products} AS p
        LEFT JOIN sales AS s ON s.product_id = p.product_id
        """,
        products=stg_products,
        purchases=int_customer_product_purchases,
    )
