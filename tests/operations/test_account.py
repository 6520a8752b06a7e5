"""What a run says at its end, so that nothing is lost without a word."""

import shutil
from pathlib import Path

import pytest
from deliveries import ANN, MOUSE, a_few, deliver, open_lake
from oracle.compare import read_delta
from pyspark.sql import SparkSession

from ecommerce_lakehouse.layers.quality import QualityError
from ecommerce_lakehouse.operations.account import tell_day, tell_run
from ecommerce_lakehouse.operations.build import build_layers
from ecommerce_lakehouse.registry import LAYERS

GOOD = [f"{number},1,2024-06-{number:02},completed,5.00" for number in range(1, 11)]
ITEMS = [f"{number},{number},1,1,9.99" for number in range(1, 11)]
pytestmark = pytest.mark.usefixtures("spark")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return a_few(
        tmp_path / "data", customers=[ANN], products=[MOUSE], orders=GOOD, order_items=ITEMS
    )


def account(
    shop: Path, capsys: pytest.CaptureFixture[str], layers: tuple[str, ...] = LAYERS, day: str = ""
) -> list[str]:
    """The last lines of a run: those after the tables and the export."""
    folder = str(shop.parent / "lake")
    capsys.readouterr()
    build_layers(
        layers, as_of_date=day, data_dir=str(shop), lakehouse_dir=folder, artifacts_dir=folder
    )
    told = capsys.readouterr().out.splitlines()
    return [
        line for line in told if line.partition(".")[0] not in LAYERS and ".parquet" not in line
    ]


