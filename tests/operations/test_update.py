"""Deliveries, one after the other: the tables are those of a build from all files at once."""

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deliveries import (
    ANN,
    AUGUST,
    BEN,
    CID,
    JULY,
    SEPTEMBER,
    a_few,
    copy_example,
    csv_file,
    deliver,
    open_lake,
)
from deltalake import DeltaTable, write_deltalake
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle.agree import assert_agrees
from oracle.compare import read_delta
from oracle.raw import COLUMNS
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ecommerce_lakehouse import Lakehouse, registry
from ecommerce_lakehouse.errors import InputError, LakehouseError
from ecommerce_lakehouse.layers.quality import QualityError
from ecommerce_lakehouse.operations import from_raw
from ecommerce_lakehouse.operations.build import build_layers
from ecommerce_lakehouse.operations.change import Change, Outcome
from ecommerce_lakehouse.operations.run import Run
from ecommerce_lakehouse.operations.update import MAX_TRIES, update
from ecommerce_lakehouse.registry import LAYERS
from ecommerce_lakehouse.spark.settings import begin, settings_for
from ecommerce_lakehouse.storage import writing
from ecommerce_lakehouse.tables.preflight import check_data

NAMES = [table.full_name for table in registry.tables()]

CHANGED_IN_SEPTEMBER = {
    "bronze.customers": None,
    "bronze.orders": (6, 0, 0),
    "bronze.order_items": (4, 0, 0),
    "bronze.products": None,
    "silver.stg_customers": None,
    "silver.stg_orders": (2, 2, 0),
    "silver.stg_order_items": (2, 1, 0),
    "silver.stg_products": None,
    "intermediate.int_customer_orders": (1, 1, 1),  # 1011; 1008; 1004
    "intermediate.int_customer_rfm": (1, 1, 1),  # 6; 5; 3 has no order left
    "intermediate.int_customer_product_purchases": (2, 0, 3),
    "intermediate.int_product_metrics": (0, 4, 0),  # all but 105
    "gold.fct_customer_metrics": (0, 2, 0),  # 3 and 5
    "gold.dim_customer_segments": (0, 2, 0),
    "ml.ml_customer_features": (0, 2, 0),
}

CHANGED_IN_AUGUST = {
    "bronze.customers": (2, 0, 0),
    "bronze.orders": (2, 0, 0),
    "bronze.order_items": None,
    "bronze.products": (1, 0, 0),
    "silver.stg_customers": (1, 1, 0),
    "silver.stg_orders": (0, 1, 0),
    "silver.stg_order_items": None,
    "silver.stg_products": (1, 0, 0),
    "intermediate.int_customer_orders": (0, 0, 1),  # 1009
    "intermediate.int_customer_rfm": (0, 1, 0),  # 5
    "intermediate.int_customer_product_purchases": (0, 1, 0),
    "intermediate.int_product_metrics": (1, 1, 0),  # 106; 103
    "gold.fct_customer_metrics": (1, 2, 0),  # 6; 2 and 5
    "gold.dim_customer_segments": (1, 2, 0),
    "ml.ml_customer_features": (1, 1, 0),  # 6; 5: an address is no feature
}


def run(lake: Lakehouse, say: Callable[[Change], object] = str) -> dict[str, Any]:
    """Bring every table up to date.

    Returns:
        By table, the rows inserted, updated and deleted; None where nothing was written.
    """
    told: dict[str, Any] = {}

    def note(change: Change) -> None:
        rows = (change.inserted, change.updated, change.deleted)
        told[change.table] = None if change.how == Outcome.UNCHANGED else rows
        say(change)

    Run(lake, LAYERS, full_refresh=False).build(registry.tables(), note)
    return told


def versions(lake: Lakehouse) -> dict[str, int]:
    return {name: lake.folder.log(registry.get(name)).versions()[0] for name in NAMES}


