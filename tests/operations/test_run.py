"""A run: one at a time, a gate before every table, and a record of what it did."""

import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from deliveries import ANN, BEN, CID, a_few, deliver, open_lake
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from ecommerce_lakehouse import Lakehouse, registry
from ecommerce_lakehouse.contracts import contracts
from ecommerce_lakehouse.errors import InputError, LakehouseError
from ecommerce_lakehouse.layers.quality import CHECKS, Check, QualityError, check_table
from ecommerce_lakehouse.operations import Gate, run_records
from ecommerce_lakehouse.operations.run import Run
from ecommerce_lakehouse.operations.run_records import RunRecords
from ecommerce_lakehouse.storage.delta_log import Provenance

LAYERS = ("bronze", "silver")
TABLES = [registry.get(name) for name in ("customers", "stg_customers", "quarantine")]
OTHERS = [registry.get(name) for name in ("orders", "order_items", "products")]


Opened = Callable[[SparkSession, Path], Lakehouse]


def run(lake: Lakehouse, *, full_refresh: bool = False) -> None:
    Run(lake, LAYERS, full_refresh=full_refresh).build([*OTHERS, *TABLES])


def ops(lake: Lakehouse, table: str) -> list[Row]:
    return lake.spark.read.format("delta").load(f"{lake.location}/ops/{table}").collect()


def steps(lake: Lakehouse) -> list[Row]:
    return sorted(ops(lake, "steps"), key=lambda row: row.started_at)


