"""What a lakehouse needs that lives: files kept in order, a way back, deliveries that grow."""

import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pytest
from deliveries import ANN, a_few, deliver, open_lake
from deltalake import DeltaTable
from oracle.raw import COLUMNS
from pyspark.sql import SparkSession

from ecommerce_lakehouse import Lakehouse, cli, registry
from ecommerce_lakehouse.errors import InputError, LakehouseError, MissingTableError
from ecommerce_lakehouse.operations import maintain as maintenance
from ecommerce_lakehouse.operations.build import find_new_columns
from ecommerce_lakehouse.operations.change import rebuild
from ecommerce_lakehouse.operations.maintain import maintain
from ecommerce_lakehouse.operations.restore import parse_moment, restore
from ecommerce_lakehouse.operations.run import Run
from ecommerce_lakehouse.operations.update import update
from ecommerce_lakehouse.tables.preflight import check_data

TABLES = ["bronze.products", "silver.stg_products"]
MUG, PEN, CAP = "1,Mug,Kitchen,2.00,5.00", "2,Pen,Office,0.50,1.00", "3,Cap,Clothes,4.00,9.00"
DEARER = "1,Mug,Kitchen,2.00,6.00"


def run(lake: Lakehouse) -> list[str]:
    """Bring the tables up to date; what became of each."""
    return [update(lake, name).how for name in TABLES]


def prices(lake: Lakehouse) -> dict[str, str]:
    rows = lake.read("stg_products").collect()
    return {row.product_name: str(row.list_price) for row in rows}


def versions(lake: Lakehouse) -> list[int]:
    return [lake.folder.log(registry.get(name)).versions()[0] for name in TABLES]


