"""What is offered to whom, how offers are judged, and which of them go out."""

import math
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import Cells, customer_orders, customer_purchases, order_items, products
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ecommerce_lakehouse.layers.recommendations import (
    SIMPLE,
    count_purchases,
    offer_again,
    offer_als,
    offer_favourite,
    offer_pairs,
    offer_popular,
)
from ecommerce_lakehouse.operations.measures import find_hits, measure_coverage, measure_hits
from ecommerce_lakehouse.operations.offers import (
    SETTINGS,
    choose_methods,
    choose_offers,
    choose_settings,
    compare_methods,
    make_offers,
)

BOUGHT = "customer_id BIGINT, product_id BIGINT, category STRING, orders_count BIGINT"
OFFERS = "method STRING, customer_id BIGINT, product_id BIGINT, kind STRING, place INT"
MEASURED = "method STRING, customer_id BIGINT, kind STRING, ndcg DOUBLE"


def bought(spark: SparkSession, *rows: tuple[int, int, int]) -> DataFrame:
    """What customers bought, how often; the category is the first digit of the product."""
    return spark.createDataFrame([(c, p, str(p)[0], n) for c, p, n in rows], BOUGHT)


def lists(offers: DataFrame, kind: str) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row in offers.where(F.col("kind") == kind).orderBy("customer_id", "place").collect():
        found.setdefault(row.customer_id, []).append(row.product_id)
        assert row.place == len(found[row.customer_id])
    return found


