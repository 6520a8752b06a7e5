"""The oracle against numbers worked out by hand, and its comparison against doctored tables."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from oracle.build import KEYS, Oracle, build_oracle
from oracle.compare import (
    assert_same_bronze,
    assert_same_quarantine,
    assert_same_table,
    read_delta,
)
from oracle.raw import COLUMNS, RawDataError

from ecommerce_lakehouse.paths import PROJECT

EXAMPLE = PROJECT / "data_seeds"

CUSTOMER = "1,john@shop.com,John,Doe,US,2023-01-15"
ORDER = "1001,1,2023-02-01,completed,5.99"
ITEM = "1,1001,101,2,29.99"
PRODUCT = "101,Mouse,Electronics,15.00,29.99"


@pytest.fixture(scope="module")
def example() -> Oracle:
    """The five customers, seen from the last completed order."""
    return build_oracle(EXAMPLE)


def write(folder: Path, file: str, *lines: str) -> Path:
    """Writes one raw file with its header; an entity's own name stands for its first file."""
    entity = next(name for name in sorted(COLUMNS, key=len, reverse=True) if file.startswith(name))
    text = "\n".join([",".join(COLUMNS[entity]), *lines]) + "\n"
    (folder / f"raw_{file}.csv").write_text(text, encoding="utf-8", newline="")
    return folder


def shop(folder: Path, as_of: date | None = None, **files: list[str]) -> Oracle:
    """Builds the tables from a few raw lines; files that are not named hold a header only."""
    for file in [*COLUMNS, *(set(files) - set(COLUMNS))]:
        write(folder, file, *files.get(file, []))
    return build_oracle(folder, as_of)


def rows(oracle: Oracle, name: str) -> list[dict[str, Any]]:
    """The rows of a table in the order of its key."""
    return list(oracle.table(name).to_pylist())


def row(oracle: Oracle, name: str, key: int) -> dict[str, Any]:
    """The one row of a table with this key."""
    found = [r for r in rows(oracle, name) if r[KEYS[name][0]] == key]
    assert len(found) == 1
    return found[0]


def turned_away(oracle: Oracle) -> list[tuple[str, str | None, str]]:
    """What is in quarantine: table, key and reason."""
    quarantine = rows(oracle, "silver.quarantine")
    return [(r["source_table"], r["record_key"], r["reason"]) for r in quarantine]


def buyers(folder: Path, *customers: tuple[int, int, str]) -> Oracle:
    """A shop whose customers 0, 1, ... last came so many days ago, so often, and spent so much."""
    as_of = date(2023, 12, 31)
    people, orders = [], []
    for customer, (days, count, spent) in enumerate(customers):
        day = date.fromordinal(as_of.toordinal() - days)
        people.append(f"{customer},a@b.c,J,D,US,2023-01-01")
        orders += [
            f"{customer}{n:02d},{customer},{day},completed,{spent if n == 0 else 0}"
            for n in range(count)
        ]
    return shop(folder, as_of, customers=people, orders=orders)


def has(actual: dict[str, Any], **expected: object) -> bool:
    """Whether a row holds these values (floats to six decimals)."""
    for column, value in expected.items():
        close = pytest.approx(value, abs=1e-6) if isinstance(value, float) else value
        assert actual[column] == close, column
    return True


# ── The five customers, by hand ──────────────────────────────────────────────────────────────────


def test_we_look_back_from_the_last_completed_order(example: Oracle) -> None:
    """Order 1010 of 20 July is the last one."""
    assert example.as_of_date == date(2023, 7, 20)


def test_an_order_totals_its_items_and_its_shipping(example: Oracle) -> None:
    """Order 1001: 2 x 29.99 + 49.99 = 109.97, and 5.99 to ship it."""
    order = row(example, "intermediate.int_customer_orders", 1001)
    total = Decimal("115.96")
    assert has(order, order_subtotal=Decimal("109.97"), order_total=total, items_count=2)


def test_a_cancelled_order_does_not_count(example: Oracle) -> None:
    """Order 1005 was cancelled: nine of the ten remain."""
    orders = rows(example, "intermediate.int_customer_orders")
    assert [o["order_id"] for o in orders] == [1001, 1002, 1003, 1004, 1006, 1007, 1008, 1009, 1010]