@pytest.fixture(scope="module")
def two_nights(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One night a mug is there; the next it is dearer, and there is a pen."""
    folder = tmp_path_factory.mktemp("nights")
    a_few(folder / "data", products=[MUG])
    run(open_lake(spark, folder))
    deliver(folder / "data", "2", {"products": [DEARER, PEN]})
    run(open_lake(spark, folder))
    return folder


@pytest.fixture
def shop(two_nights: Path, tmp_path: Path) -> Path:
    """A copy to work on."""
    shutil.copytree(two_nights, tmp_path, dirs_exist_ok=True)
    return tmp_path


def first_night(lake: Lakehouse) -> datetime:
    """When the last table was first built, by its log."""
    return max(list(lake.folder.log(registry.get(name)).commits())[-1].time for name in TABLES)


# ── Files in order ───────────────────────────────────────────────────────────────────────────────


def left_behind(shop: Path, days: int) -> Path:
    """A file in a table's folder that a killed write left there, so many days ago."""
    folder = shop / "lake" / "bronze" / "products"
    file = folder / f"left-{days}.parquet"
    shutil.copy(next(folder.glob("part-*.parquet")), file)
    then = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    os.utime(file, (then, then))
    return file


def test_a_dry_run_tells_and_changes_nothing(spark: SparkSession, shop: Path) -> None:
    left_behind(shop, 8)
    before = sorted(path for path in (shop / "lake").rglob("*") if path.is_file())
    bronze, silver = maintain(open_lake(spark, shop))
    assert (bronze.table, bronze.before[0], bronze.deletable) == ("bronze.products", 2, 1)
    assert bronze.before == bronze.after
    assert bronze.before[1] == sum(
        path.stat().st_size for path in before if path.match("bronze/products/part-*.parquet")
    )
    assert (silver.table, silver.deletable) == ("silver.stg_products", 0)
    assert sorted(path for path in (shop / "lake").rglob("*") if path.is_file()) == before


@pytest.mark.nightly
def test_files_are_put_together_and_nothing_is_built_for_it(
    spark: SparkSession, shop: Path
) -> None:
    """The next run finds nothing to do; the one after it follows the changes of single rows."""
    deliver(shop / "data", "3", {"products": [CAP]})
    lake = open_lake(spark, shop)
    run(lake)
    old, young = left_behind(shop, 8), left_behind(shop, 6)
    Run(lake, ["bronze"], full_refresh=False)
    still_going = Run(lake, ["bronze"], full_refresh=False)
    told = {files.table: files for files in maintain(lake, apply=True)}
    assert list(told) == [*TABLES, "ops.runs"]
    assert [files.before[0] for files in told.values()] == [3, 2, 2]
    assert [files.after[0] for files in told.values()] == [1, 1, 1]
    assert (old.exists(), young.exists()) == (False, True)
    for table in told:
        log = Path(lake.location, *table.split("."), "_delta_log")
        (entry,) = [text for file in log.glob("*.json") if "OPTIMIZE" in (text := file.read_text())]
        assert (r'"zOrderBy":"[\"category\"]"' in entry) == (table in TABLES)
    still_going.build([registry.get("products")], str)  # `ops.runs` has a new version, but no run
    before = versions(lake)
    assert run(open_lake(spark, shop)) == ["unchanged", "unchanged"]
    assert versions(lake) == before
    deliver(shop / "data", "4", {"products": [CAP.replace("9.00", "8.00")]})
    assert run(open_lake(spark, shop)) == ["merged", "merged"]
    assert prices(lake) == {"Mug": "6.00", "Pen": "1.00", "Cap": "8.00"}


def test_files_in_order_are_left_alone(
    spark: SparkSession, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each commit without rows pushes an old one, and its note, out of the log."""
    shutil.rmtree(shop / "lake" / "silver")
    lake = open_lake(spark, shop)
    # More than one file remains, and ZORDER would write them again. Whether the two rows of one
    # category share a file Delta leaves to chance.
    monkeypatch.setattr(maintenance, "ROWS_A_FILE", 1)
    maintain(lake, apply=True)
    before = lake.folder.log(registry.get("products")).versions()
    (files,) = maintain(lake, apply=True)
    assert files.before[0] > 1
    assert lake.folder.log(registry.get("products")).versions() == before


def test_files_are_put_in_the_order_of_their_keys(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the next night writes few of them again."""
    a_few(tmp_path / "data")
    for part in range(3):
        people = [ANN.replace("1,", f"{number},", 1) for number in range(part + 1, 31, 3)]
        deliver(tmp_path / "data", str(part), {"customers": people})
        lake = open_lake(spark, tmp_path)
        update(lake, "customers")
        update(lake, "stg_customers")
    monkeypatch.setattr(maintenance, "ROWS_A_FILE", 10)
    maintain(lake, apply=True)
    files = pa.table(DeltaTable(lake.path("stg_customers")).get_add_actions(flatten=True))
    least, most = (files[f"{end}.customer_id"].to_pylist() for end in ("min", "max"))
    assert len(least) > 1
    assert all(low > high for low, high in zip(sorted(least)[1:], sorted(most), strict=False))


# ── A way back ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-02-29", datetime(2024, 2, 29, 23, 59, 59, 999999, UTC)),
        (date(2024, 2, 29), datetime(2024, 2, 29, 23, 59, 59, 999999, UTC)),
        ("2024-02-29 18:00", datetime(2024, 2, 29, 18, tzinfo=UTC)),
        ("2024-02-29T18:00:30+02:00", datetime(2024, 2, 29, 16, 0, 30, tzinfo=UTC)),
        (datetime(2024, 2, 29, 18), datetime(2024, 2, 29, 18, tzinfo=UTC)),
        (
            datetime(2024, 2, 29, 18, tzinfo=timezone(timedelta(hours=-1))),
            datetime(2024, 2, 29, 19, tzinfo=UTC),
        ),
    ],
)
def test_a_day_means_its_end_in_utc(text: str | date, moment: datetime) -> None:
    assert parse_moment(text) == moment


