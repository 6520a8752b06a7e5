"""What is well formed, what is turned away and why, and which of two rows stays."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from builders import (
    RAW,
    STG_CUSTOMERS,
    STG_ORDER_ITEMS,
    STG_ORDERS,
    STG_PRODUCTS,
    Cells,
    by_key,
    frame,
    raw,
    row,
    values,
)
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.testing import assertDataFrameEqual, assertSchemaEqual

from ecommerce_lakehouse.layers.silver import (
    RULES,
    good_rows,
    is_day,
    is_email,
    is_id,
    is_money,
    is_quantity,
    is_text,
    judge,
    keep_latest,
    quarantine,
    stg_customers,
    stg_order_items,
    stg_orders,
    stg_products,
)

MAY_BE_EMPTY = ["first_name", "last_name", "country", "shipping_cost", "category"]
STAGED = {
    "customers": stg_customers,
    "orders": stg_orders,
    "order_items": stg_order_items,
    "products": stg_products,
}


def reasons(spark: SparkSession, entity: str, *rows: Cells) -> list[str | None]:
    """The verdict on every row, in their order."""
    return [r[0] for r in judge(raw(spark, entity, *rows), entity).select("_reason").collect()]


def turned_away(spark: SparkSession, **tables: DataFrame) -> DataFrame:
    """The quarantine of these bronze tables; those not named are empty."""
    return quarantine(**{entity: tables.get(entity, raw(spark, entity)) for entity in RULES})


# ── A value is well formed ───────────────────────────────────────────────────────────────────────


def test_an_id_is_a_whole_number_that_fits_bigint(spark: SparkSession) -> None:
    good = {
        "1": 1,
        "007": 7,
        "-5": -5,
        "0" * 30 + "1": 1,
        "9223372036854775807": 9223372036854775807,
        "-9223372036854775808": -9223372036854775808,
    }
    bad = ["x", "1.0", "+1", "1e3", "--1", "-", "1 2", "1\t", "1\n", "１", "9223372036854775808"]
    assert values(spark, is_id, [*good, *bad]) == good | dict.fromkeys(bad)


def test_a_quantity_is_a_whole_number_above_zero_that_fits_int(spark: SparkSession) -> None:
    good = {"1": 1, "012": 12, "2147483647": 2147483647}
    bad = ["0", "-0", "-1", "2147483648", "9" * 30, "1.5", "2.0", "+1", "one"]
    assert values(spark, is_quantity, [*good, *bad]) == good | dict.fromkeys(bad)


def test_money_is_rounded_half_up_to_cents_and_fits(spark: SparkSession) -> None:
    """Half up, not half to even, however long the text is; less than half a cent below 0 is 0."""
    good = {
        "0": "0.00",
        "5": "5.00",
        "5.9": "5.90",
        "0.004": "0.00",
        "0.005": "0.01",
        "0.015": "0.02",
        "1.005": "1.01",
        "2.675": "2.68",
        "0.004" + "9" * 60: "0.00",
        "007.50": "7.50",
        "99999999.994": "99999999.99",
        "-0.004": "0.00",
    }
    bad = ["99999999.995", "100000000", "-0.005", "-1", ".5", "5.", "1,5", "1e3", "$5", "+5", "NaN"]
    wanted = {text: Decimal(amount) for text, amount in good.items()}
    assert values(spark, is_money, [*good, *bad]) == wanted | dict.fromkeys(bad)


def test_a_day_is_a_real_one_written_year_month_day(spark: SparkSession) -> None:
    good = {
        "2023-01-15": date(2023, 1, 15),
        "2024-02-29": date(2024, 2, 29),
        "0001-01-01": date(1, 1, 1),
        "9999-12-31": date(9999, 12, 31),
    }
    bad = ["2023-02-29", "2023-13-01", "2023-00-01", "2023-04-31", "2023-1-5", "23-01-05"]
    bad += ["15.01.2023", "01/15/2023", "20230115", "0000-01-01", "+2023-01-15"]
    bad += ["2023-01-15T00:00:00", "2023-01-15 10:00", "2023-01-15\n", "today", "epoch"]
    assert values(spark, is_day, [*good, *bad]) == good | dict.fromkeys(bad)


def test_an_email_is_something_at_something_dot_something(spark: SparkSession) -> None:
    good = {"a@b.c": "a@b.c", "John.DOE+x@Mail.Shop.COM": "john.doe+x@mail.shop.com"}
    bad = ["a", "@", "a@b", "@b.c", "a@.c", "a@b.", "a@@b.c", "a@b@c.d", "a b@c.d", "a@b.c d"]
    bad += ["a@b.c\n", "a\t@b.c"]
    assert values(spark, is_email, [*good, *bad]) == good | dict.fromkeys(bad)


def test_any_text_is_text(spark: SparkSession) -> None:
    texts = ["x", " ", "", "007", "a\nb"]
    assert values(spark, is_text, texts) == {text: text for text in texts}


# ── A row is judged ──────────────────────────────────────────────────────────────────────────────

BROKEN: dict[str, list[tuple[Cells, str]]] = {
    "customers": [
        ({"customer_id": None}, "missing_customer_id"),
        ({"customer_id": " x "}, "invalid_customer_id"),
        ({"email": None}, "missing_email"),
        ({"email": "john@shop"}, "invalid_email"),
        ({"created_at": "  "}, "missing_created_at"),
        ({"created_at": "2023-02-29"}, "invalid_created_at"),
        (
            {"created_at": None, "email": "@", "customer_id": "x"},
            "invalid_customer_id,invalid_email,missing_created_at",
        ),
    ],
    "orders": [
        ({"order_id": None}, "missing_order_id"),
        ({"order_id": "1.0"}, "invalid_order_id"),
        ({"customer_id": None}, "missing_customer_id"),
        ({"customer_id": "+1"}, "invalid_customer_id"),
        ({"order_date": None}, "missing_order_date"),
        ({"order_date": "01.02.2023"}, "invalid_order_date"),
        ({"status": None}, "missing_status"),
        ({"status": "   "}, "missing_status"),
        ({"shipping_cost": "free"}, "invalid_shipping_cost"),
        ({"shipping_cost": "-0.01"}, "invalid_shipping_cost"),
        ({"shipping_cost": "1,5"}, "invalid_shipping_cost"),
        (
            {"shipping_cost": "x", "status": None, "order_date": "x", "customer_id": None},
            "missing_customer_id,invalid_order_date,missing_status,invalid_shipping_cost",
        ),
    ],
    "order_items": [
        ({"order_item_id": None}, "missing_order_item_id"),
        ({"order_item_id": "x"}, "invalid_order_item_id"),
        ({"order_id": None}, "missing_order_id"),
        ({"order_id": "x"}, "invalid_order_id"),
        ({"product_id": None}, "missing_product_id"),
        ({"product_id": "x"}, "invalid_product_id"),
        ({"quantity": None}, "missing_quantity"),
        ({"quantity": "0"}, "invalid_quantity"),
        ({"quantity": "-1"}, "invalid_quantity"),
        ({"quantity": "1.5"}, "invalid_quantity"),
        ({"unit_price": None}, "missing_unit_price"),
        ({"unit_price": "-0.01"}, "invalid_unit_price"),
        ({"unit_price": "ten"}, "invalid_unit_price"),
        ({"quantity": "100000001", "unit_price": "99999999.99"}, "invalid_line_total"),
        (
            {"quantity": "2147483647", "unit_price": "99999999.99", "product_id": None},
            "missing_product_id,invalid_line_total",
        ),
    ],
    "products": [
        ({"product_id": None}, "missing_product_id"),
        ({"product_id": "x"}, "invalid_product_id"),
        ({"product_name": " "}, "missing_product_name"),
        ({"cost_price": None}, "missing_cost_price"),
        ({"cost_price": "1e3"}, "invalid_cost_price"),
        ({"cost_price": "-1"}, "invalid_cost_price"),
        ({"list_price": None}, "missing_list_price"),
        ({"list_price": "-0.01"}, "invalid_list_price"),
        (
            {"list_price": None, "cost_price": "x", "product_name": None},
            "missing_product_name,invalid_cost_price,missing_list_price",
        ),
    ],
}
"""What is wrong with a row, and the reason it must be given (several: in column order)."""


@pytest.mark.parametrize("entity", BROKEN)
def test_every_broken_rule_has_its_reason(spark: SparkSession, entity: str) -> None:
    cells = [cells for cells, _ in BROKEN[entity]]
    assert reasons(spark, entity, *cells) == [reason for _, reason in BROKEN[entity]]


@pytest.mark.parametrize("entity", BROKEN)
def test_a_row_that_breaks_a_rule_is_not_in_silver(spark: SparkSession, entity: str) -> None:
    table = raw(spark, entity, *[cells for cells, _ in BROKEN[entity]])
    assert STAGED[entity](table).collect() == []


def test_what_may_be_empty(spark: SparkSession) -> None:
    """Everything else may not: an id, a day, a status, a name and a price say what a row is."""
    found = []
    for entity, columns in RULES.items():
        verdicts = reasons(spark, entity, *[{column: " "} for column in columns])
        found += [name for name, bad in zip(columns, verdicts, strict=True) if bad is None]
        wanted = [None if name in MAY_BE_EMPTY else f"missing_{name}" for name in columns]
        assert verdicts == wanted
    assert found == MAY_BE_EMPTY


def test_spaces_around_a_value_are_not_part_of_it(spark: SparkSession) -> None:
    """Spaces only: another blank, such as a tab, makes a number or a day invalid."""
    padded = {name: f"  {value} " for name, value in RAW["customers"].items()}
    assert reasons(spark, "customers", padded, {"customer_id": "1\t"}) == [
        None,
        "invalid_customer_id",
    ]


def test_a_corrupt_row_has_one_reason_whatever_its_fields_hold(spark: SparkSession) -> None:
    """Its fields may belong to other columns, so nothing more can be said of them."""
    short = {"customer_id": "1", "email": None, "created_at": None, "_corrupt_record": "1"}
    long = {"_corrupt_record": "1,john@shop.com,John,Doe,US,2023-01-15,more"}
    assert reasons(spark, "customers", short, long) == ["corrupt_row", "corrupt_row"]


def test_the_greatest_line_total_that_fits(spark: SparkSession) -> None:
    """DECIMAL(18,2) ends below 10^16."""
    items = stg_order_items(
        raw(spark, "order_items", {"quantity": "100000000", "unit_price": "99999999.99"})
    )
    assert row(items).line_total == Decimal("9999999999000000.00")


# ── Of rows that share a key ─────────────────────────────────────────────────────────────────────


def keeps(spark: SparkSession, entity: str, column: str, *rows: Cells) -> Any:
    """A cell of the one row that stays; the others must be duplicates."""
    judged = keep_latest(judge(raw(spark, entity, *rows), entity), entity).collect()
    assert sorted(str(r._reason) for r in judged) == ["None"] + ["duplicate_key"] * (len(rows) - 1)
    return next(r[column] for r in judged if r._reason is None)


def test_the_latest_delivery_wins_whatever_its_date(spark: SparkSession) -> None:
    """A corrected order may carry an earlier date. The first file has no suffix."""
    files = ["raw_orders.csv", "raw_orders_2023-07.csv", "raw_orders_2023-08.csv"]
    days = ["2023-03-03", "2023-03-02", "2023-03-01"]
    rows = [{"_source_file": f, "order_date": d} for f, d in zip(files, days, strict=True)]
    assert keeps(spark, "orders", "order_date", *rows) == date(2023, 3, 1)
    assert keeps(spark, "orders", "order_date", *reversed(rows)) == date(2023, 3, 1)


def test_within_a_file_the_latest_date_wins(spark: SparkSession) -> None:
    """Also over columns that stand before the date."""
    old, new = {"customer_id": "9", "order_date": "2023-01-01"}, {"order_date": "2023-01-02"}
    assert keeps(spark, "orders", "customer_id", new, old) == 1
    early, late = {"email": "z@z.zz"}, {"email": "a@a.aa", "created_at": "2023-01-16"}
    assert keeps(spark, "customers", "email", late, early) == "a@a.aa"


def test_then_the_greatest_of_the_other_columns_wins_in_file_order(spark: SparkSession) -> None:
    """As numbers: 10 is more than 9, though its text is not."""
    rows = [
        {"product_id": "9", "quantity": "99", "unit_price": "99"},
        {"product_id": "10", "quantity": "9", "unit_price": "99"},
        {"product_id": "10", "quantity": "10", "unit_price": "9.00"},
        {"product_id": "10", "quantity": "10", "unit_price": "10"},
    ]
    assert keeps(spark, "order_items", "unit_price", *rows) == Decimal("10.00")
    assert keeps(spark, "order_items", "unit_price", *reversed(rows)) == Decimal("10.00")


def test_nothing_is_less_than_something(spark: SparkSession) -> None:
    """NULL last: keep the row that names the country, or the shipping cost."""
    named, unnamed = {"country": "AT"}, {"country": None}
    assert keeps(spark, "customers", "country", unnamed, named) == "AT"
    paid, empty = {"shipping_cost": "0.01"}, {"shipping_cost": " "}
    assert keeps(spark, "orders", "shipping_cost", empty, paid) == Decimal("0.01")


def test_keys_are_equal_as_numbers(spark: SparkSession) -> None:
    assert keeps(spark, "products", "product_id", {"product_id": "007"}, {"product_id": " 7"}) == 7


def test_one_of_equal_rows_stays(spark: SparkSession) -> None:
    assert keeps(spark, "products", "product_id", {}, {}, {}) == 1


def test_only_good_rows_compete_for_a_key(spark: SparkSession) -> None:
    """A broken or corrupt row of a later delivery neither wins nor is a duplicate."""
    good: Cells = {"product_name": "Good"}
    later = {"_source_file": "raw_products_2.csv"}
    broken = {**later, "list_price": "x"}
    corrupt = {**later, "_corrupt_record": "1,Mouse"}
    table = raw(spark, "products", good, broken, broken, corrupt, corrupt)
    verdicts = keep_latest(judge(table, "products"), "products").groupBy("_reason").count()
    assert by_key(verdicts, "_reason", "count") == {
        None: 1,
        "invalid_list_price": 2,
        "corrupt_row": 2,
    }
    assert row(stg_products(table)).product_name == "Good"


def test_good_rows_have_one_row_a_key(spark: SparkSession) -> None:
    table = raw(spark, "orders", {"order_id": "1"}, {"order_id": "2"}, {"order_id": "2"}, {})
    assert sorted(row.order_id for row in good_rows(table, "orders").collect()) == [1, 2]


# ── The four tables ──────────────────────────────────────────────────────────────────────────────


def test_a_customer_is_normalised(spark: SparkSession) -> None:
    dirty = {
        "customer_id": " 7 ",
        "email": " John.DOE@Shop.COM ",
        "first_name": "  mary ANN ",
        "last_name": "o'NEIL-smith",
        "country": " us ",
        "created_at": " 2023-01-15 ",
    }
    clean = {
        "customer_id": 7,
        "email": "john.doe@shop.com",
        "first_name": "Mary Ann",
        "last_name": "O'neil-smith",
        "country": "US",
        "customer_created_at": "2023-01-15",
        "is_valid_email": True,
    }
    nameless = {"customer_id": "8", "first_name": " ", "last_name": None, "country": None}
    unnamed = {
        "customer_id": 8,
        "email": "john@shop.com",
        "customer_created_at": "2023-01-15",
        "is_valid_email": True,
    }
    assertDataFrameEqual(
        stg_customers(raw(spark, "customers", dirty, nameless)),
        frame(spark, STG_CUSTOMERS, clean, unnamed),
    )


def test_an_order_is_normalised(spark: SparkSession) -> None:
    dirty = {
        "order_id": " 7",
        "customer_id": "08 ",
        "order_date": " 2024-02-29",
        "status": " COMPLETED ",
        "shipping_cost": " 5.995 ",
    }
    clean = {
        "order_id": 7,
        "customer_id": 8,
        "order_date": "2024-02-29",
        "order_status": "completed",
        "shipping_cost": "6.00",
        "order_year": 2024,
        "order_month": 2,
        "order_quarter": 1,
        "order_day_of_week": "Thursday",
        "is_completed": True,
    }
    assertDataFrameEqual(stg_orders(raw(spark, "orders", dirty)), frame(spark, STG_ORDERS, clean))


def test_an_order_without_a_shipping_cost_shipped_for_free(spark: SparkSession) -> None:
    found = stg_orders(raw(spark, "orders", {"shipping_cost": None}))
    assert row(found).shipping_cost == Decimal("0.00")


def test_only_a_completed_order_is_completed(spark: SparkSession) -> None:
    """Judged after normalising, so the case of the letters does not matter."""
    statuses = ["completed", " Completed", "COMPLETED ", "cancelled", "complete", "not completed"]
    rows = [{"order_id": str(i), "status": status} for i, status in enumerate(statuses)]
    found = by_key(stg_orders(raw(spark, "orders", *rows)), "order_id", "is_completed")
    assert [found[i] for i in range(6)] == [True, True, True, False, False, False]


def test_parts_of_a_date(spark: SparkSession) -> None:
    """Quarters at their edges, and the name of every day of a week."""
    days = {
        "2023-03-31": (2023, 3, 1, "Friday"),
        "2023-04-01": (2023, 4, 2, "Saturday"),
        "2023-07-02": (2023, 7, 3, "Sunday"),
        "2023-10-02": (2023, 10, 4, "Monday"),
        "2024-12-31": (2024, 12, 4, "Tuesday"),
        "2025-01-01": (2025, 1, 1, "Wednesday"),
        "2025-01-02": (2025, 1, 1, "Thursday"),
    }
    rows = [{"order_id": str(i), "order_date": day} for i, day in enumerate(days)]
    table = stg_orders(raw(spark, "orders", *rows)).withColumn(
        "day", F.col("order_date").cast("string")
    )
    parts = ["order_year", "order_month", "order_quarter", "order_day_of_week"]
    assert by_key(table, "day", *parts) == days


def test_an_order_line_is_normalised(spark: SparkSession) -> None:
    """The total follows from the rounded price."""
    dirty = {
        "order_item_id": " 7",
        "order_id": "8 ",
        "product_id": "009",
        "quantity": " 3 ",
        "unit_price": " 1.005 ",
    }
    free = {"order_item_id": "8", "unit_price": "0"}
    clean = {
        "order_item_id": 7,
        "order_id": 8,
        "product_id": 9,
        "quantity": 3,
        "unit_price": "1.01",
        "line_total": "3.03",
    }
    given = {
        "order_item_id": 8,
        "order_id": 1,
        "product_id": 1,
        "quantity": 2,
        "unit_price": "0.00",
        "line_total": "0.00",
    }
    assertDataFrameEqual(
        stg_order_items(raw(spark, "order_items", dirty, free)),
        frame(spark, STG_ORDER_ITEMS, clean, given),
    )


def test_a_product_is_normalised(spark: SparkSession) -> None:
    """The case of a product's name is its maker's choice; a category is ours."""
    dirty = {
        "product_id": "7",
        "product_name": "  USB-c CABLE  ",
        "category": " home OFFICE ",
        "cost_price": " 5 ",
        "list_price": " 19.985",
    }
    clean = {
        "product_id": 7,
        "product_name": "USB-c CABLE",
        "category": "Home Office",
        "cost_price": "5.00",
        "list_price": "19.99",
        "profit_margin": "14.99",
        "profit_margin_pct": "74.99",
    }
    assertDataFrameEqual(
        stg_products(raw(spark, "products", dirty)), frame(spark, STG_PRODUCTS, clean)
    )


def test_a_product_may_have_no_category(spark: SparkSession) -> None:
    assert row(stg_products(raw(spark, "products", {"category": " "}))).category is None


def test_margin_in_percent_of_the_list_price(spark: SparkSession) -> None:
    """Half up, away from zero; NULL where there is no list price to divide by or no room."""
    prices = {
        ("5.00", "8.00"): ("3.00", "37.50"),
        ("199.99", "200.00"): ("0.01", "0.01"),  # 0.005 %
        ("200.01", "200.00"): ("-0.01", "-0.01"),  # -0.005 %
        ("249.99", "250.00"): ("0.01", "0.00"),  # 0.004 %
        ("0.00", "10.00"): ("10.00", "100.00"),
        ("15.00", "10.00"): ("-5.00", "-50.00"),
        ("10.00", "10.00"): ("0.00", "0.00"),
        ("10.00", "0.00"): ("-10.00", None),
        ("0.00", "0.00"): ("0.00", None),
        ("99999999.99", "0.01"): ("-99999999.98", None),
    }
    rows = [
        {"product_id": str(i), "cost_price": cost, "list_price": price}
        for i, (cost, price) in enumerate(prices)
    ]
    table = stg_products(raw(spark, "products", *rows))
    found = by_key(table, "product_id", "profit_margin", "profit_margin_pct")
    assert found == {
        i: (Decimal(margin), None if percent is None else Decimal(percent))
        for i, (margin, percent) in enumerate(prices.values())
    }


def test_types_of_silver(spark: SparkSession) -> None:
    """Money has two decimals, an id is a BIGINT, a day is a DATE."""
    wanted = {
        "customers": STG_CUSTOMERS,
        "orders": STG_ORDERS,
        "order_items": STG_ORDER_ITEMS,
        "products": STG_PRODUCTS,
    }
    for entity, columns in wanted.items():
        table = STAGED[entity](raw(spark, entity))
        assertSchemaEqual(table.schema, frame(spark, columns).schema)


# ── Quarantine ───────────────────────────────────────────────────────────────────────────────────


def test_the_quarantine_keeps_the_row_as_it_was(spark: SparkSession) -> None:
    """So that somebody can mend it: every column, spaces and missing ones included."""
    bad = {"product_id": " 7 ", "category": None, "list_price": ' "x"\n', "_source_file": "f.csv"}
    kept = row(turned_away(spark, products=raw(spark, "products", bad)))
    assert (kept.source_table, kept.record_key, kept.reason, kept._source_file) == (
        "products",
        "7",
        "invalid_list_price",
        "f.csv",
    )
    assert json.loads(kept.record) == {
        "product_id": " 7 ",
        "product_name": "Mouse",
        "category": None,
        "cost_price": "15.00",
        "list_price": ' "x"\n',
    }


def test_the_quarantine_keeps_the_whole_line_of_a_corrupt_row(spark: SparkSession) -> None:
    bad = {"order_id": "7", "status": None, "_corrupt_record": "7,1,2023-02-01"}
    kept = row(turned_away(spark, orders=raw(spark, "orders", bad)))
    assert (kept.record_key, kept.reason) == ("7", "corrupt_row")
    assert json.loads(kept.record)["_corrupt_record"] == "7,1,2023-02-01"


def test_the_quarantine_names_table_and_key(spark: SparkSession) -> None:
    """The key as text, NULL where it is missing, as it stood where it is malformed."""
    found = turned_away(
        spark,
        customers=raw(spark, "customers", {"customer_id": None}),
        orders=raw(spark, "orders", {"order_id": " x1 "}),
        order_items=raw(spark, "order_items", {"order_item_id": "007"}, {"order_item_id": "7"}),
        products=raw(spark, "products", {"product_id": "5", "cost_price": None}),
    )
    assert by_key(found, "source_table", "record_key", "reason") == {
        "customers": (None, "missing_customer_id"),
        "orders": ("x1", "invalid_order_id"),
        "order_items": ("007", "duplicate_key"),
        "products": ("5", "missing_cost_price"),
    }


def test_no_raw_row_is_lost_between_silver_and_quarantine(spark: SparkSession) -> None:
    """Bronze rows = silver rows + quarantined rows, for every entity."""
    tables = {
        entity: raw(spark, entity, {}, {}, {"_corrupt_record": "x"}, *[c for c, _ in cases])
        for entity, cases in BROKEN.items()
    }
    away = turned_away(spark, **tables).groupBy("source_table").count()
    assert by_key(away, "source_table", "count") == {
        entity: 2 + len(cases) for entity, cases in BROKEN.items()
    }
    assert [STAGED[entity](table).count() for entity, table in tables.items()] == [1, 1, 1, 1]


def test_types_of_the_quarantine(spark: SparkSession) -> None:
    wanted = "source_table STRING, record_key STRING, reason STRING, record STRING"
    schema = frame(spark, f"{wanted}, _source_file STRING").schema
    assertSchemaEqual(turned_away(spark).schema, schema)
