"""Functions of recommendations that no build needs.

Exported from notebooks/09_business_use_cases.ipynb, where each function is taught.
Edit it there, then run `lakehouse export`.
"""

from __future__ import annotations

from pyspark.ml.feature import IndexToString, StringIndexer
from pyspark.ml.fpm import FPGrowth
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def count_purchases(
    int_customer_product_purchases: DataFrame, stg_products: DataFrame
) -> DataFrame:
    """One row per customer and known product: its category, and in how many orders it was."""
    known = int_customer_product_purchases.join(stg_products, "product_id", "inner")
    return known.select("customer_id", "product_id", "category", "orders_count")


def list_popular(customers: DataFrame, bought: DataFrame, places: int, *by: str) -> DataFrame:
    """Popular products for each customer, so many that `places` of them are new to them.

    Popular among all customers, or among the rows that share the columns of `by`, which
    `customers` then has, too. Returns customer_id, product_id.
    """
    sold = bought.groupBy(*by, "product_id").agg(F.count(F.lit(1)).alias("customers"))
    best_first = F.array_sort(F.collect_list(F.struct(-F.col("customers"), "product_id")))
    lists = F.broadcast(sold.groupBy(*by).agg(best_first["product_id"].alias("products")))
    enough = (F.count(F.lit(1)) + places).cast("INT").alias("enough")
    customers = customers.join(bought.groupBy("customer_id").agg(enough), "customer_id")
    listed = customers.join(lists, list(by)) if by else customers.crossJoin(lists)
    first = F.slice("products", F.lit(1), F.col("enough"))
    return listed.select("customer_id", F.explode(first).alias("product_id"))


def rank_offers(scored: DataFrame, bought: DataFrame, places: int) -> DataFrame:
    """The best products for each customer: of those they had, and of those new to them.

    A high score is good. Returns customer_id, product_id, kind ("again" or "new") and place (1 is
    best). Ties go to the product with more customers, then to the smaller number.
    """
    popularity = bought.groupBy("product_id").agg(F.count(F.lit(1)).alias("customers"))
    popular = list_popular(bought.select("customer_id").distinct(), bought, places)
    had = bought.select("customer_id", "product_id", F.lit("again").alias("kind"))
    best = Window.partitionBy("customer_id", "kind").orderBy(
        F.desc_nulls_last("score"), F.desc("customers"), "product_id"
    )
    kind = F.coalesce(F.max("kind"), F.lit("new")).alias("kind")
    return (
        scored.select("customer_id", "product_id", "score")
        .unionByName(popular, allowMissingColumns=True)
        .unionByName(had, allowMissingColumns=True)
        .groupBy("customer_id", "product_id")
        .agg(F.max("score").alias("score"), kind)
        .join(popularity, "product_id")
        .withColumn("place", F.row_number().over(best))
        .where(F.col("place") <= places)
        .select("customer_id", "product_id", "kind", "place")
    )


def offer_popular(bought: DataFrame, places: int) -> DataFrame:
    """The products with most customers; lists as `rank_offers` returns them."""
    return rank_offers(bought.withColumn("score", F.lit(None).cast("DOUBLE")), bought, places)


def offer_again(bought: DataFrame, places: int) -> DataFrame:
    """What each customer bought most often; lists as `rank_offers` returns them."""
    often = F.col("orders_count").cast("DOUBLE")
    return rank_offers(bought.withColumn("score", often), bought, places)


def offer_favourite(bought: DataFrame, places: int) -> DataFrame:
    """What is popular in the category that each customer orders most, ties by its name.

    Lists as `rank_offers` returns them; where no category is known, the most popular.
    """
    known = bought.where("category IS NOT NULL").groupBy("customer_id", "category")
    likes = known.agg(F.sum("orders_count").alias("lines"))
    best = Window.partitionBy("customer_id").orderBy(F.desc("lines"), "category")
    likes = likes.withColumn("at", F.row_number().over(best)).where("at = 1")
    likes = likes.select("customer_id", "category")
    own = bought.join(likes, ["customer_id", "category"]).select("customer_id", "product_id")
    inside = own.union(list_popular(likes, bought, places, "category"))
    return rank_offers(inside.withColumn("score", F.lit(1.0)), bought, places)