NO_MOMENTS = [
    *("", "2023-02-29", "29.02.2024", "20240229", "2024-02-29 25:00"),
    *("0001-01-01T00:00+05:00", "9999-12-31T23:59:59-05:00"),  # no year of ours in UTC
]


@pytest.mark.parametrize("text", NO_MOMENTS)
def test_what_is_no_moment_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match=r"expected a day or a time of a day[\s\S]*2024-06-30"):
        parse_moment(text)


def test_the_lakehouse_goes_back_and_forth(spark: SparkSession, shop: Path) -> None:
    """As it stood: nothing is to be done. What came later is new to it again, and read once."""
    lake = open_lake(spark, shop)
    restore(lake, first_night(lake))
    assert prices(lake) == {"Mug": "5.00"}
    assert lake.read("products").count() == 1
    delivery = shop / "data" / "raw_products_2.csv"
    delivery.rename(shop / "put-away.csv")
    assert run(open_lake(spark, shop)) == ["unchanged", "unchanged"]
    (shop / "put-away.csv").rename(delivery)
    assert run(open_lake(spark, shop)) == ["merged", "merged"]
    assert prices(lake) == {"Mug": "6.00", "Pen": "1.00"}
    assert lake.read("products").count() == 3


@pytest.mark.nightly
def test_one_table_goes_back_and_is_carried_forward(spark: SparkSession, shop: Path) -> None:
    lake = open_lake(spark, shop)
    bronze, _ = versions(lake)
    restore(lake, first_night(lake), "silver.stg_products")
    assert prices(lake) == {"Mug": "5.00"}
    assert versions(lake)[0] == bronze
    assert run(open_lake(spark, shop)) == ["unchanged", "merged"]
    assert prices(lake) == {"Mug": "6.00", "Pen": "1.00"}


@pytest.mark.nightly
def test_what_a_merge_without_a_difference_noted_goes_back_too(
    spark: SparkSession, shop: Path
) -> None:
    """Silver has the rows of then, but not the note; the files of then need not be there."""
    lake = open_lake(spark, shop)
    then = next(lake.folder.log(registry.get("stg_products")).commits()).time
    deliver(shop / "data", "3", {"products": ["9,,Office,1.00,2.00"]})  # has no name
    assert run(open_lake(spark, shop)) == ["merged", "merged"]
    files = set((shop / "lake" / "silver" / "stg_products").glob("*.parquet"))
    spark.sql(f"OPTIMIZE delta.`{lake.path('stg_products')}` ZORDER BY (category)")
    for file in files:
        file.unlink()
    restore(lake, then)
    (shop / "data" / "raw_products_3.csv").unlink()
    assert run(open_lake(spark, shop)) == ["unchanged", "unchanged"]


def test_a_moment_before_a_table_was_built_is_refused(spark: SparkSession, shop: Path) -> None:
    """It is named, and the table that could go back has not."""
    lake = open_lake(spark, shop)
    (*_, bronze), (*_, silver) = (lake.folder.log(registry.get(name)).commits() for name in TABLES)
    before = versions(lake)
    with pytest.raises(InputError) as refused:
        restore(lake, bronze.time)
    assert refused.value.message == (
        f"silver.stg_products was first built from {silver.time:%Y-%m-%d %H:%M:%S} on, "
        f"not at {bronze.time:%Y-%m-%d %H:%M:%S}.\nNothing was restored."
    )
    assert versions(lake) == before
    advised = refused.value.remedy.split('"')[1]
    assert timedelta() < parse_moment(advised) - silver.time <= timedelta(seconds=1)