def test_john_came_three_times_and_spent_247_92(example: Oracle) -> None:
    """115.96 + 25.98 + 105.98 = 247.92, from 1 February to 20 July (27+31+30+31+30+20 days)."""
    john = row(example, "gold.fct_customer_metrics", 1)
    assert has(john, recency_days=0, frequency=3, monetary_value=Decimal("247.92"))
    assert has(john, avg_order_value=82.64, customer_tenure_days=169, rfm_segment_code="533")
    assert has(john, predicted_clv_12m=Decimal("371.88"), churn_risk="Very Low")


@pytest.mark.parametrize(
    ("customer", "recency", "frequency", "spent", "code", "predicted"),
    [
        (1, 0, 3, "247.92", "533", "371.88"),  # 11 points: x 1.5
        (2, 56, 2, "205.93", "423", "308.90"),  # 97.96 + 107.97; 9: x 1.5 = 308.895
        (3, 35, 2, "151.95", "422", "182.34"),  # 105.98 + 45.97; 8: x 1.2
        (4, 49, 1, "159.98", "412", "191.98"),  # 149.99 + 9.99; 7: x 1.2 = 191.976
        (5, 19, 1, "35.98", "511", "43.18"),  # 29.99 + 5.99; 7: x 1.2 = 43.176
    ],
)
def test_recency_frequency_and_money_of_the_five(
    example: Oracle,
    customer: int,
    recency: int,
    frequency: int,
    spent: str,
    code: str,
    predicted: str,
) -> None:
    """Worked out with a pencil from the four files."""
    metrics = row(example, "gold.fct_customer_metrics", customer)
    assert has(metrics, recency_days=recency, frequency=frequency, rfm_segment_code=code)
    assert has(metrics, monetary_value=Decimal(spent), predicted_clv_12m=Decimal(predicted))


def test_segments_of_the_five(example: Oracle) -> None:
    """John is loyal (5, 3, 3), Jane spends big (4, 2, 3), the others are new."""
    segments = [r["customer_segment"] for r in rows(example, "gold.dim_customer_segments")]
    assert segments == ["Loyal Customers", "Big Spenders", *["New Customers"] * 3]


def test_actions_of_the_five(example: Oracle) -> None:
    """John has F = 3, between VIP and onboarding; everyone else has R >= 4 and F <= 2."""
    actions = [r["recommended_action"] for r in rows(example, "gold.dim_customer_segments")]
    onboarding = "Onboarding campaign, product recommendations"
    assert actions == ["Standard nurture campaign", *[onboarding] * 4]


def test_the_mouse_sold_six_times(example: Oracle) -> None:
    """2 + 3 + 1 at 29.99 = 179.94; less 6 x 15.00: 89.94; 179.94 of its category's 529.89."""
    mouse = row(example, "gold.fct_product_performance", 101)
    assert has(mouse, units_sold=6, orders_count=3, customers_count=3, avg_selling_price=29.99)
    assert has(mouse, revenue=Decimal("179.94"), total_profit=Decimal("89.94"))
    assert has(mouse, profit_margin_pct=Decimal("49.98"), category_revenue_share=179.94 / 529.89)


def test_tiers_follow_the_interpolated_percentiles(example: Oracle) -> None:
    """59.97 149.97 149.99 179.94 199.98: p20 = 131.97, p50 = 149.99, p80 = 183.948."""
    tiers = [r["performance_tier"] for r in rows(example, "gold.fct_product_performance")]
    assert tiers == ["Performer", "Average", "Underperformer", "Star", "Performer"]


def test_ranks_break_ties_by_product(example: Oracle) -> None:
    """Keyboard and cable both sold three: 102 stands before 103."""
    products = rows(example, "gold.fct_product_performance")
    assert [p["units_rank"] for p in products] == [1, 2, 3, 4, 5]
    assert [p["revenue_rank"] for p in products] == [2, 4, 5, 1, 3]
    assert [p["profit_rank"] for p in products] == [3, 4, 5, 2, 1]


def test_features_of_john(example: Oracle) -> None:
    """Gaps of 42 and 127 days; one order since 21 April, two from 21 January to 20 April."""
    john = row(example, "ml.ml_customer_features", 1)
    assert has(john, account_age_days=186, avg_days_between_orders=84.5, order_trend_ratio=0.5)
    assert has(john, orders_per_month=90 / 169, revenue_per_order=82.64, is_active_last_30d=1)
    # Deviations from 82.64: 33.32, -56.66, 23.34; their squares add up to 4865.3336.
    assert has(john, order_value_volatility=(4865.3336 / 2) ** 0.5, clv_growth_multiplier=1.5)