def test_a_run_says_its_day_and_what_became_of_the_rows(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = ["11,1,2024-13-01,completed,5.00", "12,1,2024-06-01,,5.00", "13,1,2024-06-01,,5.00"]
    deliver(shop, "2", {"orders": [*bad, "14,1,2024-06-01,completed,-1", "14", GOOD[0]]})
    layers = ("bronze", "silver", "intermediate")
    day, rows, warning = account(shop, capsys, layers)
    assert day == "Looked back from 2024-06-10, the day of the last completed order."
    assert rows == (
        "Read 28 rows of 5 files: 22 kept, 6 quarantined (missing_status 2, corrupt_row 1, "
        "duplicate_key 1, others 2)."
    )
    assert warning.startswith(
        "Warning: raw_orders_2.csv: 5 of 6 rows are rejected, 2 of them for missing_status, such "
        'as {"order_id":"12","customer_id":"1",'
    )
    assert warning.endswith("…")
    assert account(shop, capsys, layers, day="2024-06-05") == [
        "Looked back from 2024-06-05, the day that was asked for.",
        "No file was new.",
    ]
    deliver(shop, "3", {"orders": ["15,1,2024-06-11,completed,5.00"]})
    assert account(shop, capsys, layers) == [
        "Looked back from 2024-06-11, the day of the last completed order.",
        "Read 1 rows of 1 file: 1 kept, 0 quarantined.",
    ]


def test_a_small_file_of_another_format_is_remarked_on(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The gate leaves small files alone."""
    prices = {"2": '"5,99"', "3": "USD 5"}
    for number, (name, price) in enumerate(prices.items(), start=1):
        items = range(100 * number, 100 * number + 36)
        deliver(shop, name, {"order_items": [f"{item},1,1,1,{price}" for item in items]})
    *_, euros, dollars = account(shop, capsys, ("bronze", "silver"))
    for name, warning in {"2": euros, "3": dollars}.items():
        value = prices[name].strip('"')
        assert warning == (
            f"Warning: raw_order_items_{name}.csv: 36 of 36 rows are rejected, 36 of them for "
            f'invalid_unit_price, such as "{value}"'
        )


def test_notebooks_say_at_their_end_what_a_build_says(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(shop, "2", {"orders": ["11,1,2024-06-01,,5.00"]})
    told = account(shop, capsys)
    assert len(told) == 3
    lake = str(shop.parent / "lake")
    folders = {"data_dir": str(shop), "lakehouse_dir": lake}
    assert tell_run(folders, LAYERS) == told
    assert tell_run(folders, ["bronze", "silver"]) == told[1:]
    day, *_ = tell_run(folders | {"as_of_date": "2024-06-05"}, LAYERS)
    assert day == "Looked back from 2024-06-05, the day that was asked for."


def test_what_a_later_file_replaced_is_no_remark(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where each delivery holds all rows once more."""
    deliver(shop, "2", {"orders": GOOD, "order_items": ITEMS})
    *_, last = account(shop, capsys, ("bronze", "silver"))
    assert last == "Read 42 rows of 6 files: 22 kept, 20 quarantined (duplicate_key 20)."


@pytest.mark.parametrize(
    ("day", "days"), [("9999-12-31", "2,913,012"), ("2024-08-10", "61"), ("2024-08-09", "")]
)
def test_a_day_that_one_order_makes_is_doubted(
    shop: Path, spark: SparkSession, day: str, days: str
) -> None:
    deliver(shop, "2", {"orders": [f"99,1,{day},completed,5.00", "98,1,2024-06-20,pending,5.00"]})
    lake = open_lake(spark, shop.parent, None)
    for table in ("orders", "stg_orders"):
        lake.build(table)
    said, *doubts = tell_day(lake)
    assert said == f"Looked back from {day}, the day of the last completed order."
    assert doubts == [
        f"Warning: that order comes {days} days after the one before it. If its date is wrong, "
        "name the day:  --as-of 2024-06-10"
    ] * bool(days)


@pytest.mark.nightly
def test_a_file_whose_name_comes_too_early_to_change_anything_is_doubted(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Corrections in it lose to the rows that were there before. Files that come together do so
    in their order, and the earlier is not doubted for what the later one replaces."""
    deliver(shop, "b", {"products": [f"{n},Thing {n},Cat,1.00,2.00" for n in range(1, 6)]})
    deliver(shop, "c", {"products": [f"{n},Thing {n},Cat,1.00,3.00" for n in range(1, 6)]})
    together = account(shop, capsys, ("bronze", "silver"))
    assert "duplicate_key" in together[0]
    assert not any("raw_products_b.csv" in line for line in together)
    deliver(shop, "a", {"products": [f"{n},Thing {n},Cat,1.00,4.00" for n in range(1, 6)]})
    assert account(shop, capsys, ("bronze", "silver"))[1].startswith(
        "Warning: raw_products_a.csv: 5 of 5 rows are rejected, 5 of them for duplicate_key"
    )


def test_a_run_tells_of_rows_that_a_killed_one_read_and_needs_no_files_for_it(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(shop, "2", {"orders": ["11,1,2024-06-01,,5.00"]})
    assert account(shop, capsys, ("bronze",)) == ["Read 23 rows of 5 files."]
    rows = "Of 23 rows in bronze: 22 kept, 1 quarantined (missing_status 1)."
    no_file, told, warning = account(shop, capsys, ("bronze", "silver"))
    assert (no_file, told) == ("No file was new.", rows)
    assert warning == (
        "Warning: raw_orders_2.csv: 1 of 1 rows are rejected, 1 of them for missing_status, such "
        'as {"order_id":"11","customer_id":"1","order_date":"2024-06-01"…'
    )
    assert account(shop, capsys, ("bronze", "silver")) == ["No file was new."]
    shutil.rmtree(shop)
    assert account(shop, capsys, ("silver",)) == [rows, warning]


def test_files_that_are_not_read_and_texts_that_hold_rows_are_named(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "raw_orders-2024-08.csv").write_text("")
    deliver(shop, "2", {"products": ['2,"Cup,Kitchen,2.00,6.50\n3,Pan,Kitchen,2.00,6.50",A,1,2']})
    told = account(shop, capsys, ("bronze",))
    assert told[0] == "Read 23 rows of 5 files."
    assert "Warning: raw_products_2.csv: the quoted text that begins in line 2 holds" in told[1]
    assert told[2].startswith("Warning: raw_orders-2024-08.csv is not read.")


def test_the_gate_says_which_file_and_why_and_keeps_the_evidence(
    shop: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f'{number},1,1,1,"5,99"' for number in range(101, 461)]
    deliver(shop, "2", {"order_items": rows})
    with pytest.raises(QualityError) as refused:
        account(shop, capsys)
    assert str(refused.value).splitlines() == [
        "Not published.",
        "stg_order_items: no file with more than 90% quarantined: 360 of 370 rows",
        "raw_order_items_2.csv: 360 of 360 rows are rejected, 360 of them for "
        'invalid_unit_price, such as "5,99"',
        f"The rejected rows are in the Delta table {shop.parent}/lake/ops/refused.",
        "Mend the file, then read all files that are there anew with:  "
        "lakehouse build --full-refresh",
    ]
    kept = read_delta(shop.parent / "lake", "ops.refused")
    assert kept.num_rows == 360
    assert set(kept.column("reason").to_pylist()) == {"invalid_unit_price"}
    assert not (shop.parent / "lake" / "gold").exists()