def offer_pairs(bought: DataFrame, places: int) -> DataFrame:
    """What others have who have the same products; lists as `rank_offers` returns them.

    A pair counts where 1% of the customers, and two at least, have it among their favourites.
    """
    own = Window.partitionBy("customer_id").orderBy(F.desc("orders_count"), "product_id")
    few = bought.withColumn("at", F.row_number().over(own)).where("at <= 10")
    sets = few.groupBy("customer_id").agg(F.collect_list("product_id").alias("items"))
    support = min(1.0, max(0.01, 2 / max(sets.count(), 1)))
    found = FPGrowth(minSupport=support, minConfidence=0.0, numPartitions=2).fit(sets)
    rules = found.associationRules.where("size(antecedent) = 1").select(
        F.col("antecedent")[0].alias("product_id"),
        F.col("consequent")[0].alias("other"),
        # A sum of decimals is the same in any order.
        F.col("confidence").cast("DECIMAL(12,9)").alias("share"),
    )
    shares = bought.join(F.broadcast(rules), "product_id").groupBy("customer_id", "other")
    scored = shares.agg(F.sum("share").cast("DOUBLE").alias("score"))
    return rank_offers(scored.withColumnRenamed("other", "product_id"), bought, places)


def offer_als(
    bought: DataFrame, places: int, rank: int = 8, regularisation: float = 1.0, seed: int = 7
) -> DataFrame:
    """What customers of the same taste buy, by alternating least squares.

    Lists as `rank_offers` returns them, the same on any number of cores and partitions.
    """
    # Sums of fractions depend on their order, so ALS gets one order and a fixed number of blocks.
    one_order = bought.orderBy("customer_id", "product_id").coalesce(1)
    numbers = StringIndexer(inputCols=["customer_id", "product_id"], stringOrderType="alphabetAsc")
    indexer = numbers.setOutputCols(["customer", "product"]).fit(one_order)
    pairs = indexer.transform(one_order)
    model = ALS(
        userCol="customer",
        itemCol="product",
        ratingCol="orders_count",
        implicitPrefs=True,
        rank=rank,
        regParam=regularisation,
        alpha=10.0,
        seed=seed,
        numUserBlocks=2,
        numItemBlocks=2,
    ).fit(pairs)
    again = model.transform(pairs).select("customer", "product", "prediction")
    enough = pairs.groupBy("customer").agg((F.count("*") + places).cast("INT").alias("enough"))
    (most,) = enough.agg(F.max("enough")).collect()[0]
    best = F.slice("recommendations", F.lit(1), F.col("enough"))
    new = model.recommendForAllUsers(most).join(enough, "customer")
    new = new.select("customer", F.inline(best))
    new = new.join(pairs, ["customer", "product"], "left_anti")
    scored = again.union(new)
    for column, labels in zip(("customer", "product"), indexer.labelsArray, strict=True):
        scored = scored.withColumn(column, F.col(column).cast("DOUBLE"))
        name_it = IndexToString(inputCol=column, outputCol=f"{column}_id", labels=list(labels))
        scored = name_it.transform(scored)
    names = [F.col(name).cast("BIGINT").alias(name) for name in ("customer_id", "product_id")]
    scored = scored.select(*names, F.col("prediction").cast("DOUBLE").alias("score"))
    return rank_offers(scored, bought, places)


SIMPLE = {
    "most popular": offer_popular,
    "buy again": offer_again,
    "favourite category": offer_favourite,
    "frequent pairs": offer_pairs,
}
# What ALS has to beat.
