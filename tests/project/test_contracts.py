"""Every table has a contract, and is as its contract says."""

import json
import runpy
from collections.abc import Iterator
from functools import reduce
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_type
from pyspark.sql.types import StructType

from ecommerce_lakehouse import ExampleLakehouse, Lakehouse, MemoryLakehouse, registry
from ecommerce_lakehouse.contracts import FOLDER, contract_of, contracts, read
from ecommerce_lakehouse.layers.quality import ContractError, QualityError, check_columns
from ecommerce_lakehouse.operations import Gate, Run
from ecommerce_lakehouse.operations.run_records import SCHEMAS
from ecommerce_lakehouse.paths import EXAMPLE_DATA, PROJECT
from ecommerce_lakehouse.registry import LAYERS, Table
from ecommerce_lakehouse.spark.settings import SETTINGS
from ecommerce_lakehouse.storage.delta_log import Provenance
from ecommerce_lakehouse.storage.folder import stamp_of

FILES = (*LAYERS, "ops")
TABLES = registry.tables(scored=True)
SCRIPT = "scripts/generate_contracts.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(PROJECT / SCRIPT))


def columns(layer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The columns of a layer, each with its table."""
    for table in read(layer)["schema"]:
        for column in table["properties"]:
            yield table["name"], column


@pytest.mark.parametrize("layer", FILES)
def test_a_contract_is_one_by_the_standard(layer: str) -> None:
    schema = json.loads((files("open_data_contract_standard") / "schema.json").read_text())
    assert read(layer)["apiVersion"] in schema["properties"]["apiVersion"]["enum"]
    jsonschema.Draft201909Validator(schema).validate(read(layer))


@pytest.mark.parametrize("layer", FILES)
def test_a_contract_says_of_the_declarations_what_they_say(
    layer: str, script: dict[str, Any]
) -> None:
    """Key, grain, checks and checked references are in one place, and filled in from there."""
    written = (FOLDER / f"{layer}.yaml").read_text(encoding="utf-8")
    assert written == script["fill"](layer, read(layer)), f"python {SCRIPT}"


def test_every_table_has_a_contract_and_every_contract_a_table() -> None:
    found = [name for layer in FILES for name in contracts(layer)]
    assert sorted(found) == sorted([t.full_name for t in TABLES] + [f"ops.{n}" for n in SCHEMAS])
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == sorted(FILES)


@pytest.mark.parametrize("layer", FILES)
def test_every_column_has_a_meaning(layer: str) -> None:
    for table, column in columns(layer):
        meaning = column.get("description", "")
        assert meaning[-1:] == ".", f"{layer}.{table}.{column['name']}: write what it means"
        assert "|" not in meaning, "the dictionary is a table"
        if layer not in ("bronze", "ops") and not column["required"]:
            assert "NULL" in meaning, f"{table}.{column['name']}: say what NULL means"


def test_money_and_days_have_a_unit() -> None:
    for layer in FILES:
        for contract in contracts(layer).values():
            for column in contract.columns:
                if column.type.startswith(("decimal", "double")) or column.name.endswith("_days"):
                    assert column.unit, f"{contract.table}.{column.name}"


def test_a_relationship_leads_to_a_column() -> None:
    there = {(layer, table, c["name"]) for layer in FILES for table, c in columns(layer)}
    for layer in FILES:
        for _, column in columns(layer):
            for relationship in column.get("relationships", []):
                file, _, to = relationship["to"].rpartition("#")
                steps = to.split("/") if file else []
                table, name = (steps[2], steps[4]) if file else to.split(".")
                assert (file.removesuffix(".yaml") or layer, table, name) in there, relationship


def test_the_tables_of_the_example_are_as_their_contracts_say(example: ExampleLakehouse) -> None:
    assert breaches(example) == []


def test_the_dictionary_is_as_the_declarations_have_it(example: ExampleLakehouse) -> None:
    dictionary = runpy.run_path(str(PROJECT / "scripts" / "generate_dictionary.py"))
    written = (PROJECT / "docs" / "data_dictionary.md").read_text(encoding="utf-8")
    assert written == dictionary["dictionary"](example), "python scripts/generate_dictionary.py"


def test_the_records_of_runs_are_as_their_contracts_say() -> None:
    for name, kinds in SCHEMAS.items():
        found = {c: from_arrow_type(kind).simpleString() for c, kind in kinds.items()}
        assert found == {c.name: c.type for c in contracts("ops")[f"ops.{name}"].columns}


@pytest.mark.nightly
def test_the_tables_of_the_shop_are_as_their_contracts_say(spark: SparkSession) -> None:
    assert breaches(MemoryLakehouse(spark, "data_seeds/shop")) == []


def breaches(lake: MemoryLakehouse) -> list[str]:
    """The required columns that hold a NULL; an error where columns are not those promised."""
    counts = []
    for table in TABLES:
        contract, rows = contracts(table.layer)[table.full_name], lake.read(table)
        check_columns(rows, contract, but=stamp_of(table))
        promised = [column for column in contract.columns if column.name != stamp_of(table)]
        assert rows.columns == [column.name for column in promised]
        required = [column.name for column in promised if column.required]
        nulls = [F.count_if(F.col(name).isNull()).alias(name) for name in required]
        by_name = F.create_map(*[part for name in required for part in (F.lit(name), name)])
        found = F.explode(by_name).alias("column", "nulls")
        counts.append(rows.agg(*nulls).select(F.lit(table.full_name).alias("table"), found))
    broken = reduce(DataFrame.unionAll, counts).where("nulls > 0").collect()
    return [f"{row.table}.{row.column}: {row.nulls} NULL" for row in broken]


@pytest.fixture(scope="module")
def example(spark: SparkSession) -> ExampleLakehouse:
    return ExampleLakehouse(spark)


@pytest.fixture
def strict(spark: SparkSession, tmp_path: Path) -> Lakehouse:
    """A lakehouse with the gate of the programs."""
    return Lakehouse(spark, tmp_path, EXAMPLE_DATA, sql_names=False, gate=Gate())


def write(lake: Lakehouse, name: str, rows: DataFrame) -> None:
    lake.writer.replace(registry.get(name), rows, Provenance({}))


def test_the_gate_stops_a_column_of_another_type_one_too_few_and_one_too_many(
    strict: Lakehouse, example: ExampleLakehouse
) -> None:
    rows = example.read("stg_orders").drop("order_year").withColumn("order_date", F.lit("today"))
    with pytest.raises(ContractError) as stopped:
        write(strict, "stg_orders", rows.withColumn("mood", F.lit(1)))
    assert stopped.value.message.splitlines() == [
        "silver.stg_orders is not as contracts/silver.yaml says. Mend one of the two. "
        "Not published.",
        "order_date: expected date, found string",
        "order_year: expected int, found none",
        "mood: expected no column, found int",
    ]
    assert not strict.has("stg_orders")


def test_the_gate_stops_a_null_where_none_may_be(
    strict: Lakehouse, example: ExampleLakehouse
) -> None:
    """Whether all rows are written, or some are merged."""
    good = example.read("stg_orders")
    bad = good.withColumn("order_day_of_week", F.expr("nullif(order_day_of_week, 'Saturday')"))
    said = "stg_orders: NULL in order_day_of_week, which is required: 2 of 10 rows"
    with pytest.raises(QualityError, match=said):
        write(strict, "stg_orders", bad)
    assert not strict.has("stg_orders")
    write(strict, "stg_orders", good)
    with pytest.raises(QualityError, match=said):
        strict.writer.merge(registry.get("stg_orders"), bad, Provenance({}))
    assert strict.read("stg_orders").where("order_day_of_week IS NULL").isEmpty()


def test_what_the_gate_counted_is_what_was_declared(
    strict: Lakehouse, example: ExampleLakehouse
) -> None:
    write(strict, "stg_customers", example.read("stg_customers"))
    found = strict.writer.gate.pop_results(registry.get("stg_customers"))
    assert [row.check for row in found] == ["email looks valid", "key is present", "key is unique"]


def test_files_may_bring_bronze_further_columns_of_text(
    strict: Lakehouse, example: ExampleLakehouse
) -> None:
    rows = example.read("customers")
    write(strict, "customers", rows.withColumn("mood", F.lit("good")))
    with pytest.raises(ContractError, match="mood: expected no column, found int"):
        write(strict, "customers", rows.withColumn("mood", F.lit(1)))


def test_a_table_of_another_shape_takes_its_layer_back(
    spark: SparkSession, strict: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with any other broken check: readers get the layer as it was."""
    monkeypatch.setitem(registry._tables, "stg_orders", _with_a_column(registry.get("stg_orders")))
    bronze = [registry.get(name) for name in ("customers", "orders")]
    silver = [registry.get(f"stg_{table.name}") for table in bronze]
    with pytest.raises(ContractError, match="mood: expected no column"):
        Run(strict, ["silver"]).build([*bronze, *silver])
    assert not strict.has("stg_customers")


def _with_a_column(table: Table) -> Table:
    def stg_orders(orders: DataFrame) -> DataFrame:
        return table.function(orders).withColumn("mood", F.lit(1))

    return Table(table.name, table.layer, table.key, table.grain, stg_orders)


def test_a_lesson_may_add_a_column(
    spark: SparkSession, tmp_path: Path, example: ExampleLakehouse
) -> None:
    """It has no gate."""
    lesson = Lakehouse(spark, tmp_path, EXAMPLE_DATA, sql_names=False)
    write(lesson, "stg_orders", example.read("stg_orders").withColumn("mood", F.lit(1)))
    assert "mood" in lesson.read("stg_orders").columns


def test_a_new_table_gets_a_contract_to_fill_in(
    script: dict[str, Any], example: ExampleLakehouse
) -> None:
    table = registry.get("dim_customer_segments")
    begun = script["begin"](table, StructType(example.read(table).schema.fields[:2]))
    text = script["fill"]("gold", {"version": "1.0.0", "schema": [begun]})
    assert "dataGranularityDescription: One row per customer." in text
    assert "primaryKeyPosition: 1" in text
    assert "description: ''" in text
    assert "segment is known" in text


def test_comments_say_what_columns_mean_and_stay(spark: SparkSession, tmp_path: Path) -> None:
    """They come with the commit that makes a table; nothing is written again for them."""
    later = tmp_path / "raw_orders_2024-01.csv"
    later.write_text(
        "order_id,customer_id,order_date,status,shipping_cost\n"
        "1,1,2023-02-01,returned,5.00\n900,2,2023-08-01,completed,5.00\n"
    )
    orders = [registry.get(name) for name in ("orders", "stg_orders")]
    for arrived in ([], [str(later)]):
        lake = Lakehouse(
            spark, tmp_path / "lake", EXAMPLE_DATA, later=arrived, sql_names=False, gate=Gate()
        )
        Run(lake, ["bronze", "silver"]).build(orders)
    for table in orders:
        contract = contract_of(table.full_name)
        assert contract is not None
        told = spark.sql(f"DESCRIBE TABLE delta.`{lake.path(table)}`").collect()
        assert {row.col_name: row.comment for row in told} == {
            column.name: column.comment for column in contract.columns
        }
        said = spark.sql(f"DESCRIBE DETAIL delta.`{lake.path(table)}`").collect()[0].description
        assert said == contract.comment
        assert len(lake.folder.log(table).versions()) == 2
    lake.build(orders[1].function)  # all of its rows anew
    said = spark.sql(f"DESCRIBE DETAIL delta.`{lake.path(orders[1])}`").collect()[0].description
    assert said == "Orders with a real day and a status. One row per order, whatever became of it."


def test_a_session_with_another_catalog_makes_tables_without_a_comment(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that a platform brings; of what is made from the rows nothing is missing."""
    lake = Lakehouse(spark, tmp_path, EXAMPLE_DATA, sql_names=False)
    monkeypatch.setitem(SETTINGS, "spark.sql.catalog.spark_catalog", "another")
    assert lake.build("products").count() == 5
    (said,) = spark.sql(f"DESCRIBE DETAIL delta.`{lake.path(registry.get('products'))}`").collect()
    assert said.description is None
