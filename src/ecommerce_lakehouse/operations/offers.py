"""Which recommendations go out: the methods are compared, and ALS ships only where it is ahead.

The methods and measures are those of notebook 9. What is decided and what goes out are tables of
the scoring job.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial, reduce

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ecommerce_lakehouse.layers.intermediate import int_customer_product_purchases
from ecommerce_lakehouse.layers.recommendations import (
    SIMPLE,
    count_purchases,
    offer_als,
    offer_popular,
)
from ecommerce_lakehouse.operations.measures import find_hits, measure_coverage, measure_hits
from ecommerce_lakehouse.registry import table

Method = Callable[[DataFrame, int], DataFrame]
"""What was bought and a number of places in, lists as `rank_offers` returns them out."""
Decided = tuple[pd.DataFrame, tuple[int, float]]
"""What `compare_methods` says, and the rank and regularisation of ALS."""


def make_offers(methods: Mapping[str, Method], bought: DataFrame, places: int) -> DataFrame:
    """The lists of each method, one below the other: `rank_offers`' columns and method."""
    made = [
        make(bought, places).withColumn("method", F.lit(name)).localCheckpoint()
        for name, make in methods.items()
    ]
    return reduce(DataFrame.unionByName, made)


SETTINGS = ((8, 1.0), (8, 0.1), (16, 1.0), (16, 0.1))
"""Rank and regularisation of ALS to choose from."""


def choose_settings(bought: DataFrame, later: DataFrame) -> tuple[int, float]:
    """The rank and regularisation of ALS whose lists have the highest NDCG at 5 in the mean.

    Args:
        bought: What to learn from, as `count_purchases` returns it.
        later: What was bought in the validation window; nothing of the holdout.

    Returns:
        One of SETTINGS; the first where there is nothing to learn from or to judge by.
    """
    if bought.isEmpty() or later.isEmpty():
        return SETTINGS[0]
    methods = {
        str(at): partial(offer_als, rank=rank, regularisation=regularisation)
        for at, (rank, regularisation) in enumerate(SETTINGS)
    }
    measured = measure_hits(find_hits(make_offers(methods, bought, 5), later, bought), 5)
    means = measured.groupBy("method").agg(F.round(F.avg("ndcg"), 9).alias("ndcg"))
    best = means.orderBy(F.desc("ndcg"), "method").head()
    return SETTINGS[int(best.method)] if best else SETTINGS[0]


def compare_methods(measured: DataFrame) -> pd.DataFrame:
    """Does ALS beat the best simple method beyond chance? If not, the simple one ships.

    Args:
        measured: method, customer_id, kind, ndcg, as `measure_hits` returns them.

    Returns:
        One row per kind: kind, customers, simple (the best one's name), ahead (ALS' mean lead in
        NDCG), low and high (of its 95% interval), ships, because (in words).
    """
    means = measured.groupBy("kind", "method").agg(F.round(F.avg("ndcg"), 9).alias("ndcg"))
    means_of = {(row.kind, row.method): row.ndcg for row in means.collect()}
    rows = []
    for kind, plain in (("again", "buy again"), ("new", "most popular")):
        at = {name: means_of.get((kind, name), -1.0) for name in (plain, *SIMPLE)}
        simple = max(at, key=lambda name: at[name])
        lead = F.when(F.col("method") == "ALS", F.col("ndcg")).otherwise(-F.col("ndcg"))
        both = measured.where(F.col("method").isin("ALS", simple)).where(F.col("kind") == kind)
        each = both.groupBy("customer_id").agg(F.sum(lead).alias("lead"), F.count("*").alias("n"))
        stats = (F.count("*"), F.avg("lead"), F.stddev("lead"))
        customers, ahead, spread = each.where("n = 2").agg(*stats).collect()[0]
        ships, low, high = simple, None, None
        because = f"{customers} customers are too few to judge ALS by, so {simple} ships."
        if customers >= 30:
            margin = 1.96 * spread / customers**0.5
            low, high = ahead - margin, ahead + margin
            ships = "ALS" if low > 0 else simple
            word = "ahead of" if ahead > 0 else "behind"
            because = f"ALS is {word} {simple} by {abs(ahead):.3f} (95%: {low:.3f} to {high:.3f})"
            because += (
                f", so {ships} ships."
                if low > 0 or high < 0
                else (f", which may be chance, so {ships} ships.")
            )
        rows.append((kind, customers, simple, ahead, low, high, ships, because))
    names = ["kind", "customers", "simple", "ahead", "low", "high", "ships", "because"]
    return pd.DataFrame(rows, columns=names).astype({"ahead": float, "low": float, "high": float})


