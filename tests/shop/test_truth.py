"""Nothing lost, nothing invented: what is known beforehand must come out, and nothing else."""

import json
import shutil
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from oracle.agree import assert_agrees
from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse import ExampleLakehouse, MemoryLakehouse, registry
from ecommerce_lakehouse.lessons.show import AUDIT
from ecommerce_lakehouse.paths import EXAMPLE_DATA
from ecommerce_lakehouse.shop.planted import planted

SHOP = EXAMPLE_DATA / "shop"
ENTITIES = ("customers", "orders", "order_items", "products")


@pytest.fixture(scope="module")
def example(spark: SparkSession) -> MemoryLakehouse:
    return ExampleLakehouse(spark)


@pytest.fixture(scope="module")
def shop(spark: SparkSession) -> MemoryLakehouse:
    return MemoryLakehouse(spark, SHOP)


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    """What the generator wrote down about the shop it made."""
    told: dict[str, Any] = json.loads((SHOP / "truth.json").read_text("utf-8"))
    return told


def arrow(lake: MemoryLakehouse, name: str) -> pa.Table:
    return lake.read(name.partition(".")[2]).toArrow()


def sum_of(rows: DataFrame, column: str) -> Decimal:
    (row,) = rows.selectExpr(f"sum({column})").collect()
    return Decimal(row[0])


# ── The example, worked out by hand ──────────────────────────────────────────────────────────────

METRICS = """
customer_id recency_days frequency monetary_value avg_order_value first_order_date last_order_date
1           0            3         247.92         82.640000       2023-02-01       2023-07-20
2           56           2         205.93         102.965000      2023-03-01       2023-05-25
3           35           2         151.95         75.975000       2023-04-10       2023-06-15
4           49           1         159.98         159.980000      2023-06-01       2023-06-01
5           19           1         35.98          35.980000       2023-07-01       2023-07-01

customer_id customer_tenure_days recency_score frequency_score monetary_score rfm_total_score
1           169                  5             3               3              11
2           85                   4             2               3              9
3           66                   4             2               2              8
4           0                    4             1               2              7
5           0                    5             1               1              7

customer_id rfm_segment_code current_clv predicted_clv_12m churn_risk
1           533              247.92      371.88            Very_Low
2           423              205.93      308.90            Very_Low
3           422              151.95      182.34            Very_Low
4           412              159.98      191.98            Very_Low
5           511              35.98       43.18             Very_Low
"""
SEGMENTS = """
customer_id customer_segment total_orders recommended_action
1           Loyal_Customers  3            Standard_nurture_campaign
2           Big_Spenders     2            Onboarding_campaign,_product_recommendations
3           New_Customers    2            Onboarding_campaign,_product_recommendations
4           New_Customers    1            Onboarding_campaign,_product_recommendations
5           New_Customers    1            Onboarding_campaign,_product_recommendations
"""
PRODUCTS = """
product_id orders_count customers_count units_sold revenue avg_selling_price total_profit
101        3            3               6          179.94  29.990000         89.94
102        2            2               3          149.97  49.990000         74.97
103        2            2               3          59.97   19.990000         44.97
104        2            2               2          199.98  99.990000         99.98
105        1            1               1          149.99  149.990000        119.99

product_id first_sale_date last_sale_date revenue_rank units_rank profit_rank performance_tier
101        2023-02-01      2023-07-01     2            1          3           Performer
102        2023-02-01      2023-05-25     4            2          4           Average
103        2023-03-15      2023-06-15     5            3          5           Underperformer
104        2023-04-10      2023-07-20     1            4          2           Star
105        2023-06-01      2023-06-01     3            5          1           Performer
"""
SHARES = {
    101: 179.94 / 529.89,
    102: 149.97 / 529.89,
    103: 59.97 / 209.96,
    104: 199.98 / 529.89,
    105: 149.99 / 209.96,
}


@pytest.mark.parametrize(
    ("table", "key", "ledger"),
    [
        ("fct_customer_metrics", "customer_id", METRICS),
        ("dim_customer_segments", "customer_id", SEGMENTS),
        ("fct_product_performance", "product_id", PRODUCTS),
    ],
)
def test_the_example_is_the_ledger(
    example: MemoryLakehouse, table: str, key: str, ledger: str
) -> None:
    """Every cell of gold that is not copied from a raw file, worked out from the four files."""
    actual = {row[key]: row for row in example.read(table).collect()}
    for part in ledger.strip().split("\n\n"):
        for wanted in pd.read_csv(StringIO(part), sep=r"\s+", dtype=str).to_dict("records"):
            row = actual[int(wanted[key])]
            assert {c: str(row[c]).replace(" ", "_") for c in wanted} == wanted
    assert len(actual) == 5


def test_the_example_has_its_shares_of_a_category(example: MemoryLakehouse) -> None:
    rows = example.read("fct_product_performance").collect()
    assert {r.product_id: r.category_revenue_share for r in rows} == pytest.approx(SHARES)


def test_the_example_is_as_the_oracle_has_it(example: MemoryLakehouse) -> None:
    names = [table.full_name for table in registry.tables()]
    assert_agrees(lambda name: arrow(example, name), names, EXAMPLE_DATA)


