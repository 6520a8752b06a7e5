"""How lists of offers are judged, by what was bought later.

Notebook 9 says in words what each measure means, and has one of them written as an exercise.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def find_hits(offers: DataFrame, later: DataFrame, bought: DataFrame) -> DataFrame:
    """At which places did offers come true, customer by customer, again and new apart?

    Returns:
        method, customer_id, kind, wanted (how many products of this kind the customer bought
        later), places (of the offers that came true). Only customers who bought before and after.
    """
    key = ["customer_id", "product_id"]
    had = bought.select(*key, F.lit("again").alias("kind"))
    wanted = later.select(*key).distinct().join(had, key, "left").fillna("new", ["kind"])
    wanted = wanted.join(bought.select("customer_id"), "customer_id", "left_semi")
    wanted = wanted.crossJoin(F.broadcast(offers.select("method").distinct()))
    found = wanted.join(offers.select("method", *key, "place"), ["method", *key], "left")
    return found.groupBy("method", "customer_id", "kind").agg(
        F.count(F.lit(1)).cast("INT").alias("wanted"),
        F.array_sort(F.collect_list("place")).alias("places"),
    )


def add_gains(places: Column) -> Column:
    """What hits at these places count together, always added up in the same order."""
    return F.aggregate(places, F.lit(0.0), lambda so_far, at: so_far + 1 / F.log2(at + 1))


def measure_hits(found: DataFrame, places: int) -> DataFrame:
    """Each customer's measures, 0 to 1, of so many places: hit, precision, recall, ndcg."""
    true = F.filter("places", lambda at: at <= places)
    ideal = F.sequence(F.lit(1), F.least("wanted", F.lit(places)))
    return found.select(
        "method",
        "customer_id",
        "kind",
        (F.size(true) > 0).cast("INT").alias("hit"),
        (F.size(true) / places).alias("precision"),
        (F.size(true) / F.col("wanted")).alias("recall"),
        (add_gains(true) / add_gains(ideal)).alias("ndcg"),
    )


def measure_coverage(offers: DataFrame, bought: DataFrame) -> DataFrame:
    """method, kind, coverage: of the products in `bought`, the share (0 to 1) that is offered."""
    catalogue = max(bought.select("product_id").distinct().count(), 1)
    share = F.count_distinct("product_id") / catalogue
    return offers.groupBy("method", "kind").agg(share.alias("coverage"))