def test_one_order_has_no_volatility_no_gap_and_no_trend(example: Oracle) -> None:
    """Customer 4 bought once, 49 days ago."""
    once = row(example, "ml.ml_customer_features", 4)
    assert has(once, order_value_volatility=None, avg_days_between_orders=None)
    assert has(once, order_trend_ratio=None, orders_per_month=0.0)
    assert has(once, is_active_last_30d=0, is_active_last_90d=1)


def test_the_future_does_not_count() -> None:
    """Seen from 31 March John has 115.96 + 25.98, Bob and the later ones have nothing yet."""
    march = build_oracle(EXAMPLE, date(2023, 3, 31))
    john = row(march, "gold.fct_customer_metrics", 1)
    assert has(john, recency_days=16, frequency=2, monetary_value=Decimal("141.94"))
    assert has(row(march, "gold.fct_customer_metrics", 3), churn_risk="No Purchases")


def test_every_table_of_the_contract_is_there(example: Oracle) -> None:
    """Four of bronze, five of silver, four of intermediate, three of gold, one of ml."""
    layers = [name.split(".")[0] for name in example.tables]
    counts = [layers.count(k) for k in ("bronze", "silver", "intermediate", "gold", "ml")]
    assert counts == [4, 5, 4, 3, 1]
    assert [n for n in example.tables if example.table(n).num_rows == 0] == ["silver.quarantine"]


# ── Raw files ────────────────────────────────────────────────────────────────────────────────────


def test_a_byte_order_mark_and_crlf_are_not_data(tmp_path: Path) -> None:
    """Excel writes both."""
    shop(tmp_path)
    lines = [",".join(COLUMNS["products"]), PRODUCT, ""]
    (tmp_path / "raw_products.csv").write_bytes("\ufeff".encode() + "\r\n".join(lines).encode())
    product = row(build_oracle(tmp_path), "silver.stg_products", 101)
    assert has(product, list_price=Decimal("29.99"))


def test_a_quoted_field_holds_commas_quotes_and_line_breaks(tmp_path: Path) -> None:
    """One row, not three."""
    oracle = shop(tmp_path, products=['101,"A ""good"", long\r\nname",,1.00,2.00'])
    assert row(oracle, "bronze.products", 0)["product_name"] == 'A "good", long\r\nname'
    assert has(row(oracle, "silver.stg_products", 101), category=None)


def test_a_blank_line_is_not_a_row(tmp_path: Path) -> None:
    """Neither between two rows nor at the end."""
    oracle = shop(tmp_path, products=["", PRODUCT, "", ""])
    assert oracle.table("bronze.products").num_rows == 1


@pytest.mark.parametrize("line", ["101,Mouse", f"{PRODUCT},more", '101,"two\nlines"'])
def test_a_ragged_row_is_corrupt_and_kept_whole(tmp_path: Path, line: str) -> None:
    """Too few or too many fields: one reason, the first field as key, the line as it stood."""
    oracle = shop(tmp_path, products=[line])
    assert row(oracle, "bronze.products", 0)["_corrupt_record"] == line
    assert turned_away(oracle) == [("products", "101", "corrupt_row")]


def test_order_items_are_not_a_delivery_of_orders(tmp_path: Path) -> None:
    """raw_order_items.csv beside raw_orders.csv, raw_orders_2.csv beside both."""
    oracle = shop(tmp_path, orders=[ORDER], orders_2=["2,1,2023-03-01,new,"], order_items=[ITEM])
    files = [r["_source_file"] for r in rows(oracle, "bronze.orders")]
    assert files == ["raw_orders.csv", "raw_orders_2.csv"]


def test_another_column_order_is_an_error_that_names_file_and_column(tmp_path: Path) -> None:
    """Reading on would put prices into the wrong column."""
    shop(tmp_path)
    (tmp_path / "raw_orders.csv").write_text("order_id,customer_id,ordered_on,status\n")
    with pytest.raises(RawDataError, match=r'raw_orders.csv: column 3 is "ordered_on"'):
        build_oracle(tmp_path)