def planted(seed: int = 1) -> tuple[list[Cells], list[Cells]]:
    """Before and after, as customer and product: four tastes, and coffee or tea.

    Tastes cut across the categories: taste t likes ten products whose number ends in t. And half
    of each taste has five of the six coffees, the other half of the teas. A coffee goes with
    every taste as often as a tea does, so pairs offer coffee to those who drink tea.
    """
    rng = np.random.default_rng(seed)
    before, after = [], []
    for customer in range(1, 121):
        drinks = [505 + 10 * (customer // 4 % 2) + n for n in range(6)]
        likes = [10 * n + customer % 4 for n in range(1, 11)]
        drawn = [int(p) for p in rng.permutation(likes)]
        had = [int(p) for p in rng.permutation(drinks)[:5]] + drawn[:4]
        before += [{"customer_id": customer, "product_id": p} for p in had]
        after += [{"customer_id": customer, "product_id": p} for p in drawn[3:7]]
    return before, after


def shuffled(rows: list[Cells], seed: int = 2) -> list[Cells]:
    """The same products bought as often by as many, but nobody has a taste."""
    rng = np.random.default_rng(seed)
    ids = [row["product_id"] for row in rows]
    mixed = [
        {**row, "product_id": ids[at]}
        for row, at in zip(rows, rng.permutation(len(ids)), strict=True)
    ]
    return [dict(pair) for pair in {tuple(sorted(row.items())) for row in mixed}]


def as_bought(spark: SparkSession, rows: list[Cells]) -> DataFrame:
    return bought(spark, *[(r["customer_id"], r["product_id"], 1) for r in rows]).localCheckpoint()


# ── Lists ────────────────────────────────────────────────────────────────────────────────────────


def test_only_known_products_can_be_offered(spark: SparkSession) -> None:
    """What a customer bought counts by orders, not by lines or units."""
    rows = [
        {"product_id": 10, "orders_count": 2, "units": 9, "prices_count": 3},
        {"product_id": 99},
    ]
    found = count_purchases(customer_purchases(spark, *rows), products(spark, {"product_id": 10}))
    assert [tuple(row) for row in found.collect()] == [(1, 10, "Electronics", 2)]


def test_the_most_popular_products_are_those_of_many_customers(spark: SparkSession) -> None:
    """Not what one bought often; ties by number. What somebody had is not new to them."""
    had = bought(spark, (1, 10, 1), (2, 10, 1), (2, 30, 9), (3, 20, 1))
    offers = offer_popular(had, 2).localCheckpoint()
    assert lists(offers, "again") == {1: [10], 2: [10, 30], 3: [20]}
    assert lists(offers, "new") == {1: [20, 30], 2: [20], 3: [10, 30]}


def test_buy_again_offers_the_customers_own_favourites(spark: SparkSession) -> None:
    """Ties by what others like, then by number."""
    had = bought(spark, (1, 10, 1), (1, 20, 3), (1, 30, 1), (1, 40, 1), (2, 30, 1))
    offers = offer_again(had, 3).localCheckpoint()
    assert lists(offers, "again") == {1: [20, 30, 10], 2: [30]}
    assert lists(offers, "new") == {2: [10, 20, 40]}


def test_the_favourite_category_comes_first_and_others_fill_up(spark: SparkSession) -> None:
    """The category with most orders; without a category, what is popular."""
    had = bought(spark, (1, 10, 1), (1, 20, 3), (2, 10, 1), (2, 30, 1), (2, 21, 1), (3, 30, 1))
    offers = offer_favourite(had, 2).localCheckpoint()
    assert lists(offers, "again")[1] == [20, 10]
    assert lists(offers, "new")[1] == [21, 30]
    nowhere = had.withColumn("category", F.lit(None).cast("STRING"))
    plain = lists(offer_popular(nowhere, 2), "new")
    assert lists(offer_favourite(nowhere, 2), "new") == plain


def test_frequent_pairs_add_up_what_others_have_too(spark: SparkSession) -> None:
    """Of the two with 10, one has 20; of the three with 11, two have 30: so 30 comes first."""
    had = bought(
        spark,
        *[(1, 10, 1), (1, 11, 1)],
        *[(2, 10, 1), (2, 20, 1), (6, 10, 1), (6, 20, 1), (7, 10, 1), (8, 10, 1)],
        *[(3, 11, 1), (3, 30, 1), (4, 11, 1), (4, 30, 1)],
        *[(5, 40, 1), (9, 40, 1), (11, 40, 1)],
    )
    assert lists(offer_pairs(had, 2), "new")[1] == [30, 20]


@pytest.fixture(scope="module")
def tasteful(spark: SparkSession) -> tuple[DataFrame, DataFrame]:
    before, after = planted()
    return as_bought(spark, before), as_bought(spark, after)


@pytest.mark.nightly
def test_als_makes_the_same_lists_of_any_number_of_partitions(
    tasteful: tuple[DataFrame, DataFrame],
) -> None:
    """And customers whose numbers are large are no obstacle."""
    far = tasteful[0].withColumn("customer_id", F.col("customer_id") + 5_000_000_000)
    made = [
        {kind: lists(offers, kind) for kind in ("again", "new")}
        for count in (1, 2, 7)
        for offers in [offer_als(far.repartition(count), 5).localCheckpoint()]
    ]
    assert made[0] == made[1] == made[2]
    assert min(made[0]["new"]) == 5_000_000_001


# ── Measures ─────────────────────────────────────────────────────────────────────────────────────


def plain_measures(offers: list[int], wanted: set[int], k: int) -> tuple[float, ...]:
    """Written from the definitions, without Spark."""
    true = [at for at, one in enumerate(offers[:k], start=1) if one in wanted]
    gain = sum(1 / math.log(at + 1, 2) for at in true)
    ideal = sum(1 / math.log(at + 1, 2) for at in range(1, min(k, len(wanted)) + 1))
    return float(bool(true)), len(true) / k, len(true) / len(wanted), gain / ideal


@pytest.mark.parametrize("k", [5, 10])
def test_the_measures_are_those_of_their_definitions(spark: SparkSession, k: int) -> None:
    """Customers with many, few and no hits; a pair bought twice counts once."""
    rng = np.random.default_rng(3)
    had = {c: {int(p) for p in rng.choice(30, 4, replace=False)} for c in range(12)}
    later = {c: {int(p) for p in rng.choice(30, 1 + c, replace=False)} for c in range(12)}
    offers = {
        (c, kind): [int(p) for p in rng.permutation(30) if (p in had[c]) == (kind == "again")][:10]
        for c in range(12)
        for kind in ("again", "new")
    }
    rows = [
        ("one", c, p, kind, at)
        for (c, kind), offered in offers.items()
        for at, p in enumerate(offered, start=1)
    ]
    pair = "customer_id BIGINT, product_id BIGINT"
    bought_later = [(c, p) for c, own in later.items() for p in own]
    found = find_hits(
        spark.createDataFrame(rows, OFFERS),
        spark.createDataFrame([*bought_later, *bought_later, (77, 1)], pair),
        spark.createDataFrame([(c, p) for c, own in had.items() for p in own], pair),
    )
    wanted = {
        (c, kind): own
        for c in range(12)
        for kind, own in (("again", later[c] & had[c]), ("new", later[c] - had[c]))
        if own
    }
    measured = {(r[1], r[2]): tuple(r[3:]) for r in measure_hits(found, k).collect()}
    assert measured.keys() == wanted.keys()
    for key, own in wanted.items():
        assert measured[key] == pytest.approx(plain_measures(offers[key], own, k)), key


def test_coverage_is_the_share_of_the_products_that_is_offered(spark: SparkSession) -> None:
    had = bought(spark, (1, 10, 1), (1, 20, 1), (2, 30, 1), (2, 40, 1))
    rows = [("one", 1, 30, "new", 1), ("one", 2, 30, "new", 1), ("one", 1, 10, "again", 1)]
    rows += [("one", 1, 40, "new", 2)]
    found = measure_coverage(spark.createDataFrame(rows, OFFERS), had).collect()
    assert {row.kind: row.coverage for row in found} == {"new": 0.5, "again": 0.25}


# ── Which offers go out ──────────────────────────────────────────────────────────────────────────


def new_of(gate: pd.DataFrame) -> dict[str, Any]:
    """What the gate says of new products."""
    (row,) = gate.loc[gate["kind"] == "new"].to_dict("records")
    return {str(name): value for name, value in row.items()}


def compare(before: DataFrame, after: DataFrame) -> dict[str, Any]:
    offers = make_offers({**SIMPLE, "ALS": offer_als}, before, 5)
    return new_of(compare_methods(measure_hits(find_hits(offers, after, before), 5)))


def test_als_ships_where_tastes_cut_across_categories(
    tasteful: tuple[DataFrame, DataFrame],
) -> None:
    """Against all simple methods; pairs come next."""
    new = compare(*tasteful)
    assert (new["simple"], new["ships"]) == ("frequent pairs", "ALS")
    assert new["low"] > 0.05


@pytest.mark.nightly
def test_als_does_not_ship_where_nobody_has_a_taste(spark: SparkSession) -> None:
    before, after = planted()
    gate = compare(as_bought(spark, shuffled(before)), as_bought(spark, shuffled(after, 5)))
    assert gate["ships"] != "ALS"
    assert gate["low"] < 0


def leads(spark: SparkSession, values: list[float]) -> DataFrame:
    rows = [
        (m, c, "new", v) for c, x in enumerate(values) for m, v in (("ALS", x), ("buy again", 0.5))
    ]
    return spark.createDataFrame(rows, MEASURED)


@pytest.mark.parametrize(
    ("values", "ships", "said"),
    [
        ([0.6, 0.8] * 20, "ALS", "ahead of buy again by 0.200"),
        ([0.0, 1.0] * 19 + [1.0, 1.0], "buy again", "may be chance"),
        ([0.4, 0.3] * 20, "buy again", "behind buy again by 0.150"),
        ([0.6, 0.8] * 10, "buy again", "20 customers are too few"),
    ],
)
def test_als_ships_only_where_it_is_ahead_beyond_chance(
    spark: SparkSession, values: list[float], ships: str, said: str
) -> None:
    new = new_of(compare_methods(leads(spark, values)))
    assert new["ships"] == ships
    assert said in new["because"]
    if len(values) >= 30:
        ahead = np.array(values) - 0.5
        margin = 1.96 * ahead.std(ddof=1) / math.sqrt(len(ahead))
        assert (new["low"], new["high"]) == pytest.approx(
            (ahead.mean() - margin, ahead.mean() + margin)
        )


def test_where_nobody_can_be_judged_the_simplest_ships(spark: SparkSession) -> None:
    gate = compare_methods(spark.createDataFrame([], MEASURED))
    assert list(gate["ships"]) == ["buy again", "most popular"]
    assert choose_settings(bought(spark), bought(spark)) == SETTINGS[0]


def test_als_is_set_by_one_half_year_and_judged_by_the_next(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No window reaches beyond the day, and what judges was not there to choose by."""
    seen: list[tuple[date, date]] = []

    def count_nothing(*asked: Any) -> DataFrame:
        seen.append(asked[-2:])
        return bought(spark)

    monkeypatch.setattr("ecommerce_lakehouse.operations.offers.count_window", count_nothing)
    gate, settings = choose_methods(*shop(spark, False), DAY, days=100)
    first, second = DAY - timedelta(days=200), DAY - timedelta(days=100)
    assert seen == [(date.min, first), (first, second), (date.min, second), (second, DAY)]
    assert (list(gate["ships"]), settings) == (["buy again", "most popular"], SETTINGS[0])


DAY = date(2024, 6, 30)
DECIDED = (
    pd.DataFrame({"kind": ["again", "new"], "ships": ["buy again", "favourite category"]}),
    SETTINGS[0],
)


def shop(spark: SparkSession, later: bool) -> tuple[DataFrame, DataFrame, DataFrame]:
    """Three customers; a later order changes what is popular and who likes what."""
    baskets = {1: (1, [11, 12, 13, 14, 15, 16]), 2: (2, [11, 21, 22, 23, 24]), 3: (3, [31])}
    if later:
        baskets |= {4: (3, [21, 22, 23]), 5: (4, [11]), 6: (1, [16])}
    orders = [
        {
            "order_id": n,
            "customer_id": c,
            "order_date": str(DAY if n < 4 else DAY + timedelta(days=1)),
        }
        for n, (c, _) in baskets.items()
    ]
    lines = [(n, p) for n, (_, basket) in baskets.items() for p in basket]
    known = [{"product_id": p, "category": str(p)[0]} for p in (*range(11, 17), *range(21, 25), 31)]
    return (
        order_items(
            spark,
            *[
                {"order_item_id": at, "order_id": n, "product_id": p}
                for at, (n, p) in enumerate(lines)
            ],
        ),
        customer_orders(spark, *orders),
        products(spark, *known),
    )


def test_ten_offers_go_out_and_later_orders_change_none(spark: SparkSession) -> None:
    """Five to buy again and five new ones; a kind that has too few leaves its places."""
    rows = sorted(map(tuple, choose_offers(*shop(spark, True), DAY, DECIDED).collect()))
    assert rows == sorted(map(tuple, choose_offers(*shop(spark, False), DAY, DECIDED).collect()))
    assert [(c, at) for c, _, at, _ in sorted(rows, key=lambda r: (r[0], r[2]))] == [
        (c, at) for c in (1, 2, 3) for at in range(1, 11)
    ]
    first = [(p, how) for c, p, at, how in sorted(rows, key=lambda r: r[2]) if c == 1]
    assert [p for p, how in first[:5]] == [11, 12, 13, 14, 15]
    assert [how for _, how in first] == ["buy again"] * 5 + ["favourite category"] * 5
    lonely = [p for c, p, at, _ in sorted(rows, key=lambda r: r[2]) if c == 3]
    assert lonely[:2] == [31, 11]


def test_without_any_order_nothing_is_offered(spark: SparkSession) -> None:
    items, orders, known = shop(spark, False)
    assert choose_offers(items, orders, known, date(2020, 1, 1)).isEmpty()
