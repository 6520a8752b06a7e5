"""The folder of tables: what is read, built, merged and refused."""

import shutil
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import pytest
from builders import by_key, row
from deliveries import a_few, copy_example
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse import ExampleLakehouse, Lakehouse, MemoryLakehouse, registry
from ecommerce_lakehouse.errors import InputError, LakehouseError, MissingTableError
from ecommerce_lakehouse.layers.bronze import RAW_COLUMNS
from ecommerce_lakehouse.layers.gold import fct_customer_metrics
from ecommerce_lakehouse.layers.intermediate import int_customer_rfm
from ecommerce_lakehouse.operations.change import Change, Outcome
from ecommerce_lakehouse.operations.update import update
from ecommerce_lakehouse.paths import EXAMPLE_DATA, PROJECT, for_message, resolve
from ecommerce_lakehouse.storage.folder import TableFolder
from ecommerce_lakehouse.tables.as_of import parse_date

ANN = "1,ann@shop.com,Ann,Lee,,2023-01-01"
BEN = "2,ben@shop.com,Ben,Lee,US,2023-01-02"
CID = "3,cid@shop.com,Cid,Lee,US,2023-01-03"
DEE = "4,dee@shop.com,Dee,Lee,US,2023-01-04"
EVE = "5,eve@shop.com,Eve,Lee,,2023-01-05"


def without_gate(
    spark: SparkSession, folder: Path | str, data_dir: Path, **options: Any
) -> Lakehouse:
    """The lakehouse of a lesson."""
    return Lakehouse(spark, folder, data_dir, sql_names=False, **options)


def on_disk(lake: Lakehouse, table: str) -> DataFrame:
    """A table with the columns that reading leaves out."""
    return lake.spark.read.format("delta").load(lake.path(table))