def count_window(
    stg_order_items: DataFrame,
    int_customer_orders: DataFrame,
    stg_products: DataFrame,
    after: date,
    until: date,
) -> DataFrame:
    """What was bought after one day up to another, as `count_purchases` returns it.

    Args:
        stg_order_items: One row per product line of an order.
        int_customer_orders: One row per completed order.
        stg_products: One row per product.
        after: The day before the window.
        until: Its last day.
    """
    some = int_customer_orders.where(f"order_date > '{after}' AND order_date <= '{until}'")
    bought = int_customer_product_purchases(stg_order_items, some)
    return count_purchases(bought, stg_products).localCheckpoint()


def summarise_hits(
    found: DataFrame, offers: DataFrame, bought: DataFrame, places: int
) -> pd.DataFrame:
    """The measures of each method and kind in the mean of its customers, the best NDCG first.

    Args:
        found: As `find_hits` returns it.
        offers: The lists, as `make_offers` returns them.
        bought: What was learnt from.
        places: So many of each list count.

    Returns:
        method, kind, customers, hit, precision, recall, ndcg, coverage (all 0 to 1).
    """
    means = [F.round(F.avg(name), 3).alias(name) for name in ("hit", "precision", "recall", "ndcg")]
    each = measure_hits(found, places).groupBy("method", "kind")
    measured = each.agg(F.count("*").alias("customers"), *means)
    covered = measure_coverage(offers.where(F.col("place") <= places), bought)
    covered = covered.withColumn("coverage", F.round("coverage", 2))
    table = measured.join(covered, ["method", "kind"]).toPandas()
    return table.sort_values(["kind", "ndcg", "method"], ascending=[True, False, True])


def choose_methods(
    stg_order_items: DataFrame,
    int_customer_orders: DataFrame,
    stg_products: DataFrame,
    as_of_date: date,
    days: int = 184,
) -> Decided:
    """What ships, judged by the last days before a day; ALS is set by as many days before them.

    Args:
        stg_order_items: One row per product line of an order.
        int_customer_orders: One row per completed order; later ones do not count.
        stg_products: One row per product.
        as_of_date: The day we stand on.
        days: How long a window is.

    Returns:
        The gate as `compare_methods` returns it; ALS' rank and regularisation.
    """
    cuts = [date.min, *(as_of_date - timedelta(days=days * back) for back in (2, 1, 0))]

    count_between = partial(count_window, stg_order_items, int_customer_orders, stg_products)
    settings = choose_settings(count_between(*cuts[:2]), count_between(*cuts[1:3]))
    bought, later = count_between(cuts[0], cuts[2]), count_between(*cuts[2:])
    als = partial(offer_als, rank=settings[0], regularisation=settings[1])
    methods: dict[str, Method] = {"most popular": offer_popular}
    if not bought.isEmpty():
        methods = {**SIMPLE, "ALS": als}
    found = find_hits(make_offers(methods, bought, 5), later, bought)
    return compare_methods(measure_hits(found, 5).localCheckpoint()), settings


