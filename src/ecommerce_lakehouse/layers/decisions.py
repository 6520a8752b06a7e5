"""The decisions layer.

Exported from notebooks/09_business_use_cases.ipynb, where each function is taught.
Edit it there, then run `lakehouse export`.
"""

from __future__ import annotations

from datetime import date

from pyspark.ml.feature import IndexToString, StringIndexer
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def churn_campaign(dim_customer_segments: DataFrame) -> DataFrame:
    """The customers to win back: good ones who no longer come.

    Args:
        dim_customer_segments: One row per customer.

    Returns:
        One row per selected customer, the most valuable first: customer_id, email, names,
        customer_segment, churn_risk, recency_days, monetary_value (USD), recommended_action.
    """
    return (
        dim_customer_segments.where(F.col("customer_segment").isin("At Risk", "Cant Lose Them"))
        .where(F.col("churn_risk").isin("High", "Medium"))
        .where(F.col("monetary_value") > 200)
        .select(
            "customer_id",
            "email",
            "first_name",
            "last_name",
            "customer_segment",
            "churn_risk",
            "recency_days",
            "monetary_value",
            "recommended_action",
        )
        .orderBy(F.desc("monetary_value"), "customer_id")
    )


def marketing_budget(dim_customer_segments: DataFrame) -> DataFrame:
    """Ten per cent of each customer's expected value, added up by segment.

    Args:
        dim_customer_segments: One row per customer.

    Returns:
        One row per segment, the largest budget first: customer_segment, customers,
        predicted_clv_12m, budget, budget_per_customer (USD).
    """
    budget = F.round(F.col("predicted_clv_12m") * F.lit("0.10").cast("DECIMAL(3,2)"), 2)
    return (
        dim_customer_segments.withColumn("budget", budget)
        .groupBy("customer_segment")
        .agg(
            F.count(F.lit(1)).alias("customers"),
            F.sum("predicted_clv_12m").cast("DECIMAL(38,2)").alias("predicted_clv_12m"),
            F.sum("budget").cast("DECIMAL(38,2)").alias("budget"),
            F.round(F.avg("budget"), 2).cast("DECIMAL(38,2)").alias("budget_per_customer"),
        )
        .orderBy(F.desc("budget"), "customer_segment")
    )


def spend_after(
    dim_customer_segments: DataFrame, int_customer_orders: DataFrame, as_of_date: date
) -> DataFrame:
    """What the customers of each segment spent after the day the segments were made.

    Args:
        dim_customer_segments: One row per customer, as seen on `as_of_date`.
        int_customer_orders: Completed orders, later ones included.
        as_of_date: Only orders after this day count.

    Returns:
        One row per segment: customer_segment, buyers, spent (USD).
    """
    later = int_customer_orders.where(F.col("order_date") > F.lit(as_of_date))
    spent = later.groupBy("customer_id").agg(F.sum("order_total").alias("spent"))
    return (
        dim_customer_segments.join(spent, "customer_id", "left")
        .groupBy("customer_segment")
        .agg(
            F.count("spent").alias("buyers"),
            F.coalesce(F.sum("spent"), F.lit(0)).cast("DECIMAL(38,2)").alias("spent"),
        )
        .orderBy("customer_segment")
    )


def purchases(int_customer_product_purchases: DataFrame, stg_products: DataFrame) -> DataFrame:
    """In how many completed orders did each customer buy each known product?

    Args:
        int_customer_product_purchases: One row per customer and product.
        stg_products: One row per product.

    Returns:
        One row per customer and product: customer_id, product_id, orders_count.
    """
    known = int_customer_product_purchases.join(stg_products, "product_id", "left_semi")
    return known.select("customer_id", "product_id", "orders_count")