def test_a_missing_column_or_file_is_an_error(tmp_path: Path) -> None:
    """Also a file that is quite empty."""
    shop(tmp_path)
    (tmp_path / "raw_orders.csv").write_text("")
    with pytest.raises(RawDataError, match=r'raw_orders.csv: column 1 is missing.*"order_id"'):
        build_oracle(tmp_path)
    (tmp_path / "raw_orders.csv").unlink()
    with pytest.raises(RawDataError, match=r"raw_orders.csv: missing file"):
        build_oracle(tmp_path)


# ── What is turned away ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("entity", "line", "key", "reason"),
    [
        ("customers", ",a@b.c,J,D,US,2023-01-15", None, "missing_customer_id"),
        ("customers", " x ,a@b.c,J,D,US,2023-01-15", "x", "invalid_customer_id"),
        ("customers", "9223372036854775808,a@b.c,J,D,US,2023-01-15", ..., "invalid_customer_id"),
        ("customers", "1,  ,J,D,US,2023-01-15", "1", "missing_email"),
        ("customers", "1,a@b,J,D,US,2023-01-15", "1", "invalid_email"),
        ("customers", '1,"a@b.c\n",J,D,US,2023-01-15', "1", "invalid_email"),
        ("customers", "1,a@b.c,J,D,US,", "1", "missing_created_at"),
        ("customers", "1,a@b.c,J,D,US,2023-02-29", "1", "invalid_created_at"),
        ("customers", "1,a@b.c,J,D,US,0000-01-01", "1", "invalid_created_at"),
        ("customers", "1,a@b.c,J,D,US,2023-1-5", "1", "invalid_created_at"),
        ("customers", "x,a@b,J,D,US,", "x", "invalid_customer_id,invalid_email,missing_created_at"),
        ("orders", ",1,2023-02-01,new,1", None, "missing_order_id"),
        ("orders", "1.0,1,2023-02-01,new,1", "1.0", "invalid_order_id"),
        ("orders", "1,,2023-02-01,new,1", "1", "missing_customer_id"),
        ("orders", "1,+1,2023-02-01,new,1", "1", "invalid_customer_id"),
        ("orders", "1,1,,new,1", "1", "missing_order_date"),
        ("orders", "1,1,01.02.2023,new,1", "1", "invalid_order_date"),
        ("orders", "1,1,2023-02-01, ,1", "1", "missing_status"),
        ("orders", "1,1,2023-02-01,new,free", "1", "invalid_shipping_cost"),
        ("orders", "1,1,2023-02-01,new,-0.01", "1", "invalid_shipping_cost"),
        ("orders", "1,1,2023-02-01,new,100000000", "1", "invalid_shipping_cost"),
        ("orders", "1,1,2023-02-01,new,99999999.995", "1", "invalid_shipping_cost"),
        ("order_items", ",1,1,1,1", None, "missing_order_item_id"),
        ("order_items", "x,1,1,1,1", "x", "invalid_order_item_id"),
        ("order_items", "1,,1,1,1", "1", "missing_order_id"),
        ("order_items", "1,x,1,1,1", "1", "invalid_order_id"),
        ("order_items", "1,1,,1,1", "1", "missing_product_id"),
        ("order_items", "1,1,x,1,1", "1", "invalid_product_id"),
        ("order_items", "1,1,1,,1", "1", "missing_quantity"),
        ("order_items", "1,1,1,0,1", "1", "invalid_quantity"),
        ("order_items", "1,1,1,2147483648,1", "1", "invalid_quantity"),
        ("order_items", "1,1,1,1,", "1", "missing_unit_price"),
        ("order_items", '1,1,1,1,"1,5"', "1", "invalid_unit_price"),
        ("order_items", "1,1,1,1,.5", "1", "invalid_unit_price"),
        ("order_items", "1,1,1,2147483647,99999999.99", "1", "invalid_line_total"),
        ("order_items", "1,x,1,2147483647,99999999", "1", "invalid_order_id,invalid_line_total"),
        ("products", ",Mouse,E,1,2", None, "missing_product_id"),
        ("products", "x,Mouse,E,1,2", "x", "invalid_product_id"),
        ("products", "1,,E,1,2", "1", "missing_product_name"),
        ("products", "1,Mouse,E,,2", "1", "missing_cost_price"),
        ("products", "1,Mouse,E,1e3,2", "1", "invalid_cost_price"),
        ("products", "1,Mouse,E,1,", "1", "missing_list_price"),
        ("products", "1,Mouse,E,1,-2", "1", "invalid_list_price"),
    ],
)
def test_a_broken_rule_sends_the_row_to_quarantine(
    tmp_path: Path, entity: str, line: str, key: object, reason: str
) -> None:
    """There with its reason, and nowhere else."""
    oracle = shop(tmp_path, None, **{entity: [line]})
    wanted = line.split(",")[0] if key is ... else key
    assert turned_away(oracle) == [(entity, wanted, reason)]
    assert oracle.table(f"silver.stg_{entity}").num_rows == 0