def choose_offers(
    stg_order_items: DataFrame,
    int_customer_orders: DataFrame,
    stg_products: DataFrame,
    as_of_date: date,
    decided: Decided | None = None,
    places: int = 10,
) -> DataFrame:
    """The offers that go out to each customer who bought by a day.

    Half of the places are for what they had, the rest for what is new to them; where one kind
    does not fill its places, the other does.

    Args:
        stg_order_items: One row per product line of an order.
        int_customer_orders: One row per completed order; later ones do not count.
        stg_products: One row per product.
        as_of_date: The day we stand on.
        decided: What `choose_methods` returned; by default it is called, which takes longer.
        places: How many offers each customer gets.

    Returns:
        customer_id, product_id, place (1 is best), method.
    """
    tables = stg_order_items, int_customer_orders, stg_products
    gate, settings = decided or choose_methods(*tables, as_of_date)
    bought = count_window(*tables, date.min, as_of_date)
    als = partial(offer_als, rank=settings[0], regularisation=settings[1])
    methods: dict[str, Method] = {**SIMPLE, "ALS": als}
    ships = dict(zip(gate["kind"], gate["ships"], strict=True))
    offers = make_offers(
        {name: methods[name] for name in sorted(set(ships.values()))}, bought, places
    )
    chosen = [(F.col("kind") == kind) & (F.col("method") == name) for kind, name in ships.items()]
    offers = offers.where(reduce(Column.__or__, chosen))
    is_spare = (F.col("kind") == "again") & (F.col("place") > places // 2)
    order = Window.partitionBy("customer_id").orderBy(is_spare, "kind", "place")
    offers = offers.withColumn("place", F.row_number().over(order))
    return offers.where(F.col("place") <= places).select(
        "customer_id", "product_id", "place", "method"
    )


@table(
    "ml",
    key="kind",
    grain="One row per kind of offer, to buy again or new to the customer",
    needs_all_rows=True,
    scored=True,
    own_day=True,
)
def offer_methods(
    stg_order_items: DataFrame,
    int_customer_orders: DataFrame,
    stg_products: DataFrame,
    as_of_date: date,
) -> DataFrame:
    """Which method makes the offers of each kind, and how it was found.

    Args:
        stg_order_items: One row per product line of an order.
        int_customer_orders: One row per completed order.
        stg_products: One row per product.
        as_of_date: The day we stand on; the half year up to it judges.

    Returns:
        kind, customers, simple, ahead, low, high, ships, because as `compare_methods` says them;
        rank and regularisation of ALS, fitted_on.
    """
    gate, (rank, regularisation) = choose_methods(
        stg_order_items, int_customer_orders, stg_products, as_of_date
    )
    columns = (
        "kind STRING, customers BIGINT, simple STRING, ahead DOUBLE, low DOUBLE, high DOUBLE, "
        "ships STRING, because STRING"
    )
    rows = gate.astype(object).itertuples(index=False, name=None)
    known = [tuple(None if pd.isna(cell) else cell for cell in row) for row in rows]
    return (
        stg_products.sparkSession.createDataFrame(known, columns)
        .withColumn("rank", F.lit(rank))
        .withColumn("regularisation", F.lit(regularisation))
        .withColumn("fitted_on", F.lit(as_of_date))
    )


@table(
    "ml",
    key=("customer_id", "product_id"),
    grain="One row per customer and product that is offered to them",
    needs_all_rows=True,
    scored=True,
)
def recommendations(
    offer_methods: DataFrame,
    stg_order_items: DataFrame,
    int_customer_orders: DataFrame,
    stg_products: DataFrame,
    as_of_date: date,
) -> DataFrame:
    """Ten offers for each customer who has bought, by the methods that won.

    Args:
        offer_methods: Which method makes the offers of each kind.
        stg_order_items: One row per product line of an order.
        int_customer_orders: One row per completed order.
        stg_products: One row per product.
        as_of_date: The day we look back from.

    Returns:
        customer_id, product_id, place (1 is best, at most 10), method.
    """
    decided = offer_methods.orderBy("kind").toPandas()
    setting = (int(decided["rank"].iloc[0]), float(decided["regularisation"].iloc[0]))
    tables = (stg_order_items, int_customer_orders, stg_products)
    return choose_offers(*tables, as_of_date, (decided, setting))