def most_popular(bought: DataFrame, places: int) -> DataFrame:
    """The products with most customers, the same for everybody.

    Args:
        bought: One row per customer and product, as `purchases` returns it.
        places: How many to offer to each customer.

    Returns:
        customer_id, product_id, place (1 is best).
    """
    top = bought.groupBy("product_id").agg(F.count(F.lit(1)).alias("customers"))
    place = F.row_number().over(Window.orderBy(F.desc("customers"), "product_id"))
    top = top.select("product_id", place.alias("place")).where(F.col("place") <= places)
    return bought.select("customer_id").distinct().crossJoin(F.broadcast(top))


def buy_again(bought: DataFrame, places: int) -> DataFrame:
    """What each customer bought most often, filled up with the most popular products.

    Ties go to the product with more customers, then to the smaller number.

    Args:
        bought: One row per customer and product, as `purchases` returns it.
        places: How many to offer to each customer.

    Returns:
        customer_id, product_id, place (1 is best).
    """
    popularity = bought.groupBy("product_id").agg(F.count(F.lit(1)).alias("customers"))
    favourite = Window.partitionBy("customer_id").orderBy(
        F.desc("orders_count"), F.desc("customers"), "product_id"
    )
    own = bought.select("customer_id", "product_id", "orders_count")
    popular = most_popular(bought, places).withColumn("orders_count", F.lit(0).cast("BIGINT"))
    return (
        own.unionByName(popular.drop("place"))
        .groupBy("customer_id", "product_id")
        .agg(F.max("orders_count").alias("orders_count"))
        .join(popularity, "product_id")
        .withColumn("place", F.row_number().over(favourite))
        .where(F.col("place") <= places)
        .select("customer_id", "product_id", "place")
    )


def als(bought: DataFrame, places: int, seed: int = 7) -> DataFrame:
    """What customers of the same taste buy, by alternating least squares.

    Args:
        bought: One row per customer and product, as `purchases` returns it.
        places: How many to offer to each customer.
        seed: Where the learning starts.

    Returns:
        customer_id, product_id, place (1 is best).
    """
    # ALS wants small whole numbers; the shop's numbers may be large.
    one_order = bought.orderBy("customer_id", "product_id").coalesce(1)
    indexer = StringIndexer(
        inputCols=["customer_id", "product_id"],
        outputCols=["customer", "product"],
        stringOrderType="alphabetAsc",
    ).fit(one_order)
    model = ALS(
        userCol="customer",
        itemCol="product",
        ratingCol="orders_count",
        implicitPrefs=True,
        rank=8,
        regParam=0.1,
        alpha=10.0,
        maxIter=10,
        numUserBlocks=2,
        numItemBlocks=2,
        seed=seed,
    ).fit(indexer.transform(one_order))
    customers, products = indexer.labelsArray
    offers = model.recommendForAllUsers(places).select(
        "customer", F.posexplode("recommendations.product").alias("position", "product")
    )
    for column, labels in (("customer", customers), ("product", products)):
        offers = offers.withColumn(column, F.col(column).cast("DOUBLE"))
        name_it = IndexToString(inputCol=column, outputCol=f"{column}_id", labels=list(labels))
        offers = name_it.transform(offers)
    return offers.select(
        F.col("customer_id").cast("BIGINT").alias("customer_id"),
        F.col("product_id").cast("BIGINT").alias("product_id"),
        (F.col("position") + 1).alias("place"),
    )


def hits(offers: DataFrame, later: DataFrame) -> DataFrame:
    """Did at least one offer come true, customer by customer?

    Args:
        offers: customer_id, product_id, as the methods return them.
        later: What was bought afterwards: customer_id, product_id.

    Returns:
        customer_id and hit (1 or 0), for the customers who got offers and bought later.
    """
    bought = later.select("customer_id", "product_id").distinct()
    return (
        offers.join(bought.withColumn("hit", F.lit(1)), ["customer_id", "product_id"], "left")
        .join(bought.select("customer_id").distinct(), "customer_id", "left_semi")
        .groupBy("customer_id")
        .agg(F.coalesce(F.max("hit"), F.lit(0)).alias("hit"))
    )