def assert_right(folder: Path, day: date | None = JULY) -> None:
    assert_agrees(partial(read_delta, folder / "lake"), NAMES, folder / "data", day)


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, built, and a later delivery that arrived and was taken in."""
    folder = tmp_path_factory.mktemp("incremental")
    copy_example(folder / "data")
    run(open_lake(spark, folder))
    deliver(folder / "data", "2023-09", SEPTEMBER)
    changed = run(open_lake(spark, folder))
    (folder / "changed.json").write_text(json.dumps(changed))
    return folder


def test_only_what_a_delivery_touches_is_written(shop: Path) -> None:
    changed = json.loads((shop / "changed.json").read_text())
    wanted = json.loads(json.dumps(CHANGED_IN_SEPTEMBER))
    assert {name: changed[name] for name in wanted} == wanted
    assert_right(shop)


def test_a_run_with_nothing_new_commits_nothing(spark: SparkSession, shop: Path) -> None:
    lake = open_lake(spark, shop)
    before = versions(lake)
    assert set(run(lake).values()) == {None}
    assert versions(lake) == before


def test_a_night_may_change_both_parts_of_a_key(spark: SparkSession, tmp_path: Path) -> None:
    """An order gets another customer and its line another product: the pair of before is gone."""
    data = a_few(
        tmp_path / "data", orders=["1,1,2023-05-01,completed,0"], order_items=["1,1,7,1,9.99"]
    )
    steps = ("orders", "order_items", "stg_orders", "stg_order_items", "int_customer_orders")
    for table in (*steps, "int_customer_product_purchases"):
        update(open_lake(spark, tmp_path), table)
    deliver(data, "2", {"orders": ["1,2,2023-05-01,completed,0"], "order_items": ["1,1,8,1,9.99"]})
    lake = open_lake(spark, tmp_path)
    for table in (*steps, "int_customer_product_purchases"):
        change = update(lake, table)
    assert (change.inserted, change.updated, change.deleted) == (1, 0, 1)
    pairs = lake.read("int_customer_product_purchases").select("customer_id", "product_id")
    assert [tuple(pair) for pair in pairs.collect()] == [(2, 8)]


def test_a_delivery_that_comes_too_late_and_a_run_that_is_cut_short(
    spark: SparkSession, shop: Path
) -> None:
    """August arrives after September; the first run ends at one table, the next goes on."""
    deliver(shop / "data", "2023-08", AUGUST)
    told = {}

    def stop(change: Change) -> None:
        told[change.table] = change
        if change.table == "intermediate.int_customer_orders":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(open_lake(spark, shop), stop)
    first = {n: (c.inserted, c.updated, c.deleted) for n, c in told.items() if c.how != "unchanged"}
    rest = {name: rows for name, rows in run(open_lake(spark, shop)).items() if rows}
    both = {**dict.fromkeys(NAMES), **first, **rest}
    assert not set(first) & set(rest)
    assert {name: both[name] for name in CHANGED_IN_AUGUST} == CHANGED_IN_AUGUST
    assert_right(shop)


@pytest.mark.parametrize(
    "day",
    [
        pytest.param(None, id="the last order's", marks=pytest.mark.nightly),
        pytest.param(date(2023, 5, 31), id="a past one"),
    ],
)
def test_another_day(spark: SparkSession, shop: Path, day: date | None) -> None:
    run(open_lake(spark, shop, day))
    assert_right(shop, day)


# ── What happens to one table ────────────────────────────────────────────────────────────────────


AUSTRIAN = ANN.replace("US", "AT")


@pytest.fixture
def customers(spark: SparkSession, tmp_path: Path) -> Path:
    """Two customers, raw and typed."""
    a_few(tmp_path / "data", customers=[ANN, BEN])
    lake = open_lake(spark, tmp_path)
    update(lake, "customers")
    update(lake, "stg_customers")
    return tmp_path


def test_a_file_that_changed_after_it_was_read_is_refused_until_all_is_asked_for(
    spark: SparkSession, customers: Path
) -> None:
    """Also when it has as many bytes as before. A copy with another time is no change."""
    file = customers / "data" / "raw_customers.csv"
    os.utime(file, (0, 0))
    assert update(open_lake(spark, customers), "customers").how == "unchanged"
    file.write_text(file.read_text().replace("Ben", "Bob"))
    lake = open_lake(spark, customers)
    with pytest.raises(InputError, match=r"raw_customers\.csv in .* has changed since") as refused:
        update(lake, "customers")
    assert "--full-refresh" in refused.value.remedy
    Run(lake, LAYERS, full_refresh=True).build([registry.get("customers")])
    assert update(lake, "stg_customers") == Change("silver.stg_customers", Outcome.BUILT, 2)
    names = lake.read("stg_customers").orderBy("customer_id").select("first_name").collect()
    assert [row.first_name for row in names] == ["Ann", "Bob"]


def test_the_notebooks_refuse_a_changed_file_too_before_they_start(customers: Path) -> None:
    data, lake = customers / "data", customers / "lake"
    check_data(str(data), str(lake))
    (data / "raw_customers.csv").touch()
    check_data(str(data), str(lake))
    a_few(data, customers=[ANN, CID])
    with pytest.raises(InputError, match=r"raw_customers\.csv in .* has changed since"):
        check_data(str(data), str(lake))
    check_data(str(data), str(lake), full_refresh=True)
    (data / "raw_customers.csv").write_bytes(b"customer_id,email,first_name,last_name\xff")
    with pytest.raises(InputError, match=r"raw_customers\.csv"):
        check_data(str(data), str(lake), full_refresh=True)


def test_files_that_were_put_away_are_no_change(spark: SparkSession, customers: Path) -> None:
    """Deliveries may be put away once they are read. Their rows stay."""
    deliver(customers / "data", "2", {"customers": [AUSTRIAN]})
    update(open_lake(spark, customers), "customers")
    (customers / "data" / "raw_customers_2.csv").unlink()
    assert update(open_lake(spark, customers), "customers").how == "unchanged"
    assert open_lake(spark, customers).read("customers").count() == 3


def test_another_shops_files_of_the_same_names_write_nothing(
    spark: SparkSession, tmp_path: Path
) -> None:
    """The wrong data folder: products would be new, and customers others."""
    place: dict[str, Any] = {
        "lakehouse_dir": str(tmp_path / "lake"),
        "artifacts_dir": str(tmp_path / "art"),
    }
    a_few(tmp_path / "data", customers=[ANN])
    build_layers(["bronze"], data_dir=str(tmp_path / "data"), **place)
    before = sorted(path for path in (tmp_path / "lake" / "bronze").rglob("*"))
    other = a_few(tmp_path / "other", customers=[BEN], products_2=["1,Mug,Kitchen,2.00,5.00"])
    with pytest.raises(InputError, match=r"raw_customers\.csv in .*other/ has changed since"):
        build_layers(["bronze"], data_dir=str(other), **place)
    assert sorted(path for path in (tmp_path / "lake" / "bronze").rglob("*")) == before
    build_layers(["bronze"], data_dir=str(other), full_refresh=True, **place)


def test_a_file_that_two_runs_find_is_read_once(
    spark: SparkSession, customers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other appends it after this one has seen that it is new."""
    deliver(customers / "data", "2", {"customers": [CID]})
    mine, theirs = open_lake(spark, customers), open_lake(spark, customers)
    append = mine.writer.append

    def while_another_appends(*arguments: Any, **options: Any) -> None:
        update(theirs, "customers")
        append(*arguments, **options)

    monkeypatch.setattr(mine.writer, "append", while_another_appends)
    update(mine, "customers")
    assert mine.read("customers").count() == 3


