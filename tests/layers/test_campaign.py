"""What a campaign causes: who is compared with whom, how sure that is, and what it is worth."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from builders import Cells, by_key, customer_orders, frame
from pyspark.sql import DataFrame, SparkSession
from scipy import stats

from ecommerce_lakehouse.layers.campaign import expect_gain, follow_arms, measure_uplift

LOTS = "customer_id BIGINT, arm STRING, sent_on DATE"
SENT = "2024-12-31"


def people(
    spark: SparkSession, letters: Sequence[str], holdouts: Sequence[str], who: str = "all"
) -> DataFrame:
    """Customers of both arms, with an outcome each."""
    both = [("letter", Decimal(x), who) for x in letters]
    both += [("holdout", Decimal(x), who) for x in holdouts]
    return spark.createDataFrame(both, "arm STRING, usd DECIMAL(38,2), who STRING")


# ── follow_arms ──────────────────────────────────────────────────────────────────────────────────


def test_only_orders_after_the_letters_count_and_everybody_is_followed(spark: SparkSession) -> None:
    """Also who bought nothing; the day of the letters is before; shipping is no sale of goods."""
    lots = frame(
        spark,
        LOTS,
        {"customer_id": 1, "arm": "letter", "sent_on": SENT},
        {"customer_id": 2, "arm": "holdout"},
        {"customer_id": 3, "arm": "holdout"},
    )
    days = [(1, SENT), (1, "2025-01-01"), (1, "2025-02-01"), (2, "2024-01-01"), (9, "2025-01-01")]
    orders: list[Cells] = [
        {
            "order_id": at,
            "customer_id": customer,
            "order_date": day,
            "order_subtotal": f"{10**at}.00",
            "order_total": f"{10**at + 5}.00",
        }
        for at, (customer, day) in enumerate(days)
    ]
    found = follow_arms(lots, customer_orders(spark, *orders))
    columns = ("arm", "percent", "spent", "quiet_days", "quiet_for")
    assert by_key(found, "customer_id", *columns) == {
        1: ("letter", 100, Decimal("110.00"), 0, "3 to 6 months"),
        2: ("holdout", 0, Decimal("0.00"), 365, "6 to 12 months"),
        3: ("holdout", 0, Decimal("0.00"), None, "over 12 months"),
    }


@pytest.mark.parametrize(
    ("last", "group"),
    [
        ("2024-07-04", "3 to 6 months"),
        ("2024-07-03", "6 to 12 months"),
        ("2023-12-31", "over 12 months"),
    ],
)
def test_a_group_ends_with_its_last_day(spark: SparkSession, last: str, group: str) -> None:
    """180 days belong to the first, 181 and 365 to the second, 366 to the third."""
    lots = frame(spark, LOTS, {"customer_id": 1, "arm": "letter", "sent_on": SENT})
    orders = customer_orders(spark, {"customer_id": 1, "order_date": last})
    assert [row.quiet_for for row in follow_arms(lots, orders).collect()] == [group]


# ── measure_uplift ───────────────────────────────────────────────────────────────────────────────


def test_the_interval_is_that_of_another_library(spark: SparkSession) -> None:
    """Two arms of different sizes and spreads, as SciPy's unequal-variance test sees them."""
    rng = np.random.default_rng(5)
    letters = [f"{x:.2f}" for x in rng.gamma(0.5, 40, 60)]
    holdouts = [f"{x:.2f}" for x in rng.gamma(0.4, 30, 45)]
    (found,) = measure_uplift(people(spark, letters, holdouts), "usd", "who").to_dict("records")
    arms = [np.array(each, float) for each in (letters, holdouts)]
    test = stats.ttest_ind(*arms, equal_var=False)
    uplift = arms[0].mean() - arms[1].mean()
    low, high = stats.norm.interval(0.95, uplift, uplift / test.statistic)
    assert (found["letter_n"], found["holdout_n"]) == (60, 45)
    assert found["uplift"] == pytest.approx(uplift)
    assert (found["low"], found["high"]) == pytest.approx((low, high), rel=1e-4)


def test_groups_stand_apart_and_one_without_an_arm_says_nothing(spark: SparkSession) -> None:
    """A mean of one customer has no interval, and nobody no mean; no group is lost."""
    table = people(spark, ["1", "3"], ["0", "1"], "a").union(people(spark, ["5"], [], "b"))
    a, b = measure_uplift(table, "usd", "who").to_dict("records")
    assert (a["letter"], a["holdout"], a["uplift"]) == (2.0, 0.5, 1.5)
    assert (b["letter_n"], b["holdout_n"]) == (1, 0)
    assert all(pd.isna(b[name]) for name in ("uplift", "low", "high"))
    assert measure_uplift(table.where("who = 'c'"), "usd", "who").empty


# ── expect_gain ──────────────────────────────────────────────────────────────────────────────────


def test_a_letter_brings_what_it_causes_less_the_vouchers_that_nobody_needed() -> None:
    """Of 100 letters 10 bring 20 USD less a voucher of 5; 4 would have come and take one, too."""
    of_100 = {"uplift": 10.0, "low": 0.0, "high": 20.0, "holdout": 4.0, "margin_usd": 20.0}
    (found,) = expect_gain(pd.DataFrame([of_100]), voucher=5).to_dict("records")
    gains = [found[name] for name in ("gain_usd", "low_usd", "high_usd")]
    assert gains == pytest.approx([1.50 - 0.20, -0.20, 3.00 - 0.20])