def files_below(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


# ── Building and reading ─────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lakehouse:
    """The example's orders, raw and typed."""
    lake = without_gate(spark, tmp_path_factory.mktemp("lake"), EXAMPLE_DATA)
    lake.build("orders")
    lake.build("stg_orders")
    return lake


def test_a_table_stands_in_the_folder_of_its_layer(lake: Lakehouse) -> None:
    logs = sorted(Path(lake.location).rglob("_delta_log"))
    assert [str(log.parent.relative_to(lake.location)) for log in logs] == [
        "bronze/orders",
        "silver/stg_orders",
    ]


def test_a_layer_stamps_its_rows_and_reading_leaves_the_stamp_out(lake: Lakehouse) -> None:
    """The wall clock is kept for people who look for a fault, and never compared."""
    for table, stamp in {"orders": "_ingested_at", "stg_orders": "spark_loaded_at"}.items():
        written, read = on_disk(lake, table).columns, lake.read(table).columns
        assert set(written) - set(read) == {stamp}
        assert on_disk(lake, table).where(f"{stamp} IS NULL").count() == 0


def test_bronze_has_the_columns_of_the_contract(lake: Lakehouse) -> None:
    """All text but the time of writing; of the file's address only its name."""
    bronze = on_disk(lake, "orders")
    audit = [("_source_file", "string"), ("_ingested_at", "timestamp")]
    text = [(name, "string") for name in RAW_COLUMNS["orders"]]
    assert bronze.dtypes == [*text, *audit, ("_corrupt_record", "string")]
    files = {r._source_file for r in bronze.select("_source_file").collect()}
    assert files == {"raw_orders.csv"}


def test_any_delta_reader_can_read_a_table(lake: Lakehouse) -> None:
    """Here one that has no Spark; a table that needs a newer reader would be refused."""
    table = DeltaTable(f"{lake.location}/silver/stg_orders").to_pyarrow_table()
    assert table.num_rows == 10
    assert sum(table["shipping_cost"].to_pylist()) == Decimal("61.91")


def test_computing_writes_nothing(lake: Lakehouse) -> None:
    before = files_below(Path(lake.location))
    assert lake.compute("stg_orders").count() == 10
    assert files_below(Path(lake.location)) == before


def test_a_missing_table_says_what_builds_it(lake: Lakehouse) -> None:
    """It is the input that is missing, not the table that was asked for."""
    with pytest.raises(MissingTableError) as missing:
        lake.build(fct_customer_metrics)
    assert str(missing.value).splitlines() == [
        f"silver.stg_customers is not in {lake.location}/ yet.",
        "It is built by notebooks/02_silver.ipynb. Build it now with:  lakehouse run --to 02",
    ]
    assert not lake.has(fct_customer_metrics)


def test_an_empty_table_is_named_where_rows_are_needed(spark: SparkSession, tmp_path: Path) -> None:
    """Where every row was refused, and where it may be too early for any."""
    data = a_few(tmp_path / "data", customers=[ANN])
    lake = without_gate(spark, tmp_path / "lake", data, as_of_date="2023-07-31")
    for name in ("customers", "products", "stg_customers", "stg_products"):
        lake.build(name)
    lake.check_rows("stg_customers")
    with pytest.raises(
        InputError, match=r"silver\.stg_products has no rows as of 2023-07-31"
    ) as empty:
        lake.check_rows("stg_customers", "stg_products")
    assert "--as-of yyyy-mm-dd" in empty.value.remedy


def test_tables_of_another_day_are_named_before_they_are_shown(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = without_gate(spark, tmp_path / "lake", EXAMPLE_DATA)
    for name in ("orders", "order_items", "stg_orders", "stg_order_items", "int_customer_orders"):
        lake.build(name)
    lake.check_rows("stg_orders", "int_customer_orders")
    other = without_gate(spark, lake.location, EXAMPLE_DATA, as_of_date="2023-03-31")
    with pytest.raises(
        LakehouseError, match="is as of 2023-07-20, this run is as of 2023-03-31"
    ) as refused:
        other.check_rows("stg_orders", "int_customer_orders")
    assert 'as_of_date = "2023-07-20"' in refused.value.remedy
    assert "lakehouse build --as-of 2023-03-31" in refused.value.remedy


def test_a_write_that_was_cut_short_is_no_table(spark: SparkSession, tmp_path: Path) -> None:
    """Data files and a log without an entry, as a killed process leaves them."""
    lake = without_gate(spark, tmp_path / "lake", EXAMPLE_DATA)
    lake.build("products")
    log = tmp_path / "lake" / "bronze" / "products" / "_delta_log"
    for entry in [path for path in log.iterdir() if path.is_file()]:
        entry.unlink()
    assert not lake.has("products")
    update(lake, "products")
    assert lake.read("products").count() == 5


# ── as_of_date ───────────────────────────────────────────────────────────────────────────────────


def test_we_look_back_from_the_last_completed_order(lake: Lakehouse) -> None:
    assert lake.as_of_date == date(2023, 7, 20)


def test_the_date_that_was_given_is_the_one(spark: SparkSession) -> None:
    """Also before the last order: then the later ones do not count."""
    march = MemoryLakehouse(spark, EXAMPLE_DATA, "2023-03-31")
    assert march.as_of_date == date(2023, 3, 31)
    orders = march.read("int_customer_orders")
    assert set(by_key(orders, "order_id", "customer_id")) == {1001, 1002, 1003}


def test_without_a_completed_order_there_is_no_day(spark: SparkSession, tmp_path: Path) -> None:
    """To look back from a pending one would be to guess."""
    lake = MemoryLakehouse(spark, a_few(tmp_path, orders=["1,1,2023-05-01,pending,0"]))
    with pytest.raises(InputError, match=r"no completed order.*\n.*--as-of yyyy-mm-dd"):
        _ = lake.as_of_date


@pytest.mark.usefixtures("own_tables")
def test_new_orders_move_the_date(spark: SparkSession, tmp_path: Path) -> None:
    """However they came in: built anew or merged."""

    @registry.table(
        "silver",
        key="order_id",
        grain="One row per order",
        default_as_of="max(order_date) FILTER (WHERE is_completed)",
    )
    def stg_orders(raw_orders: DataFrame) -> DataFrame:
        return raw_orders.selectExpr(
            "order_id",
            "CAST(order_date AS DATE) AS order_date",
            "status = 'completed' AS is_completed",
        )

    def deliver(last: str) -> Path:
        orders = [f"1,1,{last},completed,0", "2,1,2024-01-01,new,0"]
        return a_few(tmp_path / "data", orders=orders)

    lake = without_gate(spark, tmp_path / "lake", deliver("2023-02-01"))
    lake.build(stg_orders)
    assert lake.as_of_date == date(2023, 2, 1)
    deliver("2023-02-02")
    lake.build(stg_orders)
    assert lake.as_of_date == date(2023, 2, 2)
    deliver("2023-02-03").joinpath("raw_orders.csv").open("a").write("3,1,2023-02-04,completed,0\n")
    lake = without_gate(spark, tmp_path / "lake", tmp_path / "data")
    assert lake.as_of_date == date(2023, 2, 2)
    update(lake, stg_orders)
    assert lake.as_of_date == date(2023, 2, 4)


@pytest.mark.parametrize("given", ["", "2023-05-31"])
def test_the_day_is_not_asked_for_again_until_the_orders_change(
    spark: SparkSession, lake: Lakehouse, tmp_path: Path, given: str
) -> None:
    """A table notes the day it was made for: known again where it was found, not given."""
    shutil.copytree(lake.location, tmp_path / "lake")
    shop = copy_example(tmp_path / "data")

    def opened(day: str = "") -> Lakehouse:
        return without_gate(spark, tmp_path / "lake", shop, as_of_date=day)

    made = opened(given)
    made.build("order_items")
    made.build("stg_order_items")
    made.build("int_customer_orders")
    asked = mock.patch.object(TableFolder, "read", autospec=True, side_effect=TableFolder.read)
    with asked as read:
        assert opened().as_of_date == date(2023, 7, 20)
    assert read.call_count == (1 if given else 0)

    (shop / "raw_orders_2.csv").write_text(
        f"{','.join(RAW_COLUMNS['orders'])}\n2001,1,2023-08-02,completed,1.00\n"
    )
    update(opened(given), "orders")
    update(opened(given), "stg_orders")
    assert opened().as_of_date == date(2023, 8, 2)


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_no_date_is_no_date(empty: str | None) -> None:
    assert parse_date(empty) is None


def test_a_date_is_a_day_of_the_calendar() -> None:
    assert parse_date(" 2024-02-29 ") == date(2024, 2, 29)
    assert parse_date(date(2024, 2, 29)) == date(2024, 2, 29)


@pytest.mark.parametrize(
    "text", ["2023-02-29", "2023-13-01", "20230131", "2023-1-31", "31.01.2023", "2023-W05-2", "now"]
)
def test_what_is_no_day_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_date(text)
    assert refused.value.message == f'as_of_date is "{text}", expected a day written yyyy-mm-dd.'
    assert "2024-06-30" in refused.value.remedy


def test_a_wrong_date_is_refused_before_anything_is_made(
    spark: SparkSession, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="as_of_date"):
        without_gate(spark, tmp_path / "lake", EXAMPLE_DATA, as_of_date="soon")
    assert list(tmp_path.iterdir()) == []


# ── Merging ──────────────────────────────────────────────────────────────────────────────────────


def countries(raw_customers: DataFrame) -> DataFrame:
    return raw_customers.selectExpr("CAST(customer_id AS BIGINT) AS customer_id", "country")


def known_countries(raw_customers: DataFrame) -> DataFrame:
    """A column that is never NULL."""
    return countries(raw_customers).selectExpr("*", "country IS NOT NULL AS is_known")


@pytest.mark.usefixtures("own_tables")
def test_a_merge_writes_only_what_is_new_changed_or_gone(
    spark: SparkSession, tmp_path: Path
) -> None:
    """A row that stayed keeps its stamp; a value that is missing still is no change."""
    registry.table("gold", key="customer_id", grain="One row per customer")(countries)
    people = [ANN, BEN, CID, EVE]
    lake = without_gate(spark, tmp_path / "lake", a_few(tmp_path / "data", customers=people))
    assert update(lake, countries) == Change("gold.countries", Outcome.BUILT, inserted=4)
    before = by_key(on_disk(lake, "countries"), "customer_id", "spark_updated_at")

    people = [ANN, BEN.replace("US", "AT"), DEE, EVE.replace("Lee,,", "Lee,FR,")]
    lake = without_gate(spark, tmp_path / "lake", a_few(tmp_path / "data", customers=people))
    assert update(lake, countries) == Change("gold.countries", Outcome.MERGED, 1, 2, 1)
    merged = by_key(lake.read(countries), "customer_id", "country")
    assert merged == {1: None, 2: "AT", 4: "US", 5: "FR"}
    after = by_key(on_disk(lake, "countries"), "customer_id", "spark_updated_at")
    assert after[1] == before[1]
    assert after[2] == after[4] == after[5] > before[2]


@pytest.mark.usefixtures("own_tables")
def test_a_column_that_is_never_null_can_be_merged(spark: SparkSession, tmp_path: Path) -> None:
    """What is read back from Delta may always be NULL; that makes it no other column."""
    registry.table("gold", key="customer_id", grain="One row per customer")(known_countries)
    lake = without_gate(spark, tmp_path / "lake", a_few(tmp_path / "data", customers=[ANN, BEN]))
    update(lake, known_countries)
    a_few(tmp_path / "data", customers=[ANN, BEN.replace("ben@", "benjamin@")])
    before = by_key(on_disk(lake, "known_countries"), "customer_id", "spark_updated_at")
    lake = without_gate(spark, tmp_path / "lake", tmp_path / "data")
    assert update(lake, known_countries) == Change("gold.known_countries", Outcome.MERGED)
    after = by_key(on_disk(lake, "known_countries"), "customer_id", "spark_updated_at")
    assert after == before


@pytest.mark.usefixtures("own_tables")
def test_a_merge_builds_anew_what_has_other_columns(spark: SparkSession, tmp_path: Path) -> None:
    """A changed function leaves none of the old columns behind."""
    registry.table("gold", key="customer_id", grain="One row per customer")(countries)
    lake = without_gate(spark, tmp_path / "lake", a_few(tmp_path / "data", customers=[ANN]))
    old = spark.sql("SELECT CAST(1 AS BIGINT) AS customer_id, 43 AS shoe_size")
    old.write.format("delta").save(lake.path(countries))
    assert update(lake, countries).how == "built"
    assert lake.read(countries).columns == ["customer_id", "country"]


# ── Two writers ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("own_tables")
@pytest.mark.parametrize("write", [Lakehouse.build, update])
def test_of_two_writers_the_second_stops_and_says_why(
    spark: SparkSession, tmp_path: Path, write: Callable[..., object]
) -> None:
    """While this one computes its rows, the commit of another reaches the log."""
    log = "lake/gold/countries/_delta_log"
    meanwhile = ""

    def countries(raw_customers: DataFrame) -> DataFrame:
        def while_another_commits(parts: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
            if meanwhile:
                shutil.copy(f"{tmp_path}/{meanwhile}", f"{tmp_path}/{log}")
            yield from parts

        rows = raw_customers.selectExpr("CAST(customer_id AS BIGINT) AS customer_id", "country")
        return rows.mapInPandas(while_another_commits, rows.schema)

    registry.table("gold", key="customer_id", grain="One row per customer")(countries)
    mine = without_gate(spark, tmp_path / "lake", a_few(tmp_path / "data", customers=[ANN, BEN]))
    mine.build(countries)
    shutil.copytree(tmp_path / "lake", tmp_path / "theirs" / "lake")
    a_few(tmp_path / "data", customers=[ANN, BEN, CID])
    without_gate(spark, tmp_path / "theirs" / "lake", tmp_path / "data").build(countries)
    mine = without_gate(spark, tmp_path / "lake", tmp_path / "data")
    meanwhile = f"theirs/{log}/{1:020}.json"
    with pytest.raises(LakehouseError) as refused:
        write(mine, countries)
    assert "gold.countries was changed by another run while this one wrote it" in str(refused.value)
    assert sorted(path.stem for path in (tmp_path / log).glob("*.json")) == [f"{0:020}", f"{1:020}"]


# ── Raw files ────────────────────────────────────────────────────────────────────────────────────


def refused(spark: SparkSession, tmp_path: Path, data_dir: Path) -> InputError:
    """The error of building from this folder; nothing may have been written by then."""
    lake = without_gate(spark, tmp_path / "lake", data_dir)
    with pytest.raises(InputError) as error:
        lake.build("customers")
    assert files_below(tmp_path / "lake") == []
    return error.value


def test_a_missing_file_is_named(spark: SparkSession, tmp_path: Path) -> None:
    """Although it is another entity's: half a shop is not worth building."""
    folder = copy_example(tmp_path / "data")
    (folder / "raw_products.csv").unlink()
    error = refused(spark, tmp_path, folder)
    assert error.message == f"{folder}/raw_products.csv is missing.\nNothing was written."
    assert "raw_order_items.csv" in error.remedy


@pytest.mark.parametrize("name", ["raw_products.CSV", "raw_product.csv", "raw_products.csv.zip"])
def test_a_missing_file_that_is_there_by_another_name_is_named(
    spark: SparkSession, tmp_path: Path, name: str
) -> None:
    data = a_few(tmp_path)
    (data / "raw_products.csv").rename(data / name)
    with pytest.raises(InputError) as refused:
        MemoryLakehouse(spark, data).read("products")
    assert f"\n{name} is not read. Its name would have to be:  raw_products.csv" in str(
        refused.value
    )


def test_a_folder_that_does_not_exist_is_named(spark: SparkSession, tmp_path: Path) -> None:
    error = refused(spark, tmp_path, tmp_path / "nowhere")
    assert error.message.startswith(f"{tmp_path}/nowhere/raw_customers.csv is missing.")


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (
            "order_id,customer_id,ordered_on,status,shipping_cost",
            'column 3 is "ordered_on", expected "order_date"',
        ),
        (
            "customer_id,order_id,order_date,status,shipping_cost",
            'column 1 is "customer_id", expected "order_id"',
        ),
        (
            "order_id,customer_id,order_date,status",
            'column 5 is missing, expected "shipping_cost"',
        ),
        (
            "order_id,customer_id,status,shipping_cost",
            'column 3 is "status", expected "order_date"',
        ),
        (
            "order_id,customer_id,order_date,status,shipping_cost,coupon",
            'column 6 is "coupon", expected no more',
        ),
        ("order_id;customer_id", 'column 1 is "order_id;customer_id", expected "order_id"'),
        ("", "the file has no header"),
    ],
)
def test_another_header_is_refused_with_file_and_column(
    spark: SparkSession, tmp_path: Path, header: str, problem: str
) -> None:
    """Reading on would put values into the wrong columns, without a word."""
    folder = copy_example(tmp_path / "data")
    (folder / "raw_orders.csv").write_text(f"{header}\n1,1,2023-02-01,completed,0\n")
    error = refused(spark, tmp_path, folder)
    assert error.message == f"{folder}/raw_orders.csv: {problem}.\nNothing was written."
    if header:
        assert error.remedy.endswith("order_id,customer_id,order_date,status,shipping_cost")


def test_the_header_of_every_delivery_is_checked(spark: SparkSession, tmp_path: Path) -> None:
    folder = copy_example(tmp_path / "data")
    (folder / "raw_customers_2.csv").write_text("id,email\n")
    error = refused(spark, tmp_path, folder)
    assert error.message.startswith(f'{folder}/raw_customers_2.csv: column 1 is "id"')


def test_an_empty_file_has_no_header(spark: SparkSession, tmp_path: Path) -> None:
    folder = copy_example(tmp_path / "data")
    (folder / "raw_orders.csv").write_bytes(b"")
    assert "raw_orders.csv: the file has no header" in refused(spark, tmp_path, folder).message


def test_a_header_may_be_written_by_a_spreadsheet(spark: SparkSession, tmp_path: Path) -> None:
    """A byte-order mark, CRLF and quotes do not make it another header."""
    folder = a_few(tmp_path / "data")
    header = ",".join(f'"{name}"' for name in RAW_COLUMNS["customers"])
    (folder / "raw_customers.csv").write_bytes(f"\ufeff{header}\r\n{ANN}\r\n".encode())
    customers = MemoryLakehouse(spark, folder).read("customers")
    assert by_key(customers, "customer_id", "created_at") == {"1": "2023-01-01"}


def test_deliveries_are_found_in_the_order_of_their_names(
    spark: SparkSession, tmp_path: Path
) -> None:
    """The file without a suffix first, wherever the others stand; other files are not ours."""
    folder = a_few(tmp_path / "data", orders_2023_09=[], orders_2023_10=[], order_items_2=[])
    for name in ("raw_orders.csv.bak", "my_raw_orders.csv", "raw_orders.txt", "raw_ordersx.csv"):
        (folder / name).write_text("not ours")
    other = a_few(tmp_path / "next", orders_2023_08=[])
    files = MemoryLakehouse(spark, folder, later=[str(other / "raw_orders_2023_08.csv")]).raw.find()
    names = {entity: [file.name for file in found] for entity, found in files.items()}
    assert names == {
        "customers": ["raw_customers.csv"],
        "orders": [
            "raw_orders.csv",
            "raw_orders_2023_08.csv",
            "raw_orders_2023_09.csv",
            "raw_orders_2023_10.csv",
        ],
        "order_items": ["raw_order_items.csv", "raw_order_items_2.csv"],
        "products": ["raw_products.csv"],
    }


def test_a_later_delivery_corrects_an_earlier_one(spark: SparkSession, tmp_path: Path) -> None:
    folder = a_few(tmp_path / "data", customers=[ANN, BEN])
    later = a_few(tmp_path / "next", customers_2=[BEN.replace("US", "AT")])
    lake = MemoryLakehouse(spark, folder, later=[str(later / "raw_customers_2.csv")])
    assert by_key(lake.read("stg_customers"), "customer_id", "country") == {1: None, 2: "AT"}
    assert by_key(lake.read("quarantine"), "record_key", "reason") == {"2": "duplicate_key"}


# ── Folders ──────────────────────────────────────────────────────────────────────────────────────


def test_a_relative_folder_starts_at_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Papermill, JupyterLab and nbval each start a notebook somewhere else."""
    monkeypatch.chdir(tmp_path)
    assert resolve("lakehouse") == str(PROJECT / "lakehouse")
    assert resolve("/data/lake") == "/data/lake"
    assert resolve("s3a://bucket/lake/") == "s3a://bucket/lake"
    assert resolve("~/lake") == str(Path.home() / "lake")
    assert for_message(str(PROJECT / "lakehouse")) == "lakehouse/"
    assert for_message("/data/lake/") == "/data/lake/"


def test_a_folder_that_cannot_be_is_refused_with_a_remedy(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Here a file is in its place."""
    (tmp_path / "lake").write_text("")
    with pytest.raises(InputError) as error:
        without_gate(spark, tmp_path / "lake", EXAMPLE_DATA)
    assert error.value.message == f"{tmp_path}/lake/ cannot be written."
    assert "--lakehouse-dir" in error.value.remedy


def test_a_place_that_spark_cannot_reach_is_refused_with_a_remedy(spark: SparkSession) -> None:
    """Here S3, without the connector that it needs."""
    with pytest.raises(InputError) as error:
        without_gate(spark, "s3a://bucket/lake", EXAMPLE_DATA)
    assert error.value.message.startswith("s3a://bucket/lake cannot be opened: ")
    assert "S3AFileSystem" in error.value.message
    assert "docs/clusters.md" in error.value.remedy


@pytest.mark.parametrize(
    "name",
    [
        "it's+ours",
        "a b",
        "50%20",
    ],
)
def test_a_folder_may_have_any_name(spark: SparkSession, tmp_path: Path, name: str) -> None:
    """Both that of the data and that of the lakehouse, and nothing is made beside it."""
    folder = tmp_path / name
    lake = without_gate(spark, folder / "lake", a_few(folder / "data", customers=[ANN]))
    assert lake.build("customers").count() == 1
    assert list(tmp_path.iterdir()) == [folder]


@pytest.fixture
def catalog(spark: SparkSession, tmp_path: Path) -> Iterator[SparkSession]:
    """Databases that stand in the test's folder, and are forgotten with it."""
    there = {database.name for database in spark.catalog.listDatabases()}
    new = [layer for layer in registry.LAYERS if layer not in there]
    for layer in new:
        spark.sql(f"CREATE DATABASE {layer} LOCATION '{(tmp_path / 'catalog' / layer).as_uri()}'")
    yield spark
    spark.sql("DROP TABLE IF EXISTS bronze.customers")
    for layer in new:
        spark.sql(f"DROP DATABASE {layer} CASCADE")


def test_a_table_has_its_sql_name(catalog: SparkSession, tmp_path: Path) -> None:
    """From when it is built, in every session that opens the folder; the last opened one counts."""
    lakes = {name: tmp_path / "lakes" / name for name in ("ann's", "ben")}
    files = {
        name: a_few(tmp_path / "data" / name, customers=[line])
        for name, line in zip(lakes, [ANN, BEN], strict=True)
    }

    def names() -> list[str]:
        return [r[0] for r in catalog.sql("SELECT first_name FROM bronze.customers").collect()]

    for name, wanted in (("ann's", "Ann"), ("ben", "Ben")):
        Lakehouse(catalog, lakes[name], files[name]).build("customers")
        assert names() == [wanted]
    Lakehouse(catalog, lakes["ann's"], files["ann's"])
    assert names() == ["Ann"]


# ── In memory ────────────────────────────────────────────────────────────────────────────────────


def test_a_lakehouse_in_memory_builds_what_is_asked_for(
    spark: SparkSession, tmp_path: Path
) -> None:
    """With all that it is made from, and without a file."""
    folder = a_few(tmp_path / "data", customers=[ANN])
    lake = MemoryLakehouse(spark, folder, "2023-12-31")
    metrics = lake.read("fct_customer_metrics")
    assert by_key(metrics, "customer_id", "churn_risk") == {1: "No Purchases"}
    assert not (PROJECT / "in memory").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_the_example_is_the_one_we_work_out_by_hand(spark: SparkSession) -> None:
    """John, seen from 20 July 2023: here today, three times, $247.92."""
    john = row(ExampleLakehouse(spark).build(int_customer_rfm), customer_id=1)
    assert (john.recency_days, john.frequency) == (0, 3)
    assert john.monetary_value == Decimal("247.92")


@pytest.mark.parametrize("empty", [{"location": ""}, {"data_dir": ""}])
def test_a_folder_of_a_notebook_that_is_given_and_empty_is_an_error(
    spark: SparkSession, tmp_path: Path, empty: dict[str, str]
) -> None:
    """It is no missing one, for which the shop's own is taken."""
    folders: dict[str, Any] = {
        "location": str(tmp_path / "lake"),
        "data_dir": str(EXAMPLE_DATA),
        **empty,
    }
    with pytest.raises(InputError, match="The name of a folder is empty"):
        Lakehouse(spark, **folders, sql_names=False)