def test_the_quarantine_keeps_the_raw_row(tmp_path: Path) -> None:
    """So that somebody can mend it."""
    kept = rows(shop(tmp_path, products=["1,Mouse,, x,2"]), "silver.quarantine")[0]
    record = json.loads(kept["record"])
    assert has(record, product_id="1", category=None, cost_price=" x")
    assert kept["_source_file"] == "raw_products.csv"


def test_a_row_that_is_turned_away_does_not_win_over_a_good_one(tmp_path: Path) -> None:
    """The later delivery is broken: the earlier one stands and is no duplicate."""
    oracle = shop(tmp_path, products=[PRODUCT], products_2=["101,Mouse,E,1,x"])
    assert turned_away(oracle) == [("products", "101", "invalid_list_price")]
    assert has(row(oracle, "silver.stg_products", 101), list_price=Decimal("29.99"))


def test_the_latest_delivery_wins_whatever_its_date(tmp_path: Path) -> None:
    """A corrected order may carry an earlier date."""
    oracle = shop(tmp_path, orders=[ORDER], orders_2=["1001,1,2022-12-31,returned,0"])
    assert row(oracle, "silver.stg_orders", 1001)["order_status"] == "returned"
    assert turned_away(oracle) == [("orders", "1001", "duplicate_key")]


def test_within_a_file_the_latest_date_wins_then_the_greatest_columns(tmp_path: Path) -> None:
    """Dates before columns; 10.00 is greater than 9.00 although its text is not."""
    oracle = shop(
        tmp_path,
        orders=[
            "1,9,2023-01-01,z,9",
            "1,2,2023-01-02,a,9.00",
            "1,2,2023-01-02,a,10.00",
            "1,2,2023-01-02,a,",
        ],
    )
    winner = row(oracle, "silver.stg_orders", 1)
    assert has(winner, customer_id=2, shipping_cost=Decimal("10.00"))
    assert turned_away(oracle) == [("orders", "1", "duplicate_key")] * 3


def test_nothing_is_less_than_something_among_duplicates(tmp_path: Path) -> None:
    """NULL last: the row that names the country is the one to keep."""
    oracle = shop(tmp_path, customers=["1,a@b.c,J,D,,2023-01-15", "1,a@b.c,J,D,aa,2023-01-15"])
    assert row(oracle, "silver.stg_customers", 1)["country"] == "AA"


def test_keys_are_equal_as_numbers(tmp_path: Path) -> None:
    """007 and 7 are one product; the greater raw text stays when all values are the same."""
    oracle = shop(tmp_path, products=["007,Mouse,,1,2", "7,Mouse,,1,2"])
    assert turned_away(oracle) == [("products", "007", "duplicate_key")]


def test_no_raw_row_is_lost(tmp_path: Path) -> None:
    """Bronze rows = silver rows + quarantined rows."""
    oracle = shop(
        tmp_path,
        customers=[CUSTOMER, CUSTOMER, "x"],
        orders=[ORDER, "1,2,3,4,5"],
        order_items=[ITEM, ITEM],
        products=[PRODUCT],
    )
    for entity in COLUMNS:
        away = [table for table, _, _ in turned_away(oracle)].count(entity)
        silver = oracle.table(f"silver.stg_{entity}").num_rows
        assert oracle.table(f"bronze.{entity}").num_rows == silver + away


# ── What is normalised, and how ──────────────────────────────────────────────────────────────────


def test_text_is_trimmed_and_normalised(tmp_path: Path) -> None:
    """Words are separated by spaces alone: a hyphen does not start a new one."""
    oracle = shop(tmp_path, customers=["1, A@B.C ,jean-luc MARIE,o'NEIL, us ,2023-01-15"])
    customer = row(oracle, "silver.stg_customers", 1)
    assert has(customer, email="a@b.c", first_name="Jean-luc Marie", last_name="O'neil")
    assert has(customer, country="US", is_valid_email=True)