def test_a_version_whose_files_are_deleted_is_refused(spark: SparkSession, shop: Path) -> None:
    """It is the last table's: the others must not have gone back by then."""
    lake = open_lake(spark, shop)
    live = {Path(file).name for file in lake.read("stg_products").inputFiles()}
    for file in (shop / "lake" / "silver" / "stg_products").glob("*.parquet"):
        if file.name not in live:
            file.unlink()  # as VACUUM does a week later
    before = versions(lake)
    with pytest.raises(LakehouseError) as refused:
        restore(lake, first_night(lake))
    assert refused.value.message.startswith("silver.stg_products cannot go back to")
    assert "1 of its 1 files of then are deleted.\nNothing was restored." in refused.value.message
    assert "lakehouse build --full-refresh --as-of" in refused.value.remedy
    assert versions(lake) == before


def test_a_build_that_still_goes_on_stops(spark: SparkSession, shop: Path) -> None:
    lake = open_lake(spark, shop)
    build = Run(lake, ["bronze"], full_refresh=False)
    restore(lake, first_night(lake), "products")
    with pytest.raises(LakehouseError, match="later run has begun"):
        build.build([registry.get("products")], str)
    (step,) = spark.read.format("delta").load(f"{lake.location}/ops/steps").collect()
    assert (step.table, step.outcome) == ("bronze.products", "restored")


def test_what_is_not_built_cannot_go_back(spark: SparkSession, shop: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingTableError, match=r"gold\.fct_customer_metrics is not in"):
        restore(open_lake(spark, shop), "2024-06-30", "fct_customer_metrics")
    empty = open_lake(spark, tmp_path / "empty")
    for command in (lambda: restore(empty, "2024-06-30"), lambda: maintain(empty)):
        with pytest.raises(MissingTableError, match=r"no table in .*\n.*lakehouse build"):
            command()


# ── Deliveries that grow ─────────────────────────────────────────────────────────────────────────


def deliver_more(data: Path, name: str, header: str, *lines: str) -> None:
    """Products with further columns."""
    text = "\n".join([f"{','.join(COLUMNS['products'])}{header}", *lines])
    (data / f"raw_products_{name}.csv").write_text(text + "\n", encoding="utf-8")


def evolving(spark: SparkSession, folder: Path) -> Lakehouse:
    return Lakehouse(
        spark, folder / "lake", folder / "data", "2023-07-31", sql_names=False, evolve=True
    )


def colours(lake: Lakehouse) -> list[tuple[str, str | None]]:
    rows = lake.read("products").orderBy("product_id", "_source_file").collect()
    return [(row.product_name, row.colour) for row in rows]


def test_a_new_column_becomes_one_of_bronze(spark: SparkSession, shop: Path) -> None:
    """Once it is there no flag is needed, and files with and without it are read."""
    silver = open_lake(spark, shop).read("stg_products").dtypes
    deliver_more(shop / "data", "3", ",colour", f"{CAP},red")
    lake = evolving(spark, shop)
    told = 'raw_products_3.csv has a new column "colour": bronze.products takes it in as text.'
    assert find_new_columns(lake) == [told]
    assert run(lake) == ["merged", "merged"]
    assert dict(lake.read("products").dtypes)["colour"] == "string"
    assert lake.read("stg_products").dtypes == silver
    assert prices(lake) == {"Mug": "6.00", "Pen": "1.00", "Cap": "9.00"}

    deliver(shop / "data", "4", {"products": ["4,Bag,Clothes,4.00,9.00"]})
    deliver_more(shop / "data", "5", ",COLOUR", "5,Hat,Clothes,4.00,9.00,")
    check_data(str(shop / "data"), str(shop / "lake"))
    lake = open_lake(spark, shop)
    assert find_new_columns(lake) == []
    assert run(lake) == ["merged", "merged"]
    assert run(open_lake(spark, shop)) == ["unchanged", "unchanged"]
    plain = [("Mug", None), ("Mug", None), ("Pen", None)]
    wanted = [*plain, ("Cap", "red"), ("Bag", None), ("Hat", None)]
    assert colours(lake) == wanted
    rebuild(lake, registry.get("products"))
    assert colours(lake) == wanted
    assert lake.read("products").where("_corrupt_record IS NOT NULL").isEmpty()