def test_rows_that_another_writer_appended_are_taken_in(
    spark: SparkSession, customers: Path
) -> None:
    """delta-rs says other things in its commits than Spark, and some of them otherwise."""
    lake = open_lake(spark, customers)
    row = DeltaTable(lake.path("customers")).to_pyarrow_table().slice(0, 1)
    cid = row.set_column(0, "customer_id", pa.array(["3"]))
    write_deltalake(lake.path("customers"), cid, mode="append")
    assert lake.folder.log(registry.get("customers")).version() == 1
    assert update(lake, "stg_customers") == Change("silver.stg_customers", Outcome.BUILT, 3)


@pytest.mark.parametrize("scheme", ["file:", pytest.param("file://", marks=pytest.mark.nightly)])
def test_folders_may_be_uris(spark: SparkSession, customers: Path, scheme: str) -> None:
    """A cluster's are. The same lakehouse is opened by path and by URI."""
    lake, files = f"{scheme}{customers}/lake", f"{scheme}{customers}/data"
    by_uri = Lakehouse(spark, lake, files, JULY, sql_names=False)
    assert update(by_uri, "customers").how == "unchanged"
    deliver(customers / "data", "2", {"customers": [CID]})
    by_uri = Lakehouse(spark, lake, files, JULY, sql_names=False)
    assert update(by_uri, "customers") == Change("bronze.customers", Outcome.MERGED, 1)
    assert update(by_uri, "stg_customers") == Change("silver.stg_customers", Outcome.MERGED, 1)
    assert open_lake(spark, customers).read("stg_customers").count() == 3
    assert sorted(path.name for path in customers.iterdir()) == ["data", "lake"]