def test_only_spaces_are_trimmed(tmp_path: Path) -> None:
    """A tab and a no-break space are characters like any other."""
    oracle = shop(tmp_path, products=["1,\tMouse\u00a0,,1,2", "2\t,Mouse,,1,2"])
    assert row(oracle, "silver.stg_products", 1)["product_name"] == "\tMouse\u00a0"
    assert turned_away(oracle) == [("products", "2\t", "invalid_product_id")]


@pytest.mark.parametrize(
    ("raw", "cents"),
    [("1.005", 101), ("1.004999", 100), ("0.995", 100), ("-0.004", 0), ("007", 700), ("", 0)],
)
def test_money_is_rounded_half_up_to_cents(tmp_path: Path, raw: str, cents: int) -> None:
    """Before anything asks whether it is negative."""
    oracle = shop(tmp_path, orders=[f"1,1,2023-02-01,new,{raw}"])
    assert row(oracle, "silver.stg_orders", 1)["shipping_cost"] * 100 == cents


def test_a_status_counts_in_any_case(tmp_path: Path) -> None:
    """COMPLETED is completed."""
    order = row(shop(tmp_path, orders=["1,1,2023-07-20, COMPLETED ,"]), "silver.stg_orders", 1)
    assert has(order, is_completed=True, order_quarter=3, order_day_of_week="Thursday")


@pytest.mark.parametrize(
    ("cost", "list_price", "expected"),
    [
        ("1", "0", None),
        ("1", "8", "87.50"),
        ("7.99", "8", "0.13"),  # 0.125
        ("8.01", "8", "-0.13"),  # -0.125: a half moves away from zero
        ("99999999.99", "0.01", None),  # does not fit DECIMAL(12,2)
    ],
)
def test_the_margin_is_a_share_of_the_list_price(
    tmp_path: Path, cost: str, list_price: str, expected: str | None
) -> None:
    """In percent, rounded half up, NULL where there is no list price or no room."""
    product = row(shop(tmp_path, products=[f"1,M,,{cost},{list_price}"]), "silver.stg_products", 1)
    assert product["profit_margin_pct"] == (expected and Decimal(expected))


def test_a_customer_who_never_bought_is_a_prospect(tmp_path: Path) -> None:
    """Kept, with nothing spent and no scores."""
    oracle = shop(tmp_path, customers=[CUSTOMER, "2,a@b.c,J,D,US,2023-01-01"], orders=[ORDER])
    metrics = row(oracle, "gold.fct_customer_metrics", 2)
    assert has(metrics, frequency=0, current_clv=Decimal(0), predicted_clv_12m=Decimal(0))
    assert has(metrics, recency_score=None, churn_risk="No Purchases")
    segment = row(oracle, "gold.dim_customer_segments", 2)
    assert has(segment, customer_segment="Prospects", recommended_action="First-purchase incentive")
    features = row(oracle, "ml.ml_customer_features", 2)
    assert has(features, revenue_per_order=0.0, orders_per_month=0.0, clv_growth_multiplier=0.0)
    assert has(features, is_churn_risk=0, is_active_last_90d=0, max_order_value=None)


def test_scores_change_after_their_limits(tmp_path: Path) -> None:
    """A limit still belongs to the better score, for days as for orders and money."""
    codes = {
        (30, 5, "500"): "555",
        (31, 6, "499.99"): "454",
        (60, 4, "300"): "444",
        (61, 3, "299.99"): "333",
        (90, 3, "200"): "333",
        (91, 2, "199.99"): "222",
        (180, 2, "100"): "222",
        (181, 1, "99.99"): "111",
    }
    found = rows(buyers(tmp_path, *codes), "gold.fct_customer_metrics")
    assert [r["rfm_segment_code"] for r in found] == list(codes.values())