@pytest.mark.parametrize(
    ("header", "evolve", "problem"),
    [
        (",colour", False, 'column 6 is "colour", expected no more'),
        (",colour,", True, "column 7 has no name: a comma too many"),
        (",colour,Colour", True, 'column 7 is "Colour", expected another name'),
        (",Category", True, 'column 6 is "Category", expected another name'),
        (",_source_file", True, 'column 6 is "_source_file", expected another name'),
        (",2 for 1", True, 'column 6 is "2 for 1", expected another name'),
    ],
)
def test_a_column_that_is_not_asked_for_or_has_no_good_name_is_refused(
    tmp_path: Path, header: str, evolve: bool, problem: str
) -> None:
    """Before Spark starts, in a lakehouse that does not know the column."""
    a_few(tmp_path / "data")
    deliver_more(tmp_path / "data", "2", header)
    with pytest.raises(InputError) as refused:
        check_data(str(tmp_path / "data"), str(tmp_path / "lake"), evolve=evolve)
    file = tmp_path / "data" / "raw_products_2.csv"
    assert refused.value.message.startswith(f"{file}: {problem}")
    first = "product_id,product_name,category,cost_price,list_price,colour"
    mended = f"Remove it. The first line is then:  {first}"
    wanted = mended if "comma" in problem else "lakehouse build --evolve"
    assert wanted in refused.value.remedy


@pytest.mark.parametrize("more", ["", ",colour"])
def test_a_column_that_is_gone_is_refused_all_the_same(tmp_path: Path, more: str) -> None:
    a_few(tmp_path / "data")
    header = f"order_id,customer_id,order_date,shipping_cost{more}"
    (tmp_path / "data" / "raw_orders_2.csv").write_text(f"{header}\n")
    with pytest.raises(InputError, match='column 4 is "shipping_cost", expected "status"'):
        check_data(str(tmp_path / "data"), str(tmp_path / "lake"), evolve=True)


# ── The commands ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def lakehouse(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Call the command; its exit code, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lakehouse", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return call


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["maintain"], "There is no folder {folder}/lake."),
        (["restore", "--to", "2024-06-30"], "There is no folder {folder}/lake."),
        (["restore", "--to", "yesterday"], 'The moment is "yesterday"'),
        (["restore", "gold.nothing", "--to", "2024-06-30"], "no table called gold.nothing"),
    ],
)
def test_a_bad_option_is_one_message_and_makes_no_folder(
    lakehouse: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    arguments: list[str],
    said: str,
) -> None:
    code, out, err = lakehouse(*arguments, "--lakehouse-dir", f"{tmp_path}/lake")
    assert (code, out) == (2, "")
    assert said.format(folder=tmp_path) in err
    assert not list(tmp_path.iterdir())


def test_the_commands_say_what_they_do(
    spark: SparkSession, shop: Path, lakehouse: Callable[..., tuple[int, str, str]]
) -> None:
    moment = f"{first_night(open_lake(spark, shop)):%Y-%m-%dT%H:%M:%S.%f}"
    place = ["--lakehouse-dir", f"{shop}/lake"]
    code, out, _ = lakehouse("restore", "stg_products", "--to", moment, *place)
    assert code == 0
    assert out.splitlines()[0].split() == ["silver.stg_products", "restored"]
    assert out.endswith("Take in again what came later with:  lakehouse build\n")
    shutil.rmtree(shop / "lake" / "silver")
    shutil.rmtree(shop / "lake" / "ops")
    code, out, _ = lakehouse("maintain", *place)
    assert code == 0
    header, files, *_ = out.splitlines()
    assert header.split() == ["table", "files", "size", "deletable"]
    assert files.split()[:2] == ["bronze.products", "2"]
    assert out.endswith("Nothing was changed. Do it with:  lakehouse maintain --apply\n")