def test_a_merge_leaves_files_alone_in_which_nothing_changes(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file has a narrow range of keys. A row that comes again as it was is no change."""
    monkeypatch.setattr(writing, "ROWS_A_FILE", 2)
    orders = [f"{number},1,2023-05-01,completed,0" for number in range(1, 9)]
    a_few(tmp_path / "data", orders=orders)
    for table in ("orders", "stg_orders"):
        update(open_lake(spark, tmp_path), table)
    lake = open_lake(spark, tmp_path)
    before = set(DeltaTable(lake.path("stg_orders")).file_uris())
    assert len(before) >= 4
    deliver(
        tmp_path / "data",
        "2",
        {"orders": [*orders[:2], orders[7].replace("completed", "returned")]},
    )
    lake = open_lake(spark, tmp_path)
    update(lake, "orders")
    assert update(lake, "stg_orders") == Change("silver.stg_orders", Outcome.MERGED, 0, 1)
    assert len(before - set(DeltaTable(lake.path("stg_orders")).file_uris())) == 1
    deliver(tmp_path / "data", "3", {"orders": orders[:1]})
    lake = open_lake(spark, tmp_path)
    update(lake, "orders")
    before = set(DeltaTable(lake.path("stg_orders")).file_uris())
    assert update(lake, "stg_orders") == Change("silver.stg_orders", Outcome.MERGED)
    assert set(DeltaTable(lake.path("stg_orders")).file_uris()) == before


def test_a_merge_writes_files_no_larger_than_others(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "ROWS_A_FILE", 2)
    orders = [f"{number},1,2023-05-01,completed,0" for number in range(1, 9)]
    a_few(tmp_path / "data", orders=orders)
    for name in ("2", "3"):
        for table in ("orders", "stg_orders"):
            update(open_lake(spark, tmp_path), table)
        orders = [order.replace(",1,2023-05", f",{name},2023-05") for order in orders]
        deliver(tmp_path / "data", name, {"orders": orders})
    silver = DeltaTable(open_lake(spark, tmp_path).path("stg_orders"))
    assert silver.version() == 1
    files = pa.table(silver.get_add_actions(flatten=True))
    assert sorted(files["num_records"].to_pylist()) == [2, 2, 2, 2]


def test_what_a_file_rejects_is_added_to_the_quarantine(
    spark: SparkSession, tmp_path: Path
) -> None:
    """And the rows that have lost to it: they were silver's. A bad row takes nobody's place."""
    a_few(tmp_path / "data", customers=[ANN, BEN, BEN, "4,nobody,No,Body,US,2023-01-01"])
    steps = [*COLUMNS, "quarantine"]
    for table in steps:
        update(open_lake(spark, tmp_path), table)
    before = set(DeltaTable(open_lake(spark, tmp_path).path("quarantine")).file_uris())
    deliver(
        tmp_path / "data", "2", {"customers": [AUSTRIAN, CID, BEN.replace("2023-01-02", "soon")]}
    )
    lake = open_lake(spark, tmp_path)
    changes = [update(lake, table) for table in steps]
    assert changes[-1] == Change("silver.quarantine", Outcome.MERGED, 2)
    assert before < set(DeltaTable(lake.path("quarantine")).file_uris())
    rejected = lake.read("quarantine").select("record_key", "reason", "_source_file").collect()
    assert sorted(tuple(row) for row in rejected) == [
        ("1", "duplicate_key", "raw_customers.csv"),
        ("2", "duplicate_key", "raw_customers.csv"),
        ("2", "invalid_created_at", "raw_customers_2.csv"),
        ("4", "invalid_email", "raw_customers.csv"),
    ]


def test_a_night_judges_the_files_that_it_reads(spark: SparkSession, tmp_path: Path) -> None:
    """Of an earlier file none. Duplicates count in the newest only: others a later one replaced."""
    people = [ANN.replace("1,ann", f"{number},ann", 1) for number in range(1, 201)]
    a_few(tmp_path / "data", customers=[person.replace("@", " at ") for person in people[:20]])
    steps = [*COLUMNS, "quarantine"]
    for table in steps:
        update(open_lake(spark, tmp_path), table)
    often = [*people[20:21] * 99, people[21].replace("2023", "in 2023")]
    deliver(tmp_path / "data", "2", {"customers": often})
    deliver(tmp_path / "data", "3", {"customers": people[22:23]})
    lake = open_lake(spark, tmp_path)
    for table in steps:
        update(lake, table)
    results = lake.writer.gate.pop_results(registry.get("quarantine"))
    assert [(row.table, row.rows, row.broken) for row in results] == [("stg_customers", 101, 0)] * 2
    deliver(tmp_path / "data", "4", {"customers": people[23:24] * 100})
    lake = open_lake(spark, tmp_path)
    with pytest.raises(QualityError, match="more than 90% quarantined: 99 of 100 rows"):
        for table in steps:
            update(lake, table)


@pytest.mark.usefixtures("own_tables")
def test_only_who_declares_it_lets_a_later_file_win(spark: SparkSession, customers: Path) -> None:
    """Here the first address counts."""

    @registry.table("silver", key="customer_id", grain="One row per customer")
    def first_address(customers: DataFrame) -> DataFrame:
        typed = customers.selectExpr(
            "CAST(customer_id AS BIGINT) AS customer_id", "country", "_source_file"
        )
        return typed.groupBy("customer_id").agg(
            F.min_by("country", "_source_file").alias("country")
        )

    update(open_lake(spark, customers), first_address)
    deliver(customers / "data", "2", {"customers": [AUSTRIAN, CID]})
    lake = open_lake(spark, customers)
    update(lake, "customers")
    assert update(lake, first_address) == Change("silver.first_address", Outcome.MERGED, 1)


@pytest.mark.parametrize(
    ("times", "how"),
    [
        pytest.param(1, "merged", id="once"),
        pytest.param(9, "built", id="again and again", marks=pytest.mark.nightly),
    ],
)
def test_keys_that_are_lost_with_a_machine_are_read_anew(
    spark: SparkSession, customers: Path, monkeypatch: pytest.MonkeyPatch, times: int, how: str
) -> None:
    """They are kept on the machines of a cluster, and Spark does not know where they came from."""
    deliver(customers / "data", "2", {"customers": [CID]})
    lake = open_lake(spark, customers)
    update(lake, "customers")
    keep = from_raw.read_once
    lost: list[int] = []
    context: Any = spark.sparkContext._jsc
    blocks: Any = spark._jvm

    def and_lose(keys: DataFrame) -> DataFrame:
        others = set(context.getPersistentRDDs())
        kept = keep(keys)
        for number in set(context.getPersistentRDDs()) - others:
            if len(lost) < times:
                blocks.org.apache.spark.SparkEnv.get().blockManager().master().removeRdd(
                    number, True
                )
                lost.append(number)
        return kept

    monkeypatch.setattr(from_raw, "read_once", and_lose)
    assert update(lake, "stg_customers").how == how
    assert len(lost) == min(times, MAX_TRIES)
    names = lake.read("stg_customers").orderBy("customer_id").select("first_name").collect()
    assert [row.first_name for row in names] == ["Ann", "Ben", "Cid"]


def test_a_merge_sends_its_few_rows_to_those_of_the_table(
    spark: SparkSession, customers: Path
) -> None:
    """The table's rows are not moved to find those that match, however many they are.

    And the MERGE says between which keys: here at 1, and at 3.
    """
    deliver(customers / "data", "2", {"customers": [AUSTRIAN, CID]})
    lake = open_lake(spark, customers)
    update(lake, "customers")
    for key, value in settings_for(2**30, cores=2).items():
        spark.conf.set(key, value)
    spark.conf.set("spark.sql.autoBroadcastJoinThreshold", -1)  # as if the table were large
    try:
        with queries(spark) as found:
            update(lake, "stg_customers")
    finally:
        spark.conf.unset("spark.sql.autoBroadcastJoinThreshold")
        begin(spark, 1000)
    (plan,) = [plan for title, plan in found if "scanning files" in title and "Join" in plan]
    assert "BroadcastHashJoin Inner BuildLeft" in plan
    assert re.search(r"customer_id#\d+L >= 3\) AND \(customer_id#\d+L <= 3\)", plan)
    assert "Exchange hashpartitioning" not in plan


@pytest.mark.nightly
def test_many_keys_are_not_few_because_they_are_of_one_customer(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent to where the table's rows are, they would have to fit into memory."""
    monkeypatch.setattr(writing, "MAX_MERGE_KEYS", 3)
    items = [f"{number},1,{number},1,9.99" for number in range(1, 6)]
    data = a_few(tmp_path / "data", orders=["1,1,2023-05-01,completed,0"], order_items=items[:1])
    steps = ("orders", "order_items", "stg_orders", "stg_order_items", "int_customer_orders")
    for table in (*steps, "int_customer_product_purchases"):
        update(open_lake(spark, tmp_path), table)
    deliver(data, "2", {"order_items": items[1:]})
    lake = open_lake(spark, tmp_path)
    for table in steps:
        update(lake, table)
    spark.conf.set("spark.sql.autoBroadcastJoinThreshold", -1)
    try:
        with queries(spark) as found:
            change = update(lake, "int_customer_product_purchases")
    finally:
        spark.conf.unset("spark.sql.autoBroadcastJoinThreshold")
    assert (change.inserted, change.updated, change.deleted) == (4, 0, 0)
    (plan,) = [plan for title, plan in found if "scanning files" in title and "Join" in plan]
    assert "Broadcast" not in plan


@pytest.mark.usefixtures("own_tables")
def test_a_row_that_is_nothing_but_its_key_may_go(spark: SparkSession, customers: Path) -> None:
    @registry.table("silver", key="customer_id", grain="One row per customer in the US")
    def in_the_us(customers: DataFrame) -> DataFrame:
        latest = customers.groupBy("customer_id").agg(
            F.max_by("country", "_source_file").alias("country")
        )
        return latest.where("country = 'US'").selectExpr("CAST(customer_id AS BIGINT) customer_id")

    update(open_lake(spark, customers), in_the_us)
    deliver(customers / "data", "2", {"customers": [AUSTRIAN]})
    lake = open_lake(spark, customers)
    update(lake, "customers")
    assert update(lake, in_the_us) == Change("silver.in_the_us", Outcome.MERGED, deleted=1)


@contextmanager
def queries(spark: SparkSession) -> Iterator[list[tuple[str, str]]]:
    """What is asked of Spark meanwhile: titles and plans, there when it is over."""
    found: list[tuple[str, str]] = []
    before = [query.executionId() for query in _queries(spark)]
    yield found
    new = (query for query in _queries(spark) if query.executionId() not in before)
    found += [(query.description(), query.physicalPlanDescription()) for query in new]


def _queries(spark: SparkSession) -> list[Any]:
    """The queries that Spark remembers: of many the newest."""
    bus: Any = spark._jsc.sc().listenerBus()
    bus.waitUntilEmpty(60_000)
    store: Any = spark._jsparkSession.sharedState().statusStore()
    remembered = store.executionsList()
    return [remembered.apply(number) for number in range(remembered.size())]


def test_two_days_are_not_mixed(spark: SparkSession, tmp_path: Path) -> None:
    orders = ["1,1,2023-02-01,completed,5.00"]
    a_few(tmp_path / "data", orders=orders)
    lake = open_lake(spark, tmp_path)
    for table in ("orders", "order_items", "stg_orders", "stg_order_items", "int_customer_orders"):
        update(lake, table)
    with pytest.raises(LakehouseError) as refused:
        update(open_lake(spark, tmp_path, date(2023, 6, 30)), "int_customer_rfm")
    assert "int_customer_orders is as of 2023-07-31, this run is as of 2023-06-30" in str(
        refused.value
    )
    assert "lakehouse run --from 03 --to 03 --as-of 2023-06-30" in refused.value.remedy


def test_an_empty_table_moves_with_the_date(spark: SparkSession, tmp_path: Path) -> None:
    """It has no row to write, only the day: without it the next table would see two days."""
    a_few(tmp_path / "data")
    tables = ("orders", "order_items", "stg_orders", "stg_order_items")
    for table in (*tables, "int_customer_orders", "int_customer_rfm"):
        update(open_lake(spark, tmp_path), table)
    later = open_lake(spark, tmp_path, date(2023, 8, 31))
    for table in ("int_customer_orders", "int_customer_rfm"):
        update(later, table)
        note = later.folder.log(registry.get(table)).provenance()
        assert note is not None
        assert note.as_of_date == "2023-08-31"


@pytest.mark.parametrize(
    "what",
    ["other code", "restored by hand", "written by somebody else", "no change feed any more"],
)
def test_what_cannot_be_told_from_the_changes_is_built_anew(
    spark: SparkSession, customers: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    deliver(customers / "data", "2", {"customers": [BEN.replace("US", "AT")]})
    lake = open_lake(spark, customers)
    bronze = customers / "lake" / "bronze" / "customers"
    before = {*bronze.glob("*.parquet")}
    update(lake, "customers")
    silver = lake.path("stg_customers")
    if what == "other code":
        monkeypatch.setattr(registry, "fingerprint", lambda table: "another")
    elif what == "restored by hand":
        update(lake, "stg_customers")
        spark.sql(f"RESTORE TABLE delta.`{silver}` TO VERSION AS OF 0")
    elif what == "written by somebody else":
        spark.sql(f"DELETE FROM delta.`{silver}` WHERE customer_id = 1")
    else:  # what VACUUM does with files that OPTIMIZE has put together
        (new,) = {*bronze.glob("*.parquet")} - before
        spark.sql(f"OPTIMIZE delta.`{lake.path('customers')}`")
        new.unlink()
    change = update(lake, "stg_customers")
    assert change == Change("silver.stg_customers", Outcome.BUILT, 2)
    assert str(change).endswith("(its code is another)") == (what == "other code")
    rows = lake.read("stg_customers").orderBy("customer_id").collect()
    assert [row.country for row in rows] == ["US", "AT"]


# ── Any files, in any order ──────────────────────────────────────────────────────────────────────


@st.composite
def arrivals(draw: st.DrawFn) -> list[dict[str, bytes]]:
    """The four files, then further ones: not in the order of their names, some days none."""
    first = {f"raw_{entity}.csv": draw(csv_file(entity)) for entity in COLUMNS}
    names = [f"raw_{entity}_{day}.csv" for entity in COLUMNS for day in ("a", "b")]
    later = draw(st.lists(st.sampled_from(names), unique=True, min_size=2, max_size=5))
    files = [{name: draw(csv_file(name[4:-6]))} for name in later]
    return [first, *files]


@pytest.mark.nightly
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(files=arrivals(), days=st.lists(st.sampled_from([JULY, date(2024, 1, 5)]), min_size=6))
def test_whatever_arrives_and_when(
    spark: SparkSession, files: list[dict[str, bytes]], days: list[date]
) -> None:
    """After each arrival the tables are those of the oracle, which reads all files at once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        for arrived, day in zip(files, days, strict=False):
            for file, content in arrived.items():
                (folder / "data" / file).write_bytes(content)
            run(open_lake(spark, folder, day))
            assert_right(folder, day)