# ── The shop, whose faults were planted ──────────────────────────────────────────────────────────


def test_the_planted_truth_is_of_the_first_files_only(tmp_path: Path) -> None:
    """A delivery beside them replaces rows, so nobody may compare any more."""
    (tmp_path / "truth.json").write_text('{"faults": []}')
    (tmp_path / "raw_stores.csv").write_text("not one of ours")
    assert planted(str(tmp_path)) == {"faults": []}
    (tmp_path / "raw_orders_2024-07.csv").write_text("")
    assert planted(str(tmp_path)) is None


def test_every_planted_fault_is_found_with_its_reason_and_no_other(
    shop: MemoryLakehouse, truth: dict[str, Any]
) -> None:
    columns = ("source_table", "record_key", "reason")
    found = [tuple(row) for row in shop.read("quarantine").select(*columns).collect()]
    planted = [(fault["table"], fault["key"], fault["reason"]) for fault in truth["faults"]]
    assert sorted(found, key=str) == sorted(planted, key=str)


@pytest.mark.parametrize("entity", ENTITIES)
def test_rows_in_are_rows_kept_and_rows_quarantined(shop: MemoryLakehouse, entity: str) -> None:
    rejected = shop.read("quarantine").where(f"source_table = '{entity}'").count()
    assert rejected > 0
    assert shop.read(entity).count() == shop.read(f"stg_{entity}").count() + rejected


def test_every_table_has_the_rows_it_should(shop: MemoryLakehouse, truth: dict[str, Any]) -> None:
    wanted = dict(truth["rows"])
    assert shop.read("quarantine").count() == wanted.pop("quarantine")
    for layer, tables in wanted.items():
        for table, rows in tables.items():
            assert shop.read(table).count() == rows, f"{layer}.{table}"


def test_the_money_of_orders_is_that_of_customers_and_of_strangers(
    shop: MemoryLakehouse, truth: dict[str, Any]
) -> None:
    """Some orders name a customer whom nobody knows: their money is counted, not lost."""
    orders = sum_of(shop.read("int_customer_orders"), "order_total")
    customers = sum_of(shop.read("fct_customer_metrics"), "monetary_value")
    strangers = shop.read("int_customer_orders").join(
        shop.read("stg_customers"), "customer_id", "left_anti"
    )
    assert strangers.count() > 0
    assert orders == customers + sum_of(strangers, "order_total")
    assert str(orders) == truth["totals"]["order_total"]
    assert str(customers) == truth["totals"]["customer_monetary_value"]
    assert sum_of(shop.read("dim_customer_segments"), "monetary_value") == customers


def test_the_money_of_lines_is_that_of_products_and_of_unknown_ones(
    shop: MemoryLakehouse, truth: dict[str, Any]
) -> None:
    subtotals = sum_of(shop.read("int_customer_orders"), "order_subtotal")
    products = sum_of(shop.read("fct_product_performance"), "revenue")
    unknown = (
        shop.read("stg_order_items")
        .join(shop.read("int_customer_orders").select("order_id"), "order_id")
        .join(shop.read("stg_products"), "product_id", "left_anti")
    )
    assert unknown.count() > 0
    assert subtotals == products + sum_of(unknown, "line_total")
    assert str(subtotals) == truth["totals"]["order_subtotal"]
    assert str(products) == truth["totals"]["product_revenue"]
    assert sum_of(shop.read("int_product_metrics"), "units_sold") == truth["totals"]["units_sold"]


def test_an_orders_total_is_its_subtotal_and_its_shipping(
    shop: MemoryLakehouse, truth: dict[str, Any]
) -> None:
    orders = shop.read("int_customer_orders")
    assert orders.where("order_total <> order_subtotal + shipping_cost").isEmpty()
    assert str(sum_of(orders, "shipping_cost")) == truth["totals"]["shipping"]


# ── The future ───────────────────────────────────────────────────────────────────────────────────

LATER = {
    "orders": "9001,1,2023-07-21,completed,5.99\n9002,5,2024-01-01,completed,0\n"
    "9003,9,2023-08-01,completed,1\n",
    "order_items": "9101,9001,101,5,29.99\n9102,9002,104,1,99.99\n9103,9003,105,2,149.99\n",
}


def test_what_is_added_after_the_day_changes_nothing(
    spark: SparkSession, example: MemoryLakehouse, tmp_path: Path
) -> None:
    """Later orders of known and unknown customers, with their lines: no cell of any table moves."""
    data = tmp_path / "later"
    shutil.copytree(EXAMPLE_DATA, data, ignore=shutil.ignore_patterns("shop"))
    for entity, lines in LATER.items():
        with (data / f"raw_{entity}.csv").open("a", encoding="utf-8") as file:
            file.write(lines)
    later = MemoryLakehouse(spark, data, example.as_of_date)
    assert later.read("stg_orders").count() == 13
    for table in registry.tables():
        if table.layer not in ("bronze", "silver"):
            then = later.read(table.name).drop(*AUDIT)
            before = example.read(table.name).drop(*AUDIT)
            assert then.exceptAll(before).isEmpty(), table.name
            assert before.exceptAll(then).isEmpty(), table.name