@pytest.fixture(scope="module")
def two_customers(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw and typed."""
    folder = tmp_path_factory.mktemp("runs")
    a_few(folder / "data", customers=[ANN, BEN])
    run(open_lake(spark, folder))
    return folder


@pytest.fixture
def shop(two_customers: Path, tmp_path: Path) -> Path:
    return shutil.copytree(two_customers, tmp_path / "shop")


def by_uri(spark: SparkSession, folder: Path) -> Lakehouse:
    """The same lakehouse as a cluster has it: only Spark can write there."""
    uri = f"file:{folder}"
    return Lakehouse(
        spark, f"{uri}/lake", f"{uri}/data", "2023-07-31", sql_names=False, gate=Gate()
    )


@pytest.mark.parametrize(("first", "second"), [(open_lake, by_uri), (by_uri, open_lake)])
def test_of_two_runs_the_later_goes_on(
    spark: SparkSession, shop: Path, first: Opened, second: Opened
) -> None:
    earlier = Run(first(spark, shop), LAYERS)
    later = Run(second(spark, shop), LAYERS)
    with pytest.raises(LakehouseError, match=r"later run has begun.*before bronze\.customers"):
        earlier.build(TABLES[:1], str)
    later.build(TABLES[:1], str)
    assert [row.outcome for row in steps(open_lake(spark, shop))].count("unchanged") == 1


@pytest.mark.nightly
def test_a_damaged_table_is_named_and_made_anew_where_its_folder_is_deleted(
    spark: SparkSession, shop: Path
) -> None:
    """After a power cut a log may be empty; and somebody may tidy up."""
    raw, typed = shop / "lake/bronze/customers", shop / "lake/silver/stg_customers"
    for log in typed.glob("_delta_log/*.json"):
        log.write_bytes(b"")
    with pytest.raises(LakehouseError, match=r"silver\.stg_customers, .*\[DELTA_STATE_RECOVER"):
        run(open_lake(spark, shop), full_refresh=True)
    shutil.rmtree(typed)
    for file in raw.glob("*.parquet"):
        file.unlink()
    with pytest.raises(LakehouseError, match=r"silver\.stg_customers, .*FILE_NOT_EXIST\].*bronze"):
        run(open_lake(spark, shop))
    shutil.rmtree(raw)
    run(open_lake(spark, shop))
    assert open_lake(spark, shop).read("stg_customers").count() == 2


def test_every_run_step_and_check_is_recorded(spark: SparkSession, shop: Path) -> None:
    lake = open_lake(spark, shop)
    (begun,) = ops(lake, "runs")
    assert (begun.layers, begun.as_of_date, begun.full_refresh) == (
        "bronze, silver",
        date(2023, 7, 31),
        False,
    )
    order = [table.full_name for table in [*OTHERS, *TABLES]]
    assert [row.table for row in steps(lake)] == order
    step = steps(lake)[order.index("silver.stg_customers")]
    assert (step.run_id, step.outcome, step.version) == (begun.run_id, "built", 0)
    assert (step.rows_inserted, step.rows_updated, step.rows_deleted) == (2, 0, 0)
    assert (step.rows_read, step.rows_quarantined) == (2, 0)
    assert step.started_at > begun.started_at
    assert step.seconds > 0
    checks = {(row.table, row.check): (row.rows, row.broken) for row in ops(lake, "checks")}
    assert checks["silver.stg_customers", "key is unique"] == (2, 0)
    assert checks["silver.stg_customers", "email looks valid"] == (2, 0)


@pytest.mark.parametrize("way", ["by path", "by URI"])
def test_a_run_without_a_date_writes_down_the_day_it_used(
    spark: SparkSession, tmp_path: Path, way: str
) -> None:
    """It finds it in the middle. A run that asks for no day has none."""
    place = f"file:{tmp_path}" if way == "by URI" else str(tmp_path)
    data = a_few(tmp_path / "data", orders=["1,1,2023-02-01,completed,5.00"])
    names = ("orders", "order_items", "stg_orders", "stg_order_items", "int_customer_orders")
    for tables in (names[:4], names, names):
        lake = Lakehouse(spark, f"{place}/lake", data, sql_names=False, gate=Gate())
        Run(lake, LAYERS).build(map(registry.get, tables))
    days = [row.as_of_date for row in sorted(ops(lake, "runs"), key=lambda row: row.started_at)]
    assert days == [None, date(2023, 2, 1), date(2023, 2, 1)]
    fields = DeltaTable(tmp_path / "lake/ops/runs").schema().fields
    comments = {field.name: field.metadata["comment"] for field in fields}
    assert comments == {c.name: c.comment for c in contracts("ops")["ops.runs"].columns}
    Run(lake, ["bronze"]).build([registry.get("orders")])  # it is not stopped by what was mended


def test_a_file_may_be_called_as_a_setting_is_quoted(spark: SparkSession, tmp_path: Path) -> None:
    """Spark would put the setting's value into the name, and the file would be new each night."""
    data = a_few(tmp_path / "data", orders=["1,1,2023-02-01,completed,5.00"])
    deliver(data, "${spark.app.name}", {"orders": ["2,1,2023-02-02,completed,5.00"]})
    told: list[str] = []
    for _ in range(2):
        lake = Lakehouse(spark, tmp_path / "lake", data, sql_names=False, gate=Gate())
        Run(lake, ["bronze"]).build(
            [registry.get("orders")], lambda change: told.append(str(change.how))
        )
    assert told == ["built", "unchanged"]


def test_of_two_runs_that_begin_at_once_one_goes_on(
    spark: SparkSession, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other's record comes before this one has looked which is its own."""
    lake = open_lake(spark, shop)
    others: list[Any] = []

    append = RunRecords.append

    def while_another_begins(*arguments: Any) -> None:
        append(*arguments)
        if not others:
            others.append(None)
            others[0] = Run(open_lake(spark, shop), LAYERS)

    monkeypatch.setattr(RunRecords, "append", while_another_begins)
    mine = Run(lake, LAYERS)
    with pytest.raises(LakehouseError, match="later run has begun"):
        mine.build(TABLES[:1], str)
    others[0].build(TABLES[:1], str)


def test_a_disk_without_hard_links_is_named_with_the_way_around_it(
    spark: SparkSession, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A USB stick, or a folder shared with another system: of a URI Spark writes the records."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("Operation not permitted (os error 1)")

    monkeypatch.setattr(run_records, "write_deltalake", refuse)
    with pytest.raises(InputError, match="records of this run cannot be written") as refused:
        run(open_lake(spark, shop))
    assert f"--lakehouse-dir file://{shop}/lake" in refused.value.remedy
    run(by_uri(spark, shop))
    assert len(ops(open_lake(spark, shop), "runs")) == 2
    assert len(steps(open_lake(spark, shop))) == 2 * len([*OTHERS, *TABLES])


def test_a_folder_of_any_name_has_records_too(
    spark: SparkSession, two_customers: Path, tmp_path: Path
) -> None:
    """delta-rs would write to another folder, or panic."""
    shop = shutil.copytree(two_customers, tmp_path / "100%25 [shop]")
    run(open_lake(spark, shop))
    assert len(ops(open_lake(spark, shop), "runs")) == 2
    assert os.listdir(tmp_path) == ["100%25 [shop]"]


def test_two_first_runs_that_begin_at_once(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise CommitFailedError("Metadata changed since last commit.")

    monkeypatch.setattr(run_records, "write_deltalake", refuse)
    a_few(tmp_path / "data")
    with pytest.raises(LakehouseError, match=r"ops\.runs was changed by another run"):
        Run(open_lake(spark, tmp_path), LAYERS)


@pytest.mark.parametrize("way", [open_lake, by_uri])
def test_records_of_an_older_release_may_lack_a_column(
    spark: SparkSession, shop: Path, way: Opened
) -> None:
    place = f"{shop}/lake/ops/steps"
    before = spark.read.format("delta").load(place).drop("seconds").localCheckpoint()
    before.write.format("delta").mode("overwrite").option("overwriteSchema", True).save(place)
    run(way(spark, shop))
    found = [row.seconds is None for row in steps(open_lake(spark, shop))]
    assert found == [True] * before.count() + [False] * len([*OTHERS, *TABLES])


AUSTRIAN = CID.replace("US", "AT")


@pytest.mark.parametrize(
    ("full_refresh", "read"), [(False, 3), pytest.param(True, 5, marks=pytest.mark.nightly)]
)
def test_rows_that_are_read_are_written_or_quarantined(
    spark: SparkSession, shop: Path, full_refresh: bool, read: int
) -> None:
    """Ann moved, Cid is new, and a row without a day."""
    moved, bad = ANN.replace("US", "AT"), "4,dan@shop.com,Dan,Lee,AT,"
    assert moved != ANN
    deliver(shop / "data", "2", {"customers": [moved, CID, bad]})
    lake = open_lake(spark, shop)
    run(lake, full_refresh=full_refresh)
    assert lake.read("quarantine").count() == 2
    last = {row.table: row for row in steps(lake)[6:]}
    step = last["silver.stg_customers"]
    assert (last["bronze.customers"].rows_read, step.rows_read) == (read, read)
    assert step.rows_quarantined == 2
    assert last["bronze.orders"].rows_read == 0
    assert last["silver.quarantine"].rows_quarantined == 0


NOT_AUSTRIA = Check("stg_customers", "not Austria", "country <> 'AT'")


@pytest.mark.parametrize("full_refresh", [False, True])
def test_an_error_leaves_yesterdays_table(
    spark: SparkSession, shop: Path, full_refresh: bool
) -> None:
    deliver(shop / "data", "2", {"customers": [AUSTRIAN]})
    lake = open_lake(spark, shop, gate=Gate([*CHECKS, NOT_AUSTRIA]))
    with pytest.raises(QualityError) as stopped:
        run(lake, full_refresh=full_refresh)
    rows = 3 if full_refresh else 1
    assert str(stopped.value) == f"Not published.\nstg_customers: not Austria: 1 of {rows} rows"
    assert lake.read("customers").count() == 3
    assert lake.folder.log(registry.get("stg_customers")).versions() == [0]
    last = steps(lake)[-1]
    assert (last.table, last.outcome) == ("silver.stg_customers", "failed")
    found = [row for row in ops(lake, "checks") if row.check == "not Austria"]
    assert [(row.rows, row.broken) for row in found] == [(rows, 1)]


@pytest.mark.parametrize(
    ("query", "broken"),
    [
        ("FROM {rows} UNION ALL FROM {rows} LIMIT 3", "key is unique: 1 of 3 rows"),
        (
            "SELECT nullif(customer_id, 2) AS customer_id, * EXCEPT (customer_id) FROM {rows}",
            "key is present: 1 of 2 rows",
        ),
        (
            "SELECT * EXCEPT (email), 'nobody' AS email FROM {rows}",
            "email looks valid: 2 of 2 rows",
        ),
    ],
)
def test_no_row_that_breaks_a_check_comes_into_a_table(
    spark: SparkSession, shop: Path, query: str, broken: str
) -> None:
    """They are checked on their way; all are counted, not only the first that was met."""
    lake, table = open_lake(spark, shop), registry.get("stg_customers")
    before = lake.folder.log(registry.get("stg_customers")).versions()
    rows = spark.sql(query, rows=lake.read("stg_customers"))
    with pytest.raises(QualityError) as stopped:
        lake.writer.replace(table, rows, Provenance())
    assert str(stopped.value) == f"Not published.\nstg_customers: {broken}"
    assert stopped.value.__suppress_context__
    assert [row.broken for row in lake.writer.gate.pop_results(table) if row.broken] == [
        int(broken.split()[-4])
    ]
    assert lake.folder.log(registry.get("stg_customers")).versions() == before


@pytest.mark.parametrize("name", ["stg_customers", "stg_products"])
def test_what_is_checked_on_its_way_is_what_a_check_of_the_table_says(
    spark: SparkSession, shop: Path, name: str
) -> None:
    """One of the two has a warning."""
    lake, table = open_lake(spark, shop), registry.get(name)
    lake.build(name)
    mine = [check for check in CHECKS if check.table == name]
    found = lake.writer.gate.pop_results(table)
    assert sorted(found) == sorted(check_table(lake.read(name), mine, table.key).collect())


@pytest.mark.parametrize("full_refresh", [False, True])
def test_a_warning_is_recorded_and_stops_nothing(
    spark: SparkSession, shop: Path, full_refresh: bool
) -> None:
    warning = Check("stg_customers", "not Austria", "country <> 'AT'", "warning")
    deliver(shop / "data", "2", {"customers": [AUSTRIAN]})
    lake = open_lake(spark, shop, gate=Gate([*CHECKS, warning]))
    run(lake, full_refresh=full_refresh)
    assert lake.read("stg_customers").count() == 3
    found = [row for row in ops(lake, "checks") if row.check == "not Austria"]
    assert [(row.rows, row.broken) for row in found] == [(3 if full_refresh else 1, 1)]


def test_an_error_takes_back_what_the_layer_had_got_before_it(
    spark: SparkSession, shop: Path
) -> None:
    """A delivery of which most is unreadable: silver is as it was, and a good one mends it."""
    lines = [
        f"{10 + n},c{n}@shop.com,C,Lee,US,{'2023-01-04' if n < 5 else '4.1.2023'}"
        for n in range(100)
    ]
    deliver(shop / "data", "2", {"customers": lines})
    lake = open_lake(spark, shop)
    with pytest.raises(QualityError, match="no file with more than 90% quarantined: 95 of 100"):
        run(lake)
    assert {row.customer_id for row in lake.read("stg_customers").collect()} == {1, 2}
    assert lake.read("quarantine").isEmpty()
    (shop / "data" / "raw_customers_2.csv").write_text(
        (shop / "data" / "raw_customers_2.csv").read_text().replace("4.1.2023", "2023-01-04")
    )
    run(open_lake(spark, shop), full_refresh=True)
    assert lake.read("stg_customers").count() == 102
    assert lake.read("quarantine").isEmpty()


def test_all_rows_may_be_delivered_again(spark: SparkSession, shop: Path) -> None:
    """Every row of the earlier file is replaced, and that is no reason to refuse the later one."""
    lines = [f"{10 + n},c{n}@shop.com,C,Lee,US,2023-01-04" for n in range(100)]
    for name in ("2", "3"):
        deliver(shop / "data", name, {"customers": lines})
        run(open_lake(spark, shop))
    lake = open_lake(spark, shop)
    assert lake.read("stg_customers").count() == 102
    assert {(row.reason, row["_source_file"]) for row in lake.read("quarantine").collect()} == {
        ("duplicate_key", "raw_customers_2.csv")
    }


def test_a_layer_that_never_was_is_not_there_after_an_error(
    spark: SparkSession, tmp_path: Path
) -> None:
    lines = [f"{n},c{n}@shop.com,C,Lee,US,4.1.2023" for n in range(100)]
    a_few(tmp_path / "data", customers=lines)
    lake = open_lake(spark, tmp_path)
    with pytest.raises(QualityError):
        run(lake)
    assert lake.has("customers")
    assert not lake.has("stg_customers")


def test_a_table_refuses_from_others_what_its_checks_forbid(
    spark: SparkSession, shop: Path
) -> None:
    lake = open_lake(spark, shop)
    row = spark.read.format("delta").load(lake.path("stg_customers")).limit(1)
    wrong = row.withColumn("email", F.lit("none"))
    with pytest.raises(Exception, match="CHECK constraint email_looks_valid"):
        wrong.write.format("delta").mode("append").save(lake.path("stg_customers"))


def test_nobody_else_can_write_a_row_that_breaks_a_check(spark: SparkSession, shop: Path) -> None:
    """The checks of severity error are constraints of the table; a warning is none."""
    path = open_lake(spark, shop).path("stg_customers")
    with pytest.raises(Exception, match="email_looks_valid"):
        spark.sql(f"UPDATE delta.`{path}` SET email = 'nobody' WHERE customer_id = 1")
    assert open_lake(spark, shop).read("stg_customers").where("email = 'nobody'").isEmpty()


def test_tables_are_checked_as_they_stand(spark: SparkSession, shop: Path) -> None:
    """Rows that were good when they were written may have become wrong since."""
    lake = open_lake(spark, shop)
    results = Run(lake, ["quality"]).check(TABLES, Gate())
    assert {(row.table, row.broken) for row in results} >= {("stg_customers", 0)}
    rules = [*CHECKS, Check("stg_customers", "not the US", "country <> 'US'")]
    with pytest.raises(QualityError, match=r"as they stand.*\n.*not the US: 2 of 2 rows"):
        Run(lake, ["quality"]).check(TABLES, Gate(rules))
    found = [row for row in ops(lake, "checks") if row.check == "not the US"]
    assert [(row.table, row.broken) for row in found] == [("silver.stg_customers", 2)]
