"""The course this one comes from, as its notebooks build their tables.

It makes fewer tables and columns than the contract: no quarantine, no checks, no purchases by
customer and product. Types are guessed by `inferSchema`. Mended is only what Spark 4 does not
run: a wrong cast gives NULL as Spark 3 had it, and one window inside an aggregate is computed
first.

On dirty rows it is wrong without a word: a row that does not fit its columns moves its values
into others, `"5,99"` and `free` become NULL, a key that is no number makes the whole column
text, a row that was sent twice counts twice, and a field with a line break is two rows.
"""

import sys

from delta import configure_spark_with_delta_pip
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

INT_CUSTOMER_ORDERS = """
SELECT o.order_id, o.customer_id, o.order_date, o.shipping_cost,
       SUM(oi.line_total) AS order_subtotal,
       SUM(oi.line_total) + o.shipping_cost AS order_total,
       COUNT(oi.order_item_id) AS items_count
FROM stg_orders o LEFT JOIN stg_order_items oi ON o.order_id = oi.order_id
WHERE o.is_completed
GROUP BY o.order_id, o.customer_id, o.order_date, o.shipping_cost
"""
INT_CUSTOMER_RFM = """
WITH r AS (
    SELECT co.customer_id,
           DATEDIFF(ad.max_date, MAX(co.order_date)) AS recency_days,
           COUNT(DISTINCT co.order_id) AS frequency,
           SUM(co.order_total) AS monetary_value,
           AVG(co.order_total) AS avg_order_value,
           MIN(co.order_date) AS first_order_date,
           MAX(co.order_date) AS last_order_date,
           DATEDIFF(MAX(co.order_date), MIN(co.order_date)) AS customer_tenure_days
    FROM int_customer_orders co CROSS JOIN analysis_date ad
    GROUP BY co.customer_id, ad.max_date
)
SELECT *,
       CASE WHEN recency_days <= 30 THEN 5 WHEN recency_days <= 60 THEN 4
            WHEN recency_days <= 90 THEN 3 WHEN recency_days <= 180 THEN 2 ELSE 1
       END AS recency_score,
       CASE WHEN frequency >= 5 THEN 5 WHEN frequency >= 4 THEN 4
            WHEN frequency >= 3 THEN 3 WHEN frequency >= 2 THEN 2 ELSE 1
       END AS frequency_score,
       CASE WHEN monetary_value >= 500 THEN 5 WHEN monetary_value >= 300 THEN 4
            WHEN monetary_value >= 200 THEN 3 WHEN monetary_value >= 100 THEN 2 ELSE 1
       END AS monetary_score,
       recency_score + frequency_score + monetary_score AS rfm_total_score,
       CONCAT(recency_score, frequency_score, monetary_score) AS rfm_segment_code
FROM r
"""
INT_PRODUCT_METRICS = """
WITH ps AS (
    SELECT oi.product_id,
           COUNT(DISTINCT o.order_id) AS orders_count,
           COUNT(DISTINCT o.customer_id) AS customers_count,
           SUM(oi.quantity) AS units_sold,
           SUM(oi.line_total) AS revenue,
           AVG(oi.unit_price) AS avg_selling_price,
           MIN(o.order_date) AS first_sale_date,
           MAX(o.order_date) AS last_sale_date
    FROM stg_order_items oi JOIN stg_orders o ON oi.order_id = o.order_id
    WHERE o.is_completed
    GROUP BY oi.product_id
)
SELECT p.product_id, p.product_name, p.category, p.cost_price, p.list_price,
       p.profit_margin, p.profit_margin_pct,
       COALESCE(ps.orders_count, 0) AS orders_count,
       COALESCE(ps.customers_count, 0) AS customers_count,
       COALESCE(ps.units_sold, 0) AS units_sold,
       COALESCE(ps.revenue, 0) AS revenue,
       COALESCE(ps.avg_selling_price, 0) AS avg_selling_price,
       COALESCE(ps.revenue - ps.units_sold * p.cost_price, 0) AS total_profit,
       ps.first_sale_date, ps.last_sale_date
FROM stg_products p LEFT JOIN ps ON p.product_id = ps.product_id
"""
FCT_CUSTOMER_METRICS = """
SELECT c.customer_id, c.email, c.first_name, c.last_name, c.country, c.customer_created_at,
       r.* EXCEPT (customer_id),
       r.monetary_value AS current_clv,
       CASE WHEN r.rfm_total_score >= 12 THEN r.monetary_value * 2.0
            WHEN r.rfm_total_score >= 9 THEN r.monetary_value * 1.5
            WHEN r.rfm_total_score >= 6 THEN r.monetary_value * 1.2
            ELSE r.monetary_value * 0.8
       END AS predicted_clv_12m,
       CASE WHEN r.recency_days > 180 AND r.frequency = 1 THEN 'High'
            WHEN r.recency_days > 120 THEN 'Medium'
            WHEN r.recency_days > 90 THEN 'Low'
            ELSE 'Very Low'
       END AS churn_risk,
       current_timestamp() AS spark_updated_at
FROM stg_customers c LEFT JOIN int_customer_rfm r ON c.customer_id = r.customer_id
"""
DIM_CUSTOMER_SEGMENTS = """
SELECT customer_id, email, first_name, last_name,
       CASE
           WHEN recency_score >= 4 AND frequency_score >= 4 AND monetary_score >= 4
               THEN 'Champions'
           WHEN recency_score >= 3 AND frequency_score >= 3 AND monetary_score >= 3
               THEN 'Loyal Customers'
           WHEN recency_score >= 4 AND frequency_score <= 2 AND monetary_score <= 2
               THEN 'New Customers'
           WHEN recency_score >= 3 AND frequency_score <= 2 AND monetary_score >= 3
               THEN 'Big Spenders'
           WHEN recency_score <= 2 AND frequency_score >= 3 AND monetary_score >= 3
               THEN 'At Risk'
           WHEN recency_score <= 2 AND frequency_score <= 2 AND monetary_score >= 3
               THEN 'Cant Lose Them'
           WHEN recency_score <= 2 AND frequency_score >= 2 AND monetary_score <= 2
               THEN 'Hibernating'
           WHEN recency_score <= 1 AND frequency_score <= 1 AND monetary_score <= 1 THEN 'Lost'
           ELSE 'Others'
       END AS customer_segment,
       recency_days, recency_score, frequency_score, monetary_score, rfm_total_score,
       monetary_value, frequency AS total_orders, avg_order_value, predicted_clv_12m, churn_risk
FROM fct_customer_metrics
"""
FCT_PRODUCT_PERFORMANCE = """
WITH s AS (
    SELECT percentile_cont(0.8) WITHIN GROUP (ORDER BY revenue) AS p80,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY revenue) AS p50,
           percentile_cont(0.2) WITHIN GROUP (ORDER BY revenue) AS p20
    FROM int_product_metrics
)
SELECT m.*,
       ROW_NUMBER() OVER (ORDER BY revenue DESC) AS revenue_rank,
       ROW_NUMBER() OVER (ORDER BY units_sold DESC) AS units_rank,
       ROW_NUMBER() OVER (ORDER BY total_profit DESC) AS profit_rank,
       revenue / NULLIF(SUM(revenue) OVER (PARTITION BY category), 0) AS category_revenue_share,
       CASE WHEN revenue >= p80 THEN 'Star' WHEN revenue >= p50 THEN 'Performer'
            WHEN revenue >= p20 THEN 'Average' ELSE 'Underperformer'
       END AS performance_tier
FROM int_product_metrics m CROSS JOIN s
"""
ML_CUSTOMER_FEATURES = """
WITH d AS (
    SELECT max_date AS d FROM analysis_date
), g AS (
    SELECT *, DATEDIFF(
        order_date, LAG(order_date) OVER (PARTITION BY customer_id ORDER BY order_date)
    ) AS gap
    FROM int_customer_orders
), b AS (
    SELECT customer_id,
           STDDEV(order_total) AS order_value_volatility,
           MAX(order_total) AS max_order_value,
           MIN(order_total) AS min_order_value,
           AVG(gap) AS avg_days_between_orders,
           CASE WHEN COUNT(*) >= 3 THEN
               SUM(CASE WHEN order_date >= date_sub(d, 90) THEN 1D ELSE 0D END)
               / NULLIF(SUM(CASE WHEN order_date >= date_sub(d, 180)
                                  AND order_date < date_sub(d, 90) THEN 1 ELSE 0 END), 0)
           END AS order_trend_ratio
    FROM g CROSS JOIN d
    GROUP BY customer_id
)
SELECT cm.customer_id,
       CASE WHEN cm.churn_risk IN ('High', 'Medium') THEN 1 ELSE 0 END AS is_churn_risk,
       cm.country, cm.recency_days, cm.frequency, cm.monetary_value, cm.avg_order_value,
       cm.rfm_total_score, cm.customer_tenure_days, b.* EXCEPT (customer_id),
       cm.predicted_clv_12m
FROM fct_customer_metrics cm LEFT JOIN b ON cm.customer_id = b.customer_id
"""
QUERIES = {
    "intermediate/int_customer_orders": INT_CUSTOMER_ORDERS,
    "intermediate/int_customer_rfm": INT_CUSTOMER_RFM,
    "intermediate/int_product_metrics": INT_PRODUCT_METRICS,
    "gold/fct_customer_metrics": FCT_CUSTOMER_METRICS,
    "gold/dim_customer_segments": DIM_CUSTOMER_SEGMENTS,
    "gold/fct_product_performance": FCT_PRODUCT_PERFORMANCE,
    "ml/ml_customer_features": ML_CUSTOMER_FEATURES,
}