def test_the_first_matching_segment_and_action_win(tmp_path: Path) -> None:
    """Every segment and every action once, and the scores that fall between them."""
    wanted = {
        "555": ("Champions", "VIP treatment"),
        "533": ("Loyal Customers", "Standard nurture"),
        "355": ("Loyal Customers", "Standard nurture"),
        "412": ("New Customers", "Onboarding"),
        "423": ("Big Spenders", "Onboarding"),
        "313": ("Big Spenders", "Standard nurture"),
        "233": ("At Risk", "Win-back"),
        "123": ("Cant Lose Them", "Win-back"),
        "222": ("Hibernating", "Re-engagement"),
        "141": ("Hibernating", "Standard nurture"),
        "111": ("Lost", "Re-engagement"),
        "211": ("Others", "Re-engagement"),
        "432": ("Others", "Standard nurture"),
        "542": ("Others", "VIP treatment"),
    }
    days, spent = [181, 180, 90, 60, 30], ["1", "100", "200", "300", "500"]
    scores = [[int(digit) for digit in code] for code in wanted]
    oracle = buyers(tmp_path, *[(days[r - 1], f, spent[m - 1]) for r, f, m in scores])
    for found, (segment, action) in zip(
        rows(oracle, "gold.dim_customer_segments"), wanted.values(), strict=True
    ):
        assert found["customer_segment"] == segment
        assert found["recommended_action"].startswith(action)


def test_the_trend_counts_day_90_as_recent_and_day_180_as_earlier(tmp_path: Path) -> None:
    """Seen from 31 December: 2 October is day 90, 4 July day 180; 3 July counts for neither."""
    days = ["2023-12-31", "2023-10-02", "2023-10-01", "2023-07-04", "2023-07-03", "2023-11-01"]
    orders = [f"{n},1,{day},completed,1" for n, day in enumerate(days)]
    oracle = shop(tmp_path, customers=[CUSTOMER], orders=orders)
    assert has(row(oracle, "ml.ml_customer_features", 1), order_trend_ratio=3 / 2)


@pytest.mark.parametrize(
    ("days", "orders", "risk"),
    [
        (181, 1, "High"),
        (181, 2, "Medium"),
        (180, 1, "Medium"),
        (120, 1, "Low"),
        (90, 1, "Very Low"),
    ],
)
def test_churn_risk_changes_after_its_limit(
    tmp_path: Path, days: int, orders: int, risk: str
) -> None:
    """Limits belong to the lower risk; only a single order makes the risk high."""
    as_of = date.fromordinal(date(2023, 2, 1).toordinal() + days)
    lines = [f"{n},1,2023-02-01,completed,0" for n in range(orders)]
    oracle = shop(tmp_path, as_of, customers=[CUSTOMER], orders=lines)
    assert row(oracle, "gold.fct_customer_metrics", 1)["churn_risk"] == risk


def test_a_shop_without_completed_orders_has_prospects_only(tmp_path: Path) -> None:
    """There is no day to look back from then."""
    oracle = shop(tmp_path, customers=[CUSTOMER], products=[PRODUCT])
    assert oracle.as_of_date is None
    assert has(row(oracle, "gold.dim_customer_segments", 1), customer_segment="Prospects")
    product = row(oracle, "gold.fct_product_performance", 101)
    assert has(product, category_revenue_share=0.0, performance_tier="Star", first_sale_date=None)


# ── The comparison itself ────────────────────────────────────────────────────────────────────────

NAME = "gold.fct_customer_metrics"


def changed(table: pa.Table, column: str, values: pa.Array) -> pa.Table:
    """The table with another column in the same place."""
    return table.set_column(table.column_names.index(column), column, values)


def test_the_same_table_in_another_order_is_the_same(example: Oracle) -> None:
    """Neither the order of the rows nor a load time makes a difference."""
    expected = example.table(NAME)
    actual = expected.take([4, 2, 0, 1, 3]).append_column("_loaded_at", pa.array(range(5)))
    assert_same_table(actual, expected, "customer_id", NAME)
    assert_same_table(actual.to_pandas(), expected, "customer_id", NAME)


def test_one_cent_is_a_difference(example: Oracle) -> None:
    """The message says where, and what both sides hold."""
    expected = example.table(NAME)
    cent = pa.scalar(Decimal("0.01"), pa.decimal128(30, 2))
    more = pc.add(expected["monetary_value"], cent).cast(pa.decimal128(30, 2))
    message = (
        r"(?s)gold.fct_customer_metrics: 5 of 5 rows differ.*customer_id=1\n"
        r"    monetary_value: actual Decimal\('247.93'\), expected Decimal\('247.92'\)"
    )
    with pytest.raises(AssertionError, match=message):
        assert_same_table(changed(expected, "monetary_value", more), expected, "customer_id", NAME)