def session() -> SparkSession:
    """A session as the course's configuration cell makes it."""
    builder = (
        SparkSession.builder.appName("original")
        .config("spark.sql.shuffle.partitions", 4)
        .config("spark.sql.sources.partitionOverwriteMode", "dynamic")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.ansi.enabled", False)
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config(
            "spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog"
        )
    )
    return configure_spark_with_delta_pip(builder).getOrCreate()


def silver(spark: SparkSession) -> dict[str, DataFrame]:
    """The four cleaned tables, from views of the raw ones."""
    c, loaded = F.col, F.current_timestamp().alias("spark_loaded_at")
    completed = F.lower(F.trim("status")) == "completed"
    margin = c("list_price") - c("cost_price")
    return {
        "stg_customers": spark.table("bronze_customers")
        .select(
            "customer_id",
            F.lower(F.trim("email")).alias("email"),
            F.initcap(F.trim("first_name")).alias("first_name"),
            F.initcap(F.trim("last_name")).alias("last_name"),
            F.upper(F.trim("country")).alias("country"),
            F.to_date("created_at").alias("customer_created_at"),
            c("email").contains("@").alias("is_valid_email"),
            loaded,
        )
        .filter("is_valid_email"),
        "stg_orders": spark.table("bronze_orders").select(
            "order_id",
            "customer_id",
            F.to_date("order_date").alias("order_date"),
            F.lower(F.trim("status")).alias("order_status"),
            c("shipping_cost").cast("decimal(10,2)").alias("shipping_cost"),
            F.year("order_date").alias("order_year"),
            F.month("order_date").alias("order_month"),
            F.quarter("order_date").alias("order_quarter"),
            F.date_format("order_date", "EEEE").alias("order_day_of_week"),
            completed.alias("is_completed"),
            loaded,
        ),
        "stg_order_items": spark.table("bronze_order_items")
        .select(
            "order_item_id",
            "order_id",
            "product_id",
            c("quantity").cast("int").alias("quantity"),
            c("unit_price").cast("decimal(10,2)").alias("unit_price"),
            (c("quantity") * c("unit_price")).cast("decimal(10,2)").alias("line_total"),
            loaded,
        )
        .filter("quantity > 0"),
        "stg_products": spark.table("bronze_products").select(
            "product_id",
            F.trim("product_name").alias("product_name"),
            F.initcap(F.trim("category")).alias("category"),
            c("cost_price").cast("decimal(10,2)").alias("cost_price"),
            c("list_price").cast("decimal(10,2)").alias("list_price"),
            margin.cast("decimal(10,2)").alias("profit_margin"),
            (margin / c("list_price") * 100).cast("decimal(7,2)").alias("profit_margin_pct"),
        ),
    }


def main(data_dir: str, lakehouse_dir: str) -> None:
    """Build and write every table that the course has."""
    spark = session()

    def save(rows: DataFrame, place: str) -> None:
        rows.write.mode("overwrite").format("delta").save(f"{lakehouse_dir}/{place}")

    def load(place: str, view: str) -> None:
        spark.read.format("delta").load(f"{lakehouse_dir}/{place}").createOrReplaceTempView(view)

    for name in ("customers", "orders", "order_items", "products"):
        raw = spark.read.option("header", True).option("inferSchema", True)
        save(raw.csv(f"{data_dir}/raw_{name}.csv"), f"bronze/{name}")
        load(f"bronze/{name}", f"bronze_{name}")
    for name, rows in silver(spark).items():
        save(rows, f"silver/{name}")
        load(f"silver/{name}", name)
    for place, query in QUERIES.items():
        rows = spark.sql(query)
        save(rows, place)
        rows.createOrReplaceTempView(place.partition("/")[2])  # the plan, not what was written
        if place == "intermediate/int_customer_orders":
            last = "SELECT MAX(order_date) AS max_date FROM int_customer_orders"
            spark.sql(f"CREATE OR REPLACE TEMP VIEW analysis_date AS {last}")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