@pytest.mark.parametrize("cell", ["Jon", None])
def test_one_changed_cell_is_a_difference(example: Oracle, cell: str | None) -> None:
    """NULL is a value too."""
    expected = example.table(NAME)
    names = pa.array([cell, *expected["first_name"].to_pylist()[1:]], pa.string())
    with pytest.raises(AssertionError, match=r"1 of 5 rows differ\n  customer_id=1\n"):
        assert_same_table(changed(expected, "first_name", names), expected, "customer_id", NAME)


def test_averages_may_differ_in_the_seventh_decimal(example: Oracle) -> None:
    """Engines add doubles in another order; a ten-thousandth is more than that."""
    expected = example.table(NAME)
    column = expected["avg_order_value"]
    near = changed(expected, "avg_order_value", pc.add(column, 1e-7))
    far = changed(expected, "avg_order_value", pc.add(column, 1e-3))
    assert_same_table(near, expected, "customer_id", NAME)
    with pytest.raises(AssertionError, match="avg_order_value"):
        assert_same_table(far, expected, "customer_id", NAME)


def test_money_in_a_double_is_a_difference(example: Oracle) -> None:
    """247.92 in a double is not 247.92."""
    expected = example.table(NAME)
    double = expected["monetary_value"].cast(pa.float64())
    with pytest.raises(AssertionError, match="monetary_value is float, expected decimal"):
        assert_same_table(
            changed(expected, "monetary_value", double), expected, "customer_id", NAME
        )


def test_a_missing_and_a_second_row_are_differences(example: Oracle) -> None:
    """Four rows, and six of which two share a key."""
    expected = example.table(NAME)
    with pytest.raises(AssertionError, match=r"4 rows, expected 5; 1 missing \['customer_id=5'\]"):
        assert_same_table(expected.slice(0, 4), expected, "customer_id", NAME)
    twice = pa.concat_tables([expected, expected.slice(2, 1)])
    with pytest.raises(AssertionError, match=r"6 rows, more than one for customer_id=3"):
        assert_same_table(twice, expected, "customer_id", NAME)


def test_an_extra_and_a_missing_column_are_differences(example: Oracle) -> None:
    """Unless it is an audit column."""
    expected = example.table(NAME)
    extra = expected.append_column("tier", pa.array(["x"] * 5))
    with pytest.raises(AssertionError, match=r"unexpected \['tier'\]"):
        assert_same_table(extra, expected, "customer_id", NAME)
    with pytest.raises(AssertionError, match=r"missing \['email'\]"):
        assert_same_table(expected.drop_columns(["email"]), expected, "customer_id", NAME)


def test_the_quarantine_is_compared_by_key_reason_and_file(tmp_path: Path) -> None:
    """The same row twice is not the same as once; the JSON may be written differently."""
    table = shop(tmp_path, orders=["x", "x", "1,1"]).table("silver.quarantine")
    other = changed(table, "record", pa.array(["{}"] * 3))
    assert_same_quarantine(other.take([2, 0, 1]), table)
    with pytest.raises(AssertionError, match=r"2 rows, expected 3\n  missing 1 x .*'orders'.*'x'"):
        assert_same_quarantine(table.slice(1), table)


def test_bronze_is_compared_with_its_file_and_its_corrupt_lines(tmp_path: Path) -> None:
    """These two begin with an underscore and are data all the same."""
    table = shop(tmp_path, orders=[ORDER, "1"]).table("bronze.orders")
    assert_same_bronze(table, table, "bronze.orders")
    other = changed(table, "_corrupt_record", pa.array([None, "2"], pa.string()))
    with pytest.raises(AssertionError, match=r"unexpected 1 x .*_corrupt_record='2'"):
        assert_same_bronze(other, table, "bronze.orders")


def test_a_delta_table_is_read_without_spark(tmp_path: Path, example: Oracle) -> None:
    """Written and read by delta-rs; the lakehouse's own tables must read the same way."""
    deltalake = pytest.importorskip("deltalake")
    target = tmp_path / "gold" / "fct_customer_metrics"
    target.mkdir(parents=True)
    deltalake.write_deltalake(str(target), example.table(NAME))
    assert_same_table(read_delta(tmp_path, NAME), example.table(NAME), "customer_id", NAME)
